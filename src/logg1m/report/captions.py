"""Titles and captions of figures: by kind for those of experiments, by name for those of Phases 0 and 1's own."""

from logg1m.config.experiments import Experiment

# kind of figure → (title, what it shows in a sentence)
_KINDS = {
    "comparison": ("Variants beside one another", "R² and MAE of every variant with intervals, on both tests."),
    "bias_teff": ("Bias of log g against Teff", "Mean residual of log g in bins of Teff for every variant."),
    "bias_m_h": ("Bias of log g against [Fe/H]", "Mean residual of log g in bins of [Fe/H] for every variant."),
    "normalisations": ("One spectrum under every normalisation", "What a model sees of the same spectrum under each normalisation."),
    "gradient_vs_error": ("Where models look, against the noise", "Input sensitivity of every variant per pixel against the mean error of that pixel."),
    "gradient_on_lines": ("Where models look: lines or continuum", "Input sensitivity of every variant on lines and on the continuum."),
    "windows_over_sensitivity": ("Windows over the sensitivity to log g", "The windows of every variant over the sensitivity of the flux to log g."),
    "crop_robustness": ("R² when the edges are cropped", "R² of every variant with a growing share of the spectrum hidden at each edge."),
    "condition_robustness": ("R² when spectra are resampled or shifted", "R² of every variant under conditions that it was not trained for."),
    "calibration": ("Calibration of the predicted σ", "Share of errors inside the predicted intervals against the share that should be."),
    "sigma": ("Predicted σ, errors and outliers", "Errors and outliers in bins of the predicted σ."),
    "masks": ("Hidden pixels", "Which pixels each variant hides, over the mean error along wavelength."),
    "cross_talk": ("Errors of log g that go with other labels", "Error of log g against errors of Teff and [Fe/H] for every variant."),
    "attention": ("Attention along wavelength", "Share of the attention that falls on each part of the spectrum, by layer."),
    "levels": ("Errors by level of log g", "Error and predicted level in bins of the true log g."),
    "learning_curves": ("Learning curves", "Validation score against epochs and time, from scratch and pretrained."),
    "reconstructions": ("Reconstructions of hidden parts", "A spectrum with hidden parts and what pretraining made of them."),
    "linear_probe": ("Linear probe of the frozen encoder", "R² of a linear model on the pixels, and on what the encoder makes of them before fine-tuning."),
    "denoiser_gain": ("Gain of the denoisers along wavelength", "Error that each denoiser removes, in sky-line regions and elsewhere."),
    "denoiser_examples": ("Denoised spectra", "A noisy spectrum, its noise-free flux and what each denoiser makes of it."),
    "concentration": ("Where the gain concentrates", "Gain in MAE of models that see only sky-line pixels, and of models that see only the rest."),
}  # fmt: skip
_NAMES = {
    "snr_histogram": ("Signal-to-noise of all spectra", "Histogram of the signal-to-noise of all spectra with the low-noise threshold."),
    "ridge_alpha": ("Ridge: validation R² against the penalty", "Validation R² of Ridge against its penalty, by scale and features."),
    "scaling": ("R² against the number of training spectra", "R² on the common test for every classical model and scale."),
    "sigma_vs_error": ("Bounds and errors of low-noise spectra", "Distributions of the Fisher bound and of model errors."),
    "ratio_histogram": ("Model error over Fisher bound", "Error of the best model in units of the bound of the same spectrum."),
    "sigma_map": ("Median σ(log g) over Teff and log g", "Median Fisher bound of log g over Teff and log g."),
    "ceiling_vs_snr": ("Ceilings and models against signal-to-noise", "R² that the data allow, and what models reach, in bins of signal-to-noise."),
    "fisher_sensitivity_map": ("Sensitivity of the flux to log g", "Sensitivity of the flux to log g along wavelength, with lines named."),
    "magnitude_sweep": ("R² that the Fisher bound allows, against magnitude", "Ceiling on R² and σ(log g) of the same stars at every magnitude."),
}  # fmt: skip


def caption(name: str, experiment: Experiment | None = None) -> tuple[str, str]:
    """(title, sentence) of a figure by its file name; a name that nothing is known of is its own title."""
    kind = experiment.figures.get(name, "") if experiment else ""
    words = name.replace("_", " ")
    return _KINDS.get(kind) or _NAMES.get(name) or (words[:1].upper() + words[1:], f"{words[:1].upper()}{words[1:]}.")
