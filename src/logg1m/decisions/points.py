"""The decision points D1–D4, once: what each asks, follows and reads, its rule, its outcomes and what they close.

Rules, gates, documents and the drawing of the roadmap look here. Light imports only: the rules are among them. Outcomes
are named in the configuration, which checks `decisions.override` and `decisions.default` against them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from logg1m.config.decisions import OUTCOMES
from logg1m.config.experiments import Experiment


@dataclass(frozen=True)
class Closing:
    """An outcome that cancels phases: from which one on, and how the documents say so."""

    outcome: str
    phase: int
    words: str


@dataclass(frozen=True)
class Point:
    """One decision point.

    follows : what it waits for, in words
    evidence : the artifact in results/ that its rule reads; None: the verdicts of Phase 1
    phase : all of whose experiments it reads, their models or their verdicts; None: only the one that it follows
    rule : in words, with {fields} for what is configured
    options : outcome → what follows
    """

    title: str
    follows: str
    evidence: str | None
    rule: str
    options: Mapping[str, str]
    closing: Closing | None = None
    phase: int | None = None

    def reads(self, experiment: str, phase: int) -> bool:
        """Whether it reads an experiment (mvp_1_6) of a phase."""
        return experiment == self.after or phase == self.phase

    @property
    def after(self) -> str | None:
        """The experiment that it follows, mvp_1_4; None: all of Phase 1."""
        return self.evidence.split("/")[0] if self.evidence else None


def _options(name: str, *follows: str) -> dict[str, str]:
    """Outcomes of a decision in the order of the configuration, each with what follows."""
    return dict(zip(OUTCOMES[name], follows, strict=True))


_STOP = Closing(OUTCOMES["d1"][1], phase=2, words="Phases 2 and 3 are cancelled")

POINTS: dict[str, Point] = {
    "d1": Point(
        title="Is there headroom above the bound?",
        follows="MVP-1.1 and the honest models of Phase 1",
        evidence="mvp_1_1/models.json",
        rule="{what}, of the honest model that is best on validation stars: the whole interval above {above} is "
        "continue, below {below} stop; between them the default",
        options=_options("d1", "Phase 2 starts", f"{_STOP.words}; physical directions remain"),
        closing=_STOP,
        phase=1,
    ),
    "d2": Point(
        title="Windows or the full spectrum?",
        follows="MVP-1.4",
        evidence="mvp_1_4/verdict.json",
        rule="MVP-1.4 accepted (windows not worse than full): windows, MVP-2.3 goes first; refuted: full, no MVP-3.5",
        options=_options("d2", "MVP-2.3 goes first in Phase 2", "the window experiments (MVP-3.5) are cancelled"),
    ),
    "d3": Point(
        title="Multi-task heads?",
        follows="MVP-1.5",
        evidence="mvp_1_5/verdict.json",
        rule="MVP-1.5 accepted: multi-task heads are the default of all later experiments; refuted: single-task stays",
        options=_options("d3", "multi-task heads are the default of all later experiments", "single-task stays"),
    ),
    "d4": Point(
        title="Which directions form the recipe of Phase 2?",
        follows="all of Phase 1",
        evidence=None,
        rule="accepted directions by fall of the low-noise MAE; the best are combined, and the combination stays "
        "unless it loses to its best member",
        options={"recipe": "the most effective directions are combined; those without effect are closed"},
        phase=1,
    ),
}

# Experiments that rules of their own are written for, and that decisions follow: without these there is no roadmap.
NEEDED = tuple(dict.fromkeys(("mvp_0_a", "mvp_0_b", *(point.after for point in POINTS.values() if point.after))))
# What the decisions leave in results/: of each its outcome and its evidence, and what the later phases start from.
FILES = tuple(f"decisions/{name}{kind}.json" for name in POINTS for kind in ("", ".evidence"))
RECIPES = {2: "decisions/recipe_phase2.json", 3: "decisions/recipe_phase3.json"}


def closed_by(experiment: Experiment) -> dict[str, str]:
    """Decision → outcome that cancels an experiment: what closes its phase, and what its own file names."""
    of_phase = {
        name: point.closing.outcome
        for name, point in POINTS.items()
        if point.closing and experiment.phase >= point.closing.phase
    }
    return of_phase | experiment.cancelled_by


def made_first(experiment: Experiment) -> list[str]:
    """Files in results/ that have to be decided before an experiment can start: its recipe, and what its file names."""
    recipe = [RECIPES[experiment.phase]] if experiment.phase in RECIPES else []
    return recipe + [f"decisions/{name}.json" for name in {**experiment.cancelled_by, **experiment.first_if}]
