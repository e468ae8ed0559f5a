"""Scatter and bias of log g against signal-to-noise."""

from functools import partial

from logg1m.figures import error_binned

TITLE = "Scatter and bias of log g against signal-to-noise"
CAPTION = "RMSE, scatter without outliers and mean residual of log g (dex) in bins of signal-to-noise, full test."

values = partial(error_binned.values, against="snr")
draw = partial(error_binned.draw, against="snr")
plot = partial(error_binned.plot, against="snr", title=TITLE)
