"""What each kind of model can be changed in; a variant that changes anything else does not exist for that kind."""

_SHARED = {
    "channels",
    "error_source",
    "normalisation",
    "windows",
    "mask",
    "train_on",
    "label_share",
    "denoiser",
    "denoiser_sees",
}
PROJECTION_FIELDS = {"components", "basis", "pixel_weights", "residual_levels"}
STREAMED_FIELDS = {"training_spectra", "draws_per_star", "supervised_epochs_factor"}
PRETRAINING_FIELDS = {"pretraining", "mask_share", "reconstruction", "pretraining_size", "pretraining_compute"}
SUPPORTED: dict[str, set[str]] = {
    "ridge": _SHARED | {"heads"},
    "lightgbm": _SHARED,
    "projection": _SHARED | PROJECTION_FIELDS | STREAMED_FIELDS | {"heads", "objective"},
    "vit": _SHARED
    | PRETRAINING_FIELDS
    | STREAMED_FIELDS
    | {"heads", "objective", "tokeniser", "position", "attention_bias", "projection_token"},
}
