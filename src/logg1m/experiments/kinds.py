"""What an experiment may report beside its criteria, and which module computes or draws it.

An entry of `extra` in an experiment's file names a module below; its function `extra(evidence)` returns plain JSON (a
dictionary, or a list of rows), which stands in verdict.json under that name. An entry of `figures` names a kind of
figure in the same way: `draw(verdict, evidence, path)`.
"""

from logg1m.config.experiments import Experiment

EXTRAS = {
    "gradient_regions": "logg1m.experiments.extras.gradient_regions",
    "robustness": "logg1m.experiments.extras.robustness",
    "calibration": "logg1m.experiments.extras.calibration",
    "mask_controls": "logg1m.experiments.extras.mask_controls",
    "cross_talk": "logg1m.experiments.extras.cross_talk",
    "attention_mass": "logg1m.experiments.extras.attention_mass",
    "levels": "logg1m.experiments.extras.levels",
    "pretraining_gain": "logg1m.experiments.extras.pretraining_gain",
    "linear_probe": "logg1m.experiments.extras.linear_probe",
    "denoisers": "logg1m.experiments.extras.denoisers",
}
FIGURES = {
    "comparison": "logg1m.figures.comparison",
    "bias_teff": "logg1m.figures.bias",
    "bias_m_h": "logg1m.figures.bias",
    "windows_over_sensitivity": "logg1m.figures.windows_over_sensitivity",
    "normalisations": "logg1m.figures.normalisations",
    "gradient_vs_error": "logg1m.figures.gradient",
    "gradient_on_lines": "logg1m.figures.gradient",
    "crop_robustness": "logg1m.figures.robustness",
    "condition_robustness": "logg1m.figures.robustness",
    "calibration": "logg1m.figures.calibration",
    "sigma": "logg1m.figures.calibration",
    "masks": "logg1m.figures.masks",
    "cross_talk": "logg1m.figures.cross_talk",
    "attention": "logg1m.figures.attention",
    "levels": "logg1m.figures.levels",
    "learning_curves": "logg1m.figures.learning_curves",
    "reconstructions": "logg1m.figures.reconstructions",
    "linear_probe": "logg1m.figures.linear_probe",
    "denoiser_gain": "logg1m.figures.denoisers",
    "denoiser_examples": "logg1m.figures.denoisers",
    "concentration": "logg1m.figures.concentration",
}


def modules_of(experiment: Experiment) -> list[str]:
    """The modules behind an experiment's further reports and figures, for its code fingerprint."""
    return [*(EXTRAS[name] for name in experiment.extra), *(FIGURES[kind] for kind in experiment.figures.values())]


def shows_times(experiment: Experiment) -> bool:
    """Whether a figure shows how long the runs took, which is no part of their results."""
    return "learning_curves" in experiment.figures.values()
