"""The whole configuration as typed, validated models; defaults are the laptop run."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from logg1m.config.base import Section, explain
from logg1m.config.baselines import Baselines
from logg1m.config.bounds import Bootstrap, Bounds
from logg1m.config.compute import Compute
from logg1m.config.data import N_PIXELS, Data, Priors
from logg1m.config.decisions import Decisions
from logg1m.config.denoisers import Denoisers
from logg1m.config.experiments import Experiments
from logg1m.config.forecast import Forecast
from logg1m.config.networks import Network
from logg1m.config.predict import Predict
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.config.reading import check_overlay, load_yaml
from logg1m.config.report import Report
from logg1m.config.requirements import Requirements

__all__ = ["Config", "check_overlay", "load", "load_yaml", "validate"]

_LEAST_NOISE = 0.001  # of the error
_NARROWEST = 0.01  # dex, of a prior; 1000 times as many K


class Config(Section):
    """A run of logg1m."""

    seed: int = Field(20251222, ge=0, lt=2**63, description="the one seed that everything random derives from")
    data: Data = Data()
    protocol: Protocol = Protocol()
    baselines: Baselines = Baselines()
    bounds: Bounds = Bounds()
    requirements: Requirements = Requirements()
    forecast: Forecast = Forecast()
    bootstrap: Bootstrap = Bootstrap()
    experiments: Experiments = Experiments()
    network: Network = Network()
    projection: Projection = Projection()
    denoisers: Denoisers = Denoisers()
    decisions: Decisions = Decisions()
    predict: Predict = Predict()
    report: Report = Report()
    compute: Compute = Compute()

    @model_validator(mode="after")
    def _fits_together(self) -> "Config":
        data, protocol = self.data, self.protocol
        smallest, largest = protocol.scales[0], protocol.scales[-1]
        if largest > data.n_spectra:
            raise ValueError(f"protocol.scales: {largest} exceeds data.n_spectra = {data.n_spectra}")
        n_train = round(protocol.train_fraction * smallest)
        if n_train < 5 or smallest - n_train < 2:
            raise ValueError(
                f"protocol.train_fraction = {protocol.train_fraction:g} of the smallest of protocol.scales, "
                f"{smallest}, leaves {n_train} spectra to train on and {smallest - n_train} to test on: at least 5 "
                "(2 of them for validation) and 2 are needed"
            )
        if protocol.noise_level < _LEAST_NOISE:
            raise ValueError(
                f"protocol.noise_level = {protocol.noise_level:g}: without noise there is no bound (MVP-1.1); expected at "
                f"least {_LEAST_NOISE:g}"
            )
        for name in ("test_size", "confirmation_size"):
            if protocol.low_noise_fraction * (size := getattr(self.experiments, name)) < 1:
                raise ValueError(
                    f"protocol.low_noise_fraction = {protocol.low_noise_fraction:g} leaves no low-noise spectrum among "
                    f"experiments.{name} = {size}"
                )
        if protocol.low_noise_fraction * (largest - round(protocol.train_fraction * largest)) < 1:
            raise ValueError(
                f"protocol.low_noise_fraction = {protocol.low_noise_fraction:g} leaves no low-noise spectrum among the "
                f"test spectra of the largest of protocol.scales, {largest}"
            )
        if self.baselines.lightgbm_largest is not None and self.baselines.lightgbm_largest < smallest:
            raise ValueError(
                f"baselines.lightgbm_largest = {self.baselines.lightgbm_largest} is below the smallest of "
                f"protocol.scales, {smallest}: LightGBM needs one scale at least"
            )
        self._trees_can_split()
        self._posteriors_can_be_reached()
        if data.priors.logg[0] == data.priors.logg[1] and data.source != "pfs_hdf5":
            raise ValueError(f"data.priors.logg is the single value {data.priors.logg[0]:g}: nothing is left to infer")
        for name, (low, high) in data.priors if data.source != "pfs_hdf5" else ():
            if 0 < high - low < 0.999 * (least := _NARROWEST * (1000 if name == "teff" else 1)):
                raise ValueError(
                    f"data.priors.{name} = [{low:g}, {high:g}] is {high - low:.2g} wide: expected one value, or at least {least:g}"
                )
        for name, (low, high) in data.priors if data.source == "embedded" else ():
            least, most = getattr(Priors(), name)
            if not least <= low <= high <= most:
                raise ValueError(
                    f"data.priors.{name} = [{low:g}, {high:g}] leaves the embedded grid, which covers "
                    f"[{least:g}, {most:g}]"
                )
        pixels = data.pfs_hdf5.n_pixels if data.pfs_hdf5 and data.source == "pfs_hdf5" else N_PIXELS
        if 2 * self.denoisers.block > pixels:
            raise ValueError(
                f"denoisers.block = {self.denoisers.block}: two blocks at least must fit into {pixels} pixels"
            )
        if 2 * self.network.chosen.patch > pixels:
            raise ValueError(
                f"network.architecture.patch = {self.network.chosen.patch}: two patches at least must fit into {pixels} "
                "pixels"
            )
        maskless = data.source != "pfs_hdf5" and not data.observation.masks
        if maskless and "masked_share" in self.experiments.recipe.channels:
            raise ValueError(
                "experiments.recipe.channels: masked_share would be zero everywhere, since data.observation.bad_pixels = 0 and "
                "mask_o2_a = false mask no pixel"
            )
        if self.experiments.recipe.training_spectra == "simulated" and data.source == "pfs_hdf5":
            raise ValueError(
                "experiments.recipe.training_spectra = 'simulated' needs a source that simulates; shards are read as they are"
            )
        return self

    def _trees_can_split(self) -> None:
        """Stop if LightGBM's leaves are larger than half of what it is trained on: it would predict the mean."""
        sizes = [size for size in self.protocol.scales if size <= (self.baselines.lightgbm_largest or size)]
        trained, leaf = round(self.protocol.train_fraction * sizes[-1]), self.baselines.lightgbm.min_data_in_leaf
        if 2 * leaf > trained:
            raise ValueError(
                f"baselines.lightgbm.min_data_in_leaf = {leaf}: the {trained} training spectra of the largest scale that "
                f"LightGBM is trained at do not fill two leaves; expected at most {trained // 2}"
            )

    def _posteriors_can_be_reached(self) -> None:
        """Stop where derivatives or posteriors ask for more than there can be; simulated spectra alone are known before."""
        if self.data.source == "pfs_hdf5":
            return
        bounds, bayes = self.bounds, self.bounds.bayes
        varied = sum(low < high for _, (low, high) in self.data.priors)
        terms = 1 + varied + (varied * (varied + 1) // 2 if bounds.linear_degree == 2 else 0)
        if bounds.linear_neighbours < terms + 2:
            raise ValueError(
                f"bounds.linear_neighbours = {bounds.linear_neighbours}: a local regression on {varied} labels has {terms} "
                f"terms (bounds.linear_degree = {bounds.linear_degree}); expected at least {terms + 2}"
            )
        low_noise = min(bounds.max_spectra, int(self.protocol.low_noise_fraction * self.data.n_spectra))
        if low_noise + bounds.full_sample < terms + 2:
            raise ValueError(
                f"bounds.max_spectra = {bounds.max_spectra}, bounds.full_sample = {bounds.full_sample} and data.n_spectra = "
                f"{self.data.n_spectra} leave {low_noise + bounds.full_sample} spectra at most whose bounds are computed; a "
                f"local regression needs at least {terms + 2}"
            )
        drawn = bayes.library_max + bayes.max_iterations * bayes.samples_per_iteration
        if bayes.min_ess > drawn:
            raise ValueError(
                f"bounds.bayes.min_ess = {bayes.min_ess:g}: no star can reach it with the {drawn:,} samples of library_max "
                "and max_iterations × samples_per_iteration"
            )
        if self.forecast.min_ess > bayes.target_ess:
            raise ValueError(
                f"forecast.min_ess = {self.forecast.min_ess:g} exceeds bounds.bayes.target_ess = {bayes.target_ess:g}, at "
                "which sampling stops: every reweighted star would be refused"
            )


def validate(raw: dict[str, Any], source: str = "the configuration") -> Config:
    """Check a merged configuration dictionary.

    Raises
    ------
    InputError
        Names every wrong key, the value found and what was expected.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise explain(error, Config, source) from None


def load(*paths: str | Path) -> Config:
    """Merge YAML files from left to right (later ones win) and validate the result."""
    merged: dict[str, Any] = {}
    for path in paths:
        merged = _merge(merged, load_yaml(path))
    return validate(merged, " + ".join(map(str, paths)))


def _merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged
