"""Source → store, chunk by chunk, resumable at any moment."""

from pathlib import Path
from typing import Any

from logg1m.config.compute import Compute
from logg1m.jobs.progress import log
from logg1m.sources import Reporter, Source
from logg1m.spectra import identifiers, passes
from logg1m.spectra.store import Layout, Writer


def generate(
    source: Source,
    manifest: Path,
    compute: Compute,
    compression: str = "none",
    code: str = "",
    replace: bool = True,
) -> dict[str, Any]:
    """Write every spectrum of `source` into the store beside `manifest` and return the manifest.

    Chunks that an interrupted run finished are verified and kept, if `code` (a fingerprint of the generating code, and
    of the files that are read) is what they were made by. `replace` allows other data to be written over.
    """
    layout = Layout(source.n_spectra, source.wave, source.arrays, source.labels, source.describe(), compression, code)
    with Writer(manifest, layout, replace) as writer:
        return _write(source, writer, compute)


def _write(source: Source, writer: Writer, compute: Compute) -> dict[str, Any]:
    layout = writer.layout
    missing = [k for k in range(layout.n_chunks) if not writer.done(k)]
    if len(missing) < layout.n_chunks:
        log.info(f"resuming: {layout.n_chunks - len(missing)} of {layout.n_chunks} chunks are there and intact")

    def make(chunk: int) -> None:
        block = source.read(*layout.rows(chunk))
        writer.write(chunk, block.arrays, block.labels)

    def size(chunk: int) -> int:
        start, stop = layout.rows(chunk)
        return stop - start

    for _ in passes.over(make, missing, compute, "spectra", size):
        pass
    if not isinstance(source, Reporter):
        return writer.finish()
    summary = source.summary() | {identifiers.KEY: identifiers.write(writer.manifest.parent, source.identifiers())}
    return writer.finish(summary)
