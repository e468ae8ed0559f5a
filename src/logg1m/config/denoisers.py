"""How denoisers are made: size of the networks, components of the linear filter, and their training."""

from typing import Literal

from pydantic import Field

from logg1m.config.base import Section
from logg1m.config.networks import Training
from logg1m.config.protocol import MOST_SPECTRA

DenoiserKind = Literal["blind_spot", "autoencoder", "autoencoder_clean", "pca"]


class Denoisers(Section):
    """Denoisers are trained once per kind and seed, without labels, and frozen."""

    train_size: int = Field(
        25_000,
        ge=5,
        le=MOST_SPECTRA,
        description="training spectra (fit and validation); at most the training pool",
    )
    test_size: int = Field(2_000, ge=1, le=MOST_SPECTRA, description="test spectra on which a denoiser is measured")
    block: int = Field(16, ge=2, le=65_536, description="pixels per block of the networks; one block is about 7 Å")
    code: int = Field(32, ge=1, le=65_536, description="length of the code summarising a spectrum")
    hidden: int = Field(64, ge=1, le=65_536, description="width between code and pixels")
    channels: int = Field(
        8,
        ge=0,
        le=65_536,
        description="numbers per block that its neighbours see beside the code, the short way of a U-Net; 0: none",
    )
    components: int = Field(
        64, ge=1, le=65_536, description="largest number of principal components of the linear filter (pca)"
    )
    training: Training = Training(epochs=4, learning_rate=4e-3, weight_decay=0.0)
