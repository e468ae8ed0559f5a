"""Which model is the answer, and what fresh stars said of it and of what was accepted, in a sentence each."""

from logg1m.report.foundations.fisher import FISHER, MODELS
from logg1m.report.verdict_words import criterion
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.words import estimate

WINNER, CONFIRMATION = "confirmation/winner.json", "confirmation/confirmation.json"


def choice(artifacts: Artifacts) -> Cursor | None:
    """How the best model was chosen, of all phases; before that is known, of Phases 0 and 1, and of Phase 0."""
    places = (artifacts[WINNER], *(artifacts[name].at("choice") for name in (MODELS, FISHER)))
    return next((place for place in places if place and place.get("model")), None)


def ranked(chosen: Cursor) -> list[str]:
    """Names of the models, the chosen one first, then by their RMSE on validation stars."""
    rmse = {name: entry["value"] for name, entry in (chosen.get("rmse") or {}).items()}
    return [str(chosen.get("model")), *sorted(rmse, key=lambda name: rmse[name])]


def of_experiment(key: str, artifacts: Artifacts) -> str:
    """What fresh stars said of the variants that an experiment accepted; empty where nothing was asked."""
    found = artifacts[CONFIRMATION]
    of_variants = found.get("experiments", key)
    if not of_variants:
        return ""
    said = []
    for entry in of_variants.values():
        words = "; ".join(criterion(c) for c in entry["criteria"]) or "no criterion of it is measured on stars"
        aside = f" ({', '.join(entry['left_out'])} aside)" if entry["left_out"] else ""
        said.append(f"“{entry['label']}” {entry['state']}: {words}{aside}")
    return f"On {_stars(found)}: {'. '.join(said)}. {_looks(found)}"


def of_answer(model: str, artifacts: Artifacts) -> str:
    """What fresh stars said of the model that is the answer; empty where they were asked of none, or of another."""
    found = artifacts[CONFIRMATION]
    if found.get("winner", "model") != model:
        return ""
    winner = found["winner"]["low_noise"].raw
    new, change = winner["fresh"], winner["difference"]
    return (
        f"On {_stars(found)} it reaches R² {estimate(new['r2'])} and an RMSE of {estimate(new['rmse'], unit='dex')}, "
        f"a change of {estimate(change, 3, unit='dex')} from the test: {winner['state']}. {_looks(found)}"
    )


def _stars(found: Cursor) -> str:
    stars = found.raw["stars"]
    new = "fresh simulated stars" if stars["from"].startswith("fresh") else "stars that were set aside"
    return f"{stars['n']:,} {new} that chose nothing ({stars['n_low_noise']:,} low-noise)"


def _looks(found: Cursor) -> str:
    n = found.get("looks", "ever")
    return (
        f"So far {n} configuration{'' if n == 1 else 's'} {'has' if n == 1 else 'have'} been looked at on these stars."
    )
