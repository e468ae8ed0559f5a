"""What an experiment may report beside its criteria, and which module computes or draws it.

An entry of `extra` in an experiment's file names a module below; its function `extra(evidence)` returns plain JSON (a
dictionary, or a list of rows), which stands in verdict.json under that name. An entry of `figures` names a kind of
figure in the same way: `draw(verdict, evidence, path)`.
"""

from logg1m.config.experiments import Experiment

EXTRAS = {
    "gradient_regions": "logg1m.experiments.gradient_regions",
    "robustness": "logg1m.experiments.robustness_table",
    "calibration": "logg1m.experiments.calibration",
    "mask_controls": "logg1m.experiments.mask_controls",
    "cross_talk": "logg1m.experiments.cross_talk_table",
    "attention_mass": "logg1m.experiments.attention_mass",
    "levels": "logg1m.experiments.levels",
    "pretraining_gain": "logg1m.experiments.pretraining_gain",
    "linear_probe": "logg1m.experiments.linear_probe",
    "denoisers": "logg1m.experiments.denoiser_table",
}
FIGURES = {
    "comparison": "logg1m.report.comparison_figure",
    "bias_teff": "logg1m.report.bias_figure",
    "bias_m_h": "logg1m.report.bias_figure",
    "windows_over_sensitivity": "logg1m.report.windows_sensitivity_figure",
    "normalisations": "logg1m.report.normalisations_figure",
    "gradient_vs_error": "logg1m.report.gradient_figure",
    "gradient_on_lines": "logg1m.report.gradient_figure",
    "crop_robustness": "logg1m.report.robustness_figure",
    "condition_robustness": "logg1m.report.robustness_figure",
    "calibration": "logg1m.report.calibration_figure",
    "sigma": "logg1m.report.calibration_figure",
    "masks": "logg1m.report.masks_figure",
    "cross_talk": "logg1m.report.cross_talk_figure",
    "attention": "logg1m.report.attention_figure",
    "levels": "logg1m.report.levels_figure",
    "learning_curves": "logg1m.report.learning_figure",
    "reconstructions": "logg1m.report.reconstruction_figure",
    "linear_probe": "logg1m.report.probe_figure",
    "denoiser_gain": "logg1m.report.denoiser_figure",
    "denoiser_examples": "logg1m.report.denoiser_figure",
    "concentration": "logg1m.report.concentration_figure",
}


def modules_of(experiment: Experiment) -> list[str]:
    """The modules behind an experiment's further reports and figures, for its code fingerprint."""
    return [*(EXTRAS[name] for name in experiment.extra), *(FIGURES[kind] for kind in experiment.figures.values())]


def shows_times(experiment: Experiment) -> bool:
    """Whether a figure shows how long the runs took, which is no part of their results."""
    return "learning_curves" in experiment.figures.values()
