"""Many spectra in chunks of one job each, and their predictions in one file again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from logg1m.files import InputError, atomic_path
from logg1m.predict.reading import Options, open_spectra


def plan(paths: Sequence[str], chunk: int, options: Options) -> dict[str, Any]:
    """How many spectra the files hold, and first and last-plus-one of every chunk, counted over all files together.

    Raises
    ------
    InputError
        If there is no file, or one cannot be read.
    """
    if not paths:
        raise InputError("predict.spectra names no file of spectra; set it in the configuration")
    counts = [open_spectra(path, options).n_spectra for path in paths]
    total = sum(counts)
    if not total:
        raise InputError(f"there is no spectrum in {', '.join(paths)}")
    return {
        "files": [{"path": path, "spectra": count} for path, count in zip(paths, counts, strict=True)],
        "spectra": total,
        "chunks": [[start, min(start + chunk, total)] for start in range(0, total, chunk)],
    }


def merge(parts: Sequence[str | Path], out: Path) -> int:
    """Predictions of all chunks in order, one at a time in memory; the number of rows."""
    rows = 0
    with atomic_path(out) as temporary:
        schema = pq.read_schema(parts[0])
        with pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer:
            for part in parts:
                table = pq.read_table(part, page_checksum_verification=True)
                if table.schema.names != schema.names:
                    raise InputError(f"{part} has the columns {table.schema.names}, expected {schema.names}; delete it")
                writer.write_table(table.cast(schema).replace_schema_metadata(schema.metadata))
                rows += table.num_rows
    return rows
