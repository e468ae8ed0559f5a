"""Where models look, against the noise: input gradients in and out of sky-line pixels."""

from functools import partial

from logg1m.figures import gradient

TITLE = "Where models look, against the noise"
CAPTION = "Input sensitivity of every variant per pixel against the mean error of that pixel."

values = partial(gradient.values, where="sky-line pixels")
draw = partial(gradient.draw, where="sky-line pixels")
