"""BOSZ model spectra → a local folder: what `logg1m fetch-bosz` does."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from logg1m.sources.bosz.fetch import Patience, fetch_all, file_name


def fetch_models(
    root: str,
    folder: Path,
    nodes: Sequence[Sequence[float]],
    resolution: str = "r20000",
    turbulence: int = 2,
    patience: Patience | None = None,
) -> int:
    """Fetch the MARCS models at every combination of nodes, and their wavelengths; return the number of models.

    Parameters
    ----------
    root : address of the published folder, which holds r20000/ and wavelength_grids/
    nodes : values of teff (K), logg, m_h, a_m and c_m (dex)
    resolution, turbulence : as in `file_name`

    Raises
    ------
    InputError
        As `fetch_all`. The wavelengths come first, so that a wrong address is known at once.
    """
    if resolution != "rorig":  # files of the original resolution carry their wavelengths
        fetch_all(root, {f"wavelength_grids/bosz2024_wave_{resolution}.txt": None}, folder, patience)
    names = [
        file_name((teff, logg, m_h, a_m, c_m), resolution, turbulence)
        for teff, logg, m_h, a_m, c_m in itertools.product(*nodes)
    ]
    return len(fetch_all(root, dict.fromkeys(names), folder, patience))
