"""What `import logg1m` offers: load a model, read spectra, predict."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from logg1m.files import InputError
from logg1m.predict import model as models
from logg1m.predict import writing
from logg1m.predict.astropy_tools import arrays_of, as_qtable
from logg1m.predict.predicting import Predictor
from logg1m.predict.reading import Options, open_spectra, spectra_of
from logg1m.predict.reading.arrays import ArraySpectra, of_arrays
from logg1m.predict.running import Asking, predict_blocks
from logg1m.predict.simulating import Simulated, simulate
from logg1m.predict.steps import Frame, Spectra

__all__ = ["LoadedModel", "Simulated", "load", "read", "simulate"]


class SpectraOfFile:
    """Spectra of a file, read when they are needed."""

    def __init__(self, path: str | Path, options: Options) -> None:
        self.reader = open_spectra(path, options)

    def __len__(self) -> int:
        return self.reader.n_spectra

    def blocks(self) -> Iterator[Spectra]:
        """Blocks of at most 1,024 spectra."""
        return self.reader.blocks()

    def __repr__(self) -> str:
        return f"<{len(self):,} spectra of {self.reader.path}>"


class LoadedModel:
    """A trained model. `about` holds what its folder says of it."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.about = predictor.model.about
        self.wave = predictor.model.wave

    def predict(
        self,
        spectra: Any = None,
        *,
        wave: Any = None,
        flux: Any = None,
        error: Any = None,
        mask: Any = None,
        v_los: Any = None,
        frame: Frame = "observed",
        estimator: str = "network",
        bound: bool = False,
        amplitude: str = "median",
        threads: int = 1,
    ) -> Any:
        """Predictions as an astropy `QTable`, one row per spectrum, with the columns of docs/predict.md.

        Parameters
        ----------
        spectra : what `read` or `simulate` gave, or a `specutils.Spectrum` (or several in a list)
        wave, flux, error, mask : arrays in place of it: vacuum Å (P,) or (N, P), or quantities; F_λ on any scale, or nJy as
            a quantity; 1σ; True = bad
        v_los : km/s, one or (N,); needed in the observed frame unless the spectra have it
        estimator : network, posterior or both
        bound : also log_gBound
        amplitude : see `steps.make_ready`

        Raises
        ------
        InputError
            What is missing or does not fit.
        """
        if estimator not in ("network", "posterior", "both"):
            raise InputError(f"estimator = {estimator!r}: expected network, posterior or both")
        if frame not in ("observed", "rest"):
            raise InputError(f"frame = {frame!r}: expected observed or rest")
        if amplitude not in ("median", "kept"):
            raise InputError(f"amplitude = {amplitude!r}: expected median or kept")
        if spectra is not None and any(each is not None for each in (wave, flux, error, mask)):
            raise InputError("expected spectra, or wave, flux and error; got both")
        blocks, count = self._blocks(spectra, wave, flux, error, mask, v_los)
        asking = Asking(estimator=estimator, frame=frame, bound=bound, amplitude=amplitude, threads=threads)  # type: ignore[arg-type]
        table, steps = predict_blocks(self._predictor, blocks, asking, count)
        units = {str(name): writing.meaning(str(name)) for name in table}
        return as_qtable(table, units, {"model_id": self._predictor.model.identity, "steps": steps})

    def _blocks(
        self, spectra: Any, wave: Any, flux: Any, error: Any, mask: Any, v_los: Any
    ) -> tuple[Iterator[Spectra], int]:
        if spectra is None:
            values = {"wave": wave, "flux": flux, "error": error}
            values = {name: value for name, value in values.items() if value is not None}
            if mask is not None:
                values["mask"] = mask
            with spectra_of(Path("arrays")):
                given = of_arrays(arrays_of(values) | _velocity(v_los), Path("arrays"))
        elif isinstance(spectra, SpectraOfFile):
            if v_los is None:
                return spectra.blocks(), len(spectra)
            blocks = (_moved(block, v_los) for block in spectra.blocks())
            return blocks, len(spectra)
        elif isinstance(spectra, Simulated):
            if v_los is not None:
                raise InputError("simulated spectra have their own velocities; got v_los beside them")
            given = ArraySpectra(Path("simulated"), spectra.spectra)
        else:
            with spectra_of(Path("specutils")):
                given = of_arrays(arrays_of(spectra) | _velocity(v_los), Path("specutils"))
        return given.blocks(), given.n_spectra

    def __repr__(self) -> str:
        return f"<logg1m model {self._predictor.model.identity}: {self.about['chosen'].get('model')}>"


def _velocity(v_los: Any) -> dict[str, Any]:
    if v_los is None:
        return {}
    return {"v_los": v_los.to_value("km/s") if hasattr(v_los, "to_value") else v_los}


def _moved(block: Spectra, v_los: Any) -> Spectra:
    from dataclasses import replace

    value = np.asarray(_velocity(v_los)["v_los"], dtype=np.float64)
    if value.ndim:
        raise InputError("of a file's spectra v_los is one number; give a table with `logg1m predict --rv` for several")
    return replace(block, velocity=np.full(len(block), float(value)))


def load(model: str | Path, device: str = "cpu") -> LoadedModel:
    """A model from its folder, such as `results/model` of a run.

    Raises
    ------
    InputError
        If the folder is no model or is damaged.
    """
    return LoadedModel(Predictor(models.load(model, device)))


def read(file: str | Path, mask_bits: str | tuple[str, ...] | None = None, array: str = "auto") -> SpectraOfFile:
    """Spectra from a file of any kind that `logg1m predict` reads.

    Raises
    ------
    InputError
        If nothing reads it.
    """
    bits = tuple(mask_bits.split(",")) if isinstance(mask_bits, str) else mask_bits
    return SpectraOfFile(file, Options(bits, array=array))  # type: ignore[arg-type]
