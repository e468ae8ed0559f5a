"""How the median bound of each estimator settles with the number of spectra: on the page alone."""

from logg1m.figures.fisher import size
from logg1m.figures.interactive import Plot, Series, line_figure, look, pluck
from logg1m.results.numbers import Cursor
from logg1m.results.words import ESTIMATOR


def plot(fisher: Cursor) -> Plot | None:
    """Every estimator with a switch, from fisher.json."""
    rows, series = fisher.at("convergence"), []
    if rows is None:
        return None
    for k, name in enumerate(dict.fromkeys(row.raw["estimator"] for _, row in rows.items())):
        places = [j for j, row in rows.items() if row.raw["estimator"] == name]
        n, sigma = (pluck(rows, column).at(places) for column in ("n", "median_sigma_5d"))
        series.append(Series(ESTIMATOR.get(str(name), str(name)), n, sigma, None, "Estimators", True, look(k)))
    if not series:
        return None
    title = "Convergence of the bounds"
    alt = "Median bound of each estimator against the number of spectra."
    axes = "spectra", f"median σ(log g), {size(fisher)}, dex"
    return line_figure("convergence", title, alt, series, *axes, {"xaxis": {"type": "log"}}, plot="switches")
