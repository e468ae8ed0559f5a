"""Bias of log g against [Fe/H]."""

from functools import partial

from logg1m.figures import bias

TITLE = "Bias of log g against [Fe/H]"
CAPTION = "Mean residual of log g in bins of [Fe/H] for every variant."

values = partial(bias.values, label="m_h")
draw = partial(bias.draw, label="m_h")
plot = partial(bias.plot, label="m_h", title=TITLE)
