"""What figures of denoisers share: what each is called and its colour."""

from collections.abc import Mapping
from pathlib import Path

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style

LABELS = {
    "blind_spot": "blind-spot network",
    "autoencoder": "auto-encoder",
    "pca": "PCA / Wiener filter",
    "autoencoder_clean": "auto-encoder, noise-free targets (leaky)",
    "oracle": "exact Wiener filter (knows covariance and errors)",
}
COLOURS = {
    "blind_spot": style.BLUE,
    "autoencoder": style.GREEN,
    "pca": style.ORANGE,
    "autoencoder_clean": style.RED,
    "oracle": style.BLACK,
}


def folders(evidence: Evidence) -> Mapping[str, Path]:
    """Where the denoisers of an experiment lie, by kind."""
    if not evidence.denoisers:
        raise empty.Nothing("no variant of this run has a denoiser")
    return evidence.denoisers
