"""Scatter and bias of log g against magnitude."""

from functools import partial

from logg1m.figures import error_binned

TITLE = "Scatter and bias of log g against magnitude"
CAPTION = "RMSE, scatter without outliers and mean residual of log g (dex) in bins of magnitude, full test."

values = partial(error_binned.values, against="mag")
draw = partial(error_binned.draw, against="mag")
plot = partial(error_binned.plot, against="mag", title=TITLE)
