"""Where models look: input gradients on lines and on the continuum."""

from functools import partial

from logg1m.figures import gradient

TITLE = "Where models look: lines or continuum"
CAPTION = "Input sensitivity of every variant on lines and on the continuum."

values = partial(gradient.values, where="features")
draw = partial(gradient.draw, where="features")
