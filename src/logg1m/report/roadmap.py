"""What every document shows, as one frozen structure: built by `collect`, read by Markdown, page and index alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from logg1m.files import InputError
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor, Table
from logg1m.results.words import more_in

PLANNED, READY, RUNNING, DONE = "planned", "ready", "running", "done"
CANCELLED, PAUSED, MISSING, STALE = "cancelled", "paused", "missing", "stale"
STATES = (PLANNED, READY, RUNNING, DONE, CANCELLED, PAUSED, MISSING, STALE)


@dataclass(frozen=True)
class FigureFiles:
    """A figure and the CSV with its numbers; paths from the project's folder."""

    name: str
    title: str
    image: str
    table: str
    shows: str = ""  # what it shows, in a sentence
    drawing: str = ""  # the same as SVG; empty where there is none


@dataclass(frozen=True)
class Check:
    """A sanity check: what was expected, what was found, whether it holds (None: not decidable).

    limitation : says how far a result can be trusted rather than that something is wrong
    """

    what: str
    found: str
    passed: bool | None
    limitation: bool = False

    @property
    def says(self) -> str:
        """Holds, fails, undecided or limitation."""
        return "limitation" if self.limitation else {True: "holds", False: "fails", None: "undecided"}[self.passed]


@dataclass(frozen=True)
class CriterionResult:
    """One acceptance criterion of one candidate."""

    metric: str
    subset: str
    margin: Cursor
    relative: bool
    improvement: Cursor
    outcome: str
    reason: str
    word: str  # the outcome for people, see `verdict_words.word_of`
    more_in: tuple[str, str] | None = None

    @property
    def manner(self) -> str:
        """How the improvement is counted, in words to be put behind the metric and its subset; may be empty."""
        gain = f", gain {more_in(*self.more_in)}" if self.more_in else ""
        return f"{', as a share' if self.relative else ''}{gain}"


@dataclass(frozen=True)
class VariantResult:
    """One variant of an experiment; metrics on log g (dex) by name: r2, mae, rmse, median_bias, nmad, outlier_rate."""

    name: str
    label: str
    role: str  # reference, candidate, control
    leaky: bool
    outcome: str  # of a candidate, else empty
    word: str  # the same for people, see `verdict_words.word_of`
    change: Mapping[str, Any]
    runs: str  # folder of its runs inside results/: its own, or that of the variant whose runs it uses
    recipe: Mapping[str, Any]
    seeds: int
    n_fit: int | None
    n_test: int | None
    n_test_low_noise: int | None
    low_noise: Mapping[str, Cursor]
    full: Mapping[str, Cursor]
    differences: Mapping[str, Cursor]  # improvement over the reference, e.g. r2_low_noise
    criteria: tuple[CriterionResult, ...]
    snr_bins: Cursor | None  # of seed 0
    efficiency: Cursor | None  # Bayes MSE over model MSE, where the run reports it
    excess: Cursor | None  # E[(p − m)²] over the posterior variance, against the exact posterior mean m
    seconds: float | None  # over all seeds
    files: tuple[str, ...]  # metrics.json of every seed


@dataclass(frozen=True)
class Reproduction:
    """How an experiment is made again, and what made it; what no job recorded is None or empty."""

    command: str
    targets: str
    configuration: str | None  # fingerprint over the parameters of its jobs
    code: str | None  # fingerprint over the code that its jobs ran
    data: str | None  # fingerprint of the manifest of the spectra
    seeds: int
    seconds: float | None  # of all its jobs together
    started: str | None  # UTC, first job
    finished: str | None  # UTC, last job
    threads: int | None
    hardware: tuple[str, ...]
    versions: Mapping[str, str]
    script: str
    logs: tuple[str, ...]


@dataclass(frozen=True)
class Conclusion:
    """What an experiment came to; `mark` changes with the wording, so that an old copy elsewhere is known as such."""

    mvp: str
    text: str
    key_metric: str  # what the number is
    number: Cursor | None
    mark: str
    synced: bool


@dataclass(frozen=True)
class Mvp:
    """One experiment of the roadmap, whatever its state."""

    key: str  # mvp_1_2
    id: str  # 1.2
    title: str
    topic: str
    phase: int
    question: str
    hypothesis_id: str | None
    hypothesis: str
    hypothesis_outcome: str  # supported, refuted, open
    criterion: str
    state: str
    why: str  # reason of the state: the verdict's own, a decision, what is missing
    outcome: str  # accepted, refuted, inconclusive, or empty without a verdict
    model: str | None
    reference: str | None
    best: str | None
    n_test: int | None
    n_test_low_noise: int | None
    variants: tuple[VariantResult, ...]
    checks: tuple[Check, ...]
    tables: tuple[Table, ...]
    extra: Mapping[str, Any]  # further reported numbers, as verdict.json has them
    figures: tuple[FigureFiles, ...]
    reproduction: Reproduction
    conclusion: Conclusion | None
    experiment_id: str  # VIT-20251222-logg_1m-baseline-scaling-01
    report: str  # file name of its report
    verdict: str  # path of its verdict
    priority: str
    next_action: str
    cancelled_by: str | None = None  # the decision, if one cancels it
    confirmed: str = ""  # what fresh stars said of what was accepted
    word: str = ""  # the outcome for people; empty without a verdict
    scope: tuple[tuple[str, str], ...] = ()  # models, scales and test sets of an experiment without variants of its own


@dataclass(frozen=True)
class Decision:
    """One decision point: its rule, evidence, override and outcome; unmade ones have no outcome."""

    name: str  # d1
    title: str
    trigger: str  # MVP ids
    options: Mapping[str, str]  # outcome → what follows
    outcome: str | None
    rule: str
    rule_verdict: str | None
    default: str | None
    override: str | None
    flips: str
    evidence: Mapping[str, Any]
    manner: str  # by its rule, by default, by override and what the rule says
    grounds: str  # the manner and the number that it was made by
    numbers: tuple[tuple[str, Cursor], ...]  # of the evidence
    cancels: tuple[str, ...]  # MVP ids that it cancels as it stands
    details: tuple[tuple[str, str], ...] = ()  # members, combination, closed, remaining directions


@dataclass(frozen=True)
class Ground:
    """One thing that decided the answer: an experiment or a decision, by its key, and what it came to."""

    key: str
    name: str
    text: str


@dataclass(frozen=True)
class Answer:
    """The headline: the best honest model, chosen on validation stars, beside what the data allow, on the low-noise test.

    Honest: no control, nothing that sees what no observer has, nothing that is flagged as a leak.
    """

    best: Cursor | None  # R²
    best_rmse: Cursor | None  # dex
    model: str
    mvp: str | None
    n_test: int | None
    n_models: int  # honest models that were compared
    n_alike: int  # of the others, those that the validation stars cannot tell from the best one
    n_chosen_on: int | None  # low-noise validation stars that it was chosen on
    confirmed: str  # what fresh stars said of it; empty where they were not asked
    verdict: str  # what the winner's own experiment says of it; empty where it says nothing
    ceiling: Cursor | None  # Bayes-optimal R² as the posteriors expect it
    ceiling_rmse: Cursor | None  # the same in dex
    observed: Cursor | None  # R² of the posterior means
    no_ceiling: str  # why there is none; empty where there is one
    approximate: bool  # the ceiling rests on a prior that is not the law of the labels
    paired: (
        Cursor | None
    )  # R² of the best model on the stars of the ceiling and of the gap, as the posteriors expect it
    paired_rmse: Cursor | None  # the same in dex
    gap: Cursor | None  # ceiling − model on the same stars, R²
    gap_rmse: Cursor | None  # model − ceiling on the same stars, dex
    efficiency: Cursor | None  # Bayes-optimal squared error over the best model's on the same stars
    n_paired: int | None  # those stars
    leak: tuple[str, ...]  # models that are better than any estimator can be
    decided: tuple[Ground, ...]
    runs: str = ""  # folder of the best model's runs, or model/scale
    next: str = ""  # what to do next and what it would bring; empty without a forecast
    best_mae: Cursor | None = None  # dex
    optimal_mae: Cursor | None = None  # dex, of the posterior means of the stars that have one
    n_optimal: int | None = None  # those stars
    caution: str = ""  # why this run cannot carry a conclusion; empty where it can


@dataclass(frozen=True)
class Scored:
    """A model that is no variant of an experiment, on the low-noise test; `mvp` is None for D4's combination."""

    mvp: str | None
    config: str
    r2: Cursor | None
    mae: Cursor | None
    rmse: Cursor | None


@dataclass(frozen=True)
class Roadmap:
    """Everything that the documents show."""

    answer: Answer
    mvps: tuple[Mvp, ...]
    decisions: tuple[Decision, ...]
    conclusions: tuple[Conclusion, ...]
    recipes: Mapping[str, Mapping[str, Any]]  # recipe_phase2, recipe_phase3
    artifacts: Artifacts  # themselves, for plots
    scored: tuple[Scored, ...] = ()  # models that are no variants: classical ones, networks of 0.B, combinations
    identity: tuple[tuple[str, str], ...] = ()  # what run this is: spectra, scale, seed, network, date
    level: float = 0.95  # of every interval
    forecast: tuple[Table, ...] = ()  # what would bring how much; the first: levers on low-noise stars

    def mvp(self, key: str) -> Mvp:
        """An experiment by its key or id."""
        return next(m for m in self.mvps if key in (m.key, m.id))

    def columns(self) -> dict[str, list[Mvp]]:
        """Experiments by state, every state once."""
        return {state: [m for m in self.mvps if m.state == state] for state in STATES}


_PLAIN = {str, int, float, bool, NoneType}


def require_plain(part: object, file: str) -> None:
    """Stop at a text, number or mapping that was copied from an artifact and is of another kind.

    Raises
    ------
    InputError
        Names the artifact, the field, what it is and what was expected.
    """
    for name, hint in get_type_hints(type(part)).items():
        kinds = set(get_args(hint)) if get_origin(hint) in (UnionType, Union) else {get_origin(hint) or hint}
        if kinds <= _PLAIN | {Mapping}:
            value, allowed = getattr(part, name), kinds | ({int} if float in kinds else set())
            if not isinstance(value, tuple(allowed)):
                known = " or ".join(sorted("null" if kind is NoneType else kind.__name__ for kind in kinds))
                raise InputError(f"{file}: {name} is {value!r:.100}, expected {known}; delete it and run again")
