"""Learning curves of every training of a run, and accuracy against training time: on the page alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from logg1m.figures.interactive import SYMBOLS, Column, Plot, Series, csv_column, line_figure, look
from logg1m.files import read_csv
from logg1m.results.numbers import Cursor


@dataclass(frozen=True)
class Training:
    """One trained variant, by its first seed.

    group : the experiment, whose switches stand together
    history : path of history.csv; empty where it is not known
    seconds, mae : training and evaluation time, and MAE (dex) on the low-noise test
    shown : whether its curve is there at first
    counts : whether it is neither leaky nor a control
    """

    name: str
    group: str
    history: str
    seconds: Cursor | None
    mae: Cursor | None
    shown: bool = False
    counts: bool = True


def curves(trainings: Sequence[Training]) -> Plot | None:
    """Validation score after every epoch; models that are not trained in epochs have no curve."""
    series: list[Series] = []
    for training in trainings:
        table = read_csv(training.history, ()) if training.history else None
        if table is None or not {"epoch", "score"} <= set(table.columns):
            continue
        epoch, score = (csv_column(table, training.history, column) for column in ("epoch", "score"))
        how = look(len(series), 4, 1.6, ("solid", "dash", "dot")[len(series) // 6 % 3])
        series.append(Series(training.name, epoch, score, None, training.group, training.shown, how))
    if not series:
        return None
    alt = "Validation score against epochs of every training of this run; values in the CSV of each run."
    note = "First seed; the score is R² on validation stars (of several labels, their mean)."
    axes = "epoch", "validation R²"
    return line_figure("training", "Learning curves", alt, series, *axes, note=note, plot="switches", height=420)


def accuracy(trainings: Sequence[Training]) -> Plot | None:
    """MAE on the low-noise test against the time that a training took; at first of those that count."""
    series: list[Series] = []
    for training in trainings:
        if training.seconds is None or training.mae is None or training.mae.at("value") is None:
            continue
        x = Column((training.seconds,), f"{training.seconds.file}#/{training.seconds.place}")
        value = training.mae["value"]
        y = Column((value,), f"{value.file}#/{value.place}")
        k, how = len(series), {"mode": "markers"} | look(len(series), 10)
        hollow = k // 24 % 2  # 24 pairs of colour and symbol, then the same ones hollow
        how["marker"] |= {"symbol": SYMBOLS[k % 8] + ("-open" if hollow else ""), "line": {"width": 2 * hollow}}
        series.append(Series(training.name, x, y, None, training.group, training.counts, how))
    if not series:
        return None
    alt = "MAE of log g on the low-noise test against the time that a run took; values in the table."
    note = (
        "First seed of every variant, on the machine that ran it. Leaky models and controls are switched off at first."
    )
    layout = {"xaxis": {"type": "log"}}
    axes = "time of training and evaluation, s", "MAE of log g, low-noise test, dex"
    title = "Accuracy against training time"
    return line_figure("accuracy-time", title, alt, series, *axes, layout, note=note, plot="switches", height=400)
