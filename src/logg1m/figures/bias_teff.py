"""Bias of log g against Teff."""

from functools import partial

from logg1m.figures import bias

TITLE = "Bias of log g against Teff"
CAPTION = "Mean residual of log g in bins of Teff for every variant."

values = partial(bias.values, label="teff")
draw = partial(bias.draw, label="teff")
plot = partial(bias.plot, label="teff", title=TITLE)
