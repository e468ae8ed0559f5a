"""What an experiment is: a recipe in full, variants as changes of it, and what would accept them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from logg1m.config.base import EACH_ONCE, Name, Section, over
from logg1m.config.baselines import Penalties
from logg1m.config.decisions import OUTCOMES, Gate
from logg1m.config.denoisers import DenoiserKind
from logg1m.config.kinds import FigureKind, ReportKind
from logg1m.config.protocol import MOST_SPECTRA
from logg1m.config.supported import SUPPORTED

Kind = Literal["ridge", "lightgbm", "projection", "vit"]
Channel = Literal[
    "flux", "flux_over_error", "weighted_residual", "error_level", "log_error", "error", "smooth_residual", "derivative",
    "masked_share",
]  # fmt: skip
Normalisation = Literal[
    "stored", "median", "zscore_100", "zscore_200", "zscore_500",
    "continuum_poly3", "continuum_poly5", "continuum_spline", "continuum_running_median",
]  # fmt: skip
Metric = Literal[
    "r2", "mae", "rmse", "median_bias", "nmad", "outlier_rate", "bias_teff", "bias_m_h",
    "mae_teff", "mae_m_h", "cross_talk", "crop_loss", "shift_loss", "convergence", "passes",
]  # fmt: skip

_TRAIN_SIZE: dict[Kind, int] = {"ridge": 5_000, "lightgbm": 16_000, "projection": 25_000, "vit": 25_000}
_SEED_SCATTER: dict[Metric, float] = {
    "r2": 0.005, "mae": 0.005, "rmse": 0.005, "outlier_rate": 0.005, "nmad": 0.01, "median_bias": 0.01,
    "bias_teff": 0.01, "bias_m_h": 0.01, "mae_teff": 0.5, "mae_m_h": 0.0015, "cross_talk": 0.005,
    "crop_loss": 0.02, "shift_loss": 0.05, "convergence": 0.1, "passes": 0.1,
}  # fmt: skip


class Recipe(Section):
    """Everything that a run trains; the base recipe is the reference model of the roadmap."""

    model: Kind = Field(
        "vit",
        description="vit (a network), projection (a perceptron on coefficients in the subspace of the models), lightgbm, or "
        "ridge (a linear preview of the roadmap)",
    )
    channels: Annotated[tuple[Channel, ...], EACH_ONCE] = Field(
        ("flux",),
        min_length=1,
        max_length=6,
        description="what the model sees, per pixel; masked_share, of masked pixels among the 25 around it, is for spectra "
        "that have some, and a projection leaves it out",
    )
    error_source: Literal["simulator", "honest"] = Field(
        "honest",
        description="simulator: the stored error, which leaks the labels; honest: re-estimated from noisy flux",
    )
    normalisation: Normalisation = Field("stored", description="stored: median of the noise-free spectrum is 0.5")
    windows: Literal["full", "lines", "top_5", "top_10", "top_20", "sky", "between_sky"] = Field(
        "full",
        description="pixels outside are set to zero; lines: line list; top_K: peaks of MVP-1.1's sensitivity; sky: the "
        "15 % of pixels with the largest mean error over the survey; between_sky: the others",
    )
    mask: Literal["none", "error_1", "error_5", "error_10", "random_1", "random_5", "random_10"] = Field(
        "none", description="pixels set to zero: the top 1/5/10 % of median error on the training set, or at random"
    )
    train_on: Literal["all", "low_noise"] = Field("all", description="which training spectra are used")
    heads: Literal["single", "multi_equal", "multi_balanced", "multi_logg_first"] = Field(
        "single", description="log g alone, or Teff, log g and [Fe/H] with these loss weights"
    )
    objective: Literal["mse", "gaussian_nll", "ordinal", "ordinal_soft"] = Field(
        "mse",
        description="loss: squared error; Gaussian likelihood with a predicted σ; bins of log g, hard or softened",
    )
    tokeniser: Literal["single", "single_32", "single_256", "dual_32_256", "dual_48_480"] = Field(
        "single", description="patches of the network's preset, of this width in pixels, or of two widths side by side"
    )
    position: Literal["learned", "sinusoidal", "rotary"] = Field(
        "learned", description="how tokens know their place: learned per index, or sinusoidal or rotary in log λ"
    )
    attention_bias: Literal["none", "attention", "token_loss"] = Field(
        "none",
        description="guidance to the sensitive windows: by attention that is drawn there, or by a token-wise loss",
    )
    projection_token: bool = Field(
        False,
        description="vit: the projection of the spectrum, as model = 'projection' has it, beside the patches as one more "
        "token; no part of a pretraining",
    )
    label_share: float = Field(1.0, ge=1e-4, le=1, description="share of the training spectra whose labels are used")
    pretraining: Literal["none", "masked_token", "masked_span", "masked_pixel"] = Field(
        "none", description="reconstruct hidden patches, spans or pixels of training spectra first; needs no labels"
    )
    mask_share: float = Field(0.3, ge=0.001, le=0.999, description="share of a spectrum that pretraining hides")
    reconstruction: Literal["l1", "l2"] = Field("l2", description="error-weighted loss of the pretraining")
    pretraining_size: float = Field(
        4.0,
        ge=0.001,
        le=1000,
        description="pretraining spectra per training spectrum, as far as the training pool goes",
    )
    pretraining_compute: float = Field(
        0.5,
        ge=0.001,
        le=1000,
        description="operations of the pretraining over those of the supervised training at full length",
    )
    supervised_epochs_factor: float = Field(
        1.0,
        ge=0.001,
        le=1000,
        description="lengthens the supervised training: a control at the total compute of a pretrained model",
    )
    denoiser: Literal["none", DenoiserKind] = Field(
        "none",
        description="a frozen filter of the noisy flux, trained on all pixels without labels: block by block from the "
        "other blocks, from half of the exposures to the other half, to noise-free targets (leaky), or linear",
    )
    denoiser_sees: Literal["all", "windows"] = Field(
        "all",
        description="windows: pixels that the model does not see are the training mean for the denoiser too, so that a "
        "filtered pixel brings nothing in from them",
    )
    components: int = Field(64, ge=1, le=65_536, description="projection: directions that spectra are projected onto")
    basis: Literal["principal", "random"] = Field(
        "principal",
        description="projection: leading singular vectors of weighted noise-free training spectra, or as many random "
        "directions",
    )
    pixel_weights: Literal["noise", "none"] = Field(
        "noise", description="projection: 1/rms of the noise over the training spectra, or every pixel alike"
    )
    residual_levels: int = Field(
        8,
        ge=0,
        le=64,
        description="projection: groups of pixels, by weight, whose residual tells the noise level; 0: none",
    )
    training_spectra: Literal["stored", "simulated"] = Field(
        "stored",
        description="simulated: stars of ids beyond the store's, made while the training runs and never seen twice, as many "
        "draws of noise in all as with stored ones; only for sources that simulate",
    )
    draws_per_star: int = Field(4, ge=1, le=1_000, description="noise draws of every simulated star")

    @model_validator(mode="after")
    def _streams(self) -> "Recipe":
        if self.training_spectra == "simulated" and (self.train_on != "all" or self.label_share < 1):
            raise ValueError(
                "training_spectra = 'simulated' goes with train_on = 'all' and label_share = 1; got "
                f"train_on = {self.train_on!r}, label_share = {self.label_share:g}"
            )
        return self


class Variant(Section):
    """One line of difference from the recipe."""

    label: str = Field(max_length=500)
    change: dict[str, Any] = Field(default_factory=dict, max_length=50, description="fields of the recipe that differ")
    same_as: str | None = Field(
        None,
        max_length=200,
        pattern=r"^mvp_[0-9]_[0-9a-z]/[A-Za-z0-9_]+$",
        description="mvp_x_y/variant that trains the very same recipe: its runs are used, nothing is trained twice",
    )
    control: bool = Field(False, description="run and reported, but no candidate for acceptance")
    leaky: bool = Field(False, description="sees what an observer cannot have; reported and marked, never accepted")
    laptop: bool = Field(True, description="also run at laptop scale")
    check_r2: dict[Literal["above", "below"], Annotated[float, Field(ge=-1e6, le=1)]] = Field(
        default_factory=dict, description="a control's expected R² on the full test; whether it holds is reported"
    )

    @model_validator(mode="after")
    def _known(self) -> "Variant":
        Recipe(**self.change)
        if self.same_as and self.change:
            raise ValueError("same_as takes the runs of another variant as they are; it cannot have a change")
        return self


class Criterion(Section):
    """A difference from the reference variant that must be exceeded."""

    metric: Metric = Field(
        description="of log g (dex), lower is better but for r2; mae_teff (K), mae_m_h (dex) and cross_talk (share of "
        "the variance of the log g error that goes with errors in Teff and [Fe/H]) need several heads; crop_loss and "
        "shift_loss: R² lost with 10 % hidden at each edge, or, beyond what hiding them costs, with 64 pixels missing "
        "at the start and the rest moved up (low-noise); "
        "convergence: epochs to the reference's best validation score, as a share of those that it took itself; "
        "passes: the same in passes of one spectrum through the training, those of a pretraining counted in"
    )
    subset: Literal["low_noise", "full"] = "low_noise"
    margin: float = Field(
        0.0, ge=-1e6, le=1e6, description="improvement that must be exceeded; negative: how much may be lost"
    )
    relative: bool = Field(False, description="margin and difference are shares of the reference's value")
    against: str | None = Field(
        None,
        max_length=100,
        description="variant that the candidate is compared with in place of the experiment's reference",
    )
    more_in: tuple[Name, Name] | None = Field(
        None,
        description="two endings: the improvement among the variants <candidate>_<first> and <reference>_<first>, less "
        "that among those with the second ending",
    )


class Hypothesis(Section):
    """What the experiment tests."""

    id: str | None = Field(None, max_length=50)
    text: str = Field(max_length=5000)
    criteria: tuple[Criterion, ...] = Field(
        (),
        max_length=50,
        description="what supports it in some candidate, where that is something else than being accepted",
    )


class Acceptance(Section):
    """When the experiment is accepted."""

    text: str = Field(max_length=5000, description="the roadmap's words")
    reference: str = Field(max_length=100, description="variant that the others are compared with")
    criteria: tuple[Criterion, ...] = Field(min_length=1, max_length=50)
    combine: Literal["all", "any"] = "all"
    mixed: Literal["refuted", "inconclusive"] = Field(
        "refuted", description="what 'all' means when some criteria hold and others fail"
    )


class Artifact(Section):
    """An experiment whose verdict is read from an artifact of its own rules."""

    file: str = Field(max_length=500, pattern=r"^results/[A-Za-z0-9_./]+\.json$")
    value: str = Field(max_length=500, description="dotted path of the value that decides")
    accepted: tuple[Name, ...] = Field(max_length=50)
    refuted: tuple[Name, ...] = Field((), max_length=50)
    text: str = Field(max_length=5000)

    @model_validator(mode="after")
    def _inside(self) -> "Artifact":
        if ".." in self.file.split("/"):
            raise ValueError(f"file must stay inside results/, got {self.file!r}")
        return self


class Experiment(Section):
    """One MVP of the roadmap, as its file in config/experiments says it."""

    id: str = Field(max_length=3, pattern=r"^[0-9]\.[0-9A-Z]$")
    name: str = Field(max_length=100, pattern=r"^[a-z0-9_]+$", description="topic, in report names")
    title: str = Field(max_length=500)
    phase: int = Field(ge=0, le=3)
    question: str = Field(max_length=5000)
    hypothesis: Hypothesis
    variants: dict[Name, Variant] = Field(default_factory=dict, max_length=200)
    acceptance: Acceptance | None = None
    artifact: Artifact | None = None
    extra: Annotated[tuple[ReportKind, ...], EACH_ONCE] = Field(
        (), max_length=50, description="what the verdict reports beside the criteria"
    )
    figures: dict[Name, FigureKind] = Field(
        default_factory=dict, max_length=100, description="file name → kind of figure"
    )
    cancelled_by: dict[Gate, Name] = Field(
        default_factory=dict, description="decision → outcome that cancels this experiment, beyond its phase's gates"
    )
    first_if: dict[Gate, Name] = Field(
        default_factory=dict, description="decision → outcome that makes this experiment's runs go first in its phase"
    )

    @property
    def key(self) -> str:
        """Folder name, mvp_1_2."""
        return "mvp_" + self.id.replace(".", "_").lower()

    @model_validator(mode="after")
    def _complete(self) -> "Experiment":
        if (self.acceptance is None) == (self.artifact is None):
            raise ValueError("exactly one of acceptance (with variants) and artifact is needed")
        if self.acceptance and self.acceptance.reference not in self.variants:
            raise ValueError(
                f"acceptance.reference = {self.acceptance.reference!r} is not among {', '.join(self.variants)}"
            )
        if self.acceptance:
            for ending in {part for c in self.acceptance.criteria for part in c.more_in or ()}:
                if f"{self.acceptance.reference}_{ending}" not in self.variants:
                    raise ValueError(f"more_in needs a variant {self.acceptance.reference}_{ending}")
        for name in ("cancelled_by", "first_if"):
            for d, closing in getattr(self, name).items():
                if closing not in OUTCOMES[d]:
                    raise ValueError(f"{name}.{d} = {closing!r}: expected one of {', '.join(OUTCOMES[d])}")
                if self.phase < 2:
                    raise ValueError(
                        f"{name}.{d}: no decision is made before Phase {self.phase}, which they are made from"
                    )
        criteria = self.hypothesis.criteria + (self.acceptance.criteria if self.acceptance else ())
        for criterion in criteria:
            if criterion.against is not None and criterion.against not in self.variants:
                raise ValueError(f"against = {criterion.against!r} is not among {', '.join(self.variants)}")
        for name in self.variants:
            if not _is_name(name):
                raise ValueError(f"variant names are letters, digits and _, got {name!r}")
        for name in self.figures:
            if not _is_name(name):
                raise ValueError(f"figure names are letters, digits and _, got {name!r}")
        return self


def _is_name(text: str) -> bool:
    """Safe as a folder or file name."""
    return text.isascii() and text.replace("_", "a").isalnum()


# Without quotes, 1.5 is a number in YAML.
_AS_TEXT = BeforeValidator(lambda v: {str(key): value for key, value in v.items()} if isinstance(v, Mapping) else v)


class Experiments(Section):
    """How experiments run at this scale."""

    recipe: Recipe = Field(Recipe(), description="what Phase 1 changes, one thing at a time")
    train_size: Annotated[dict[Kind, Annotated[int, Field(ge=5, le=MOST_SPECTRA)]], over(_TRAIN_SIZE)] = Field(
        _TRAIN_SIZE,
        description="training spectra (fit and validation) per kind of model; at most the training pool",
    )
    test_size: int = Field(20_000, ge=10, le=MOST_SPECTRA, description="largest test set: a prefix of the common test")
    confirmation_size: int = Field(
        20_000,
        ge=10,
        le=2**28,
        description="fresh simulated spectra on which what was accepted is measured once more; of a source that cannot "
        "simulate at most so many of the test spectra that are set aside for it",
    )
    seeds: int = Field(1, ge=1, le=99, description="seeds of every variant; draws of noise and initial weights")
    seeds_for: Annotated[dict[Name, Annotated[int, Field(ge=1, le=99)]], _AS_TEXT] = Field(
        {},
        max_length=100,
        description="experiment id → seeds of its verdict, at least `seeds`, such as '3.4': 3 where it is close; what it is "
        "compared with gets them too",
    )
    seed_scatter: Annotated[dict[Metric, Annotated[float, Field(ge=0, le=1e6)]], over(_SEED_SCATTER)] = Field(
        _SEED_SCATTER,
        description="scatter between seeds in the metric's unit: the one that is assumed while there is one seed, and "
        "the least that is believed while fewer than 10 degrees of freedom measure it",
    )
    alphas: Penalties = Field(
        (1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e3, 3e3, 1e4, 3e4, 1e5),
        min_length=1,
        max_length=100,
        description="penalties of the ridge runs; the smallest serve inputs without noise, such as a leaking error",
    )
    all_variants: bool = Field(False, description="false: only variants marked for the laptop")
    paused: Annotated[tuple[Name, ...], EACH_ONCE] = Field(
        (),
        max_length=100,
        description="experiment ids that are not run for now; a decision that reads the verdict of one (D2 of 1.4, D3 of 1.5) "
        "stays open: its default or override holds",
    )

    @model_validator(mode="after")
    def _more_seeds(self) -> "Experiments":
        for name, seeds in self.seeds_for.items():
            if seeds < self.seeds:
                raise ValueError(f"seeds_for: {seeds} seeds for {name!r} are fewer than seeds = {self.seeds}")
        return self

    @model_validator(mode="after")
    def _of_use(self) -> "Experiments":
        """Stop at a recipe that asks of its model what that cannot do; it would be passed over without a word."""
        base, supported = Recipe(), SUPPORTED[self.recipe.model] | {"model"}
        for name in Recipe.model_fields:
            value = getattr(self.recipe, name)
            if name not in supported and value != getattr(base, name):
                raise ValueError(
                    f"recipe.{name} = {value!r} is nothing that model = {self.recipe.model!r} has; leave it out, or "
                    f"choose {' or '.join(kind for kind, fields in SUPPORTED.items() if name in fields)}"
                )
        self.require_stars(self.recipe, "recipe")
        return self

    def require_stars(self, recipe: Recipe, where: str) -> None:
        """Stop (ValueError) if a recipe keeps the labels of too few training spectra; the job would find out late."""
        size = self.train_size[recipe.model]
        if round(recipe.label_share * size) < 5:
            raise ValueError(
                f"{where}: label_share = {recipe.label_share:g} of the {size} training spectra of {recipe.model} leaves "
                f"{round(recipe.label_share * size)}; at least 5 are needed"
            )
