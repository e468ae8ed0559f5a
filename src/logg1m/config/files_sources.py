"""Sources that read the user's own files: PFS shards (HDF5) and folders of BOSZ model spectra."""

from typing import Literal

from pydantic import Field, field_validator

from logg1m.config.base import Section

MOST_FILES = 10_000


class PfsHdf5Config(Section):
    """Shards written by pfsspec; every entry of a list is a path (with ${VARIABLE} and ~) or a glob, in order."""

    train: tuple[str, ...] = Field(
        min_length=1, max_length=MOST_FILES, description="training shards, e.g. /data/train_200k_*/dataset.h5"
    )
    val: tuple[str, ...] = Field(
        (), max_length=MOST_FILES, description="frozen validation shards; empty: a split of the training shards"
    )
    test: tuple[str, ...] = Field(
        (), max_length=MOST_FILES, description="frozen test shards; empty: a split of the training shards"
    )
    n_pixels: int = Field(
        4096,
        ge=512,
        le=65_536,
        multiple_of=4,
        description="pixels that every spectrum must have; a running median and two of the widest patches need so many",
    )
    on_median: Literal["renormalise", "refuse"] = Field(
        "renormalise",
        description="a spectrum whose median flux is not 0.5: scale its flux and error (with a notice), or stop",
    )
    median_tolerance: float = Field(1e-3, ge=1e-9, lt=0.5, description="how far a median may be from 0.5, flux units")

    mask_means: Literal["auto", "bad", "good"] = Field(
        "auto",
        description="which mask values mark a bad pixel; bad: nonzero ones (bits); good: zero (True = good, as in "
        "pfsspec's boolean masks); auto: from the type and the values, and refused where those leave it open",
    )

    @field_validator("train", "val", "test", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class BoszConfig(Section):
    """A folder of BOSZ model spectra (Mészáros et al. 2024, A&A 688, A197; or Bohlin et al. 2017, AJ 153, 234)."""

    folder: str = Field(min_length=1, max_length=4096, description="searched with its sub-folders for model spectra")
    resolution: str = Field(
        "r20000",
        max_length=10,
        pattern=r"^r([0-9]+|orig)$",
        description="which of the published resolutions to read: r10000, r20000, r50000, rorig",
    )
    atmosphere: Literal["marcs", "ms", "mp", "ap"] = Field(
        "marcs", description="marcs: spherical (ms) below log g 3.5, else plane-parallel (mp); ap: ATLAS9"
    )
    microturbulence: int = Field(2, ge=0, le=4, description="microturbulent velocity of the files, km/s")
    fill_missing: bool = Field(False, description="interpolate nodes that have no file instead of refusing the folder")
    n_components: int = Field(100, ge=1, le=65_536, description="principal components of ln F")
    max_reconstruction_error: float = Field(
        0.003, gt=0, le=1, description="largest rms of (reconstructed / model flux − 1) that any node may have"
    )
    grid_file: str | None = Field(
        "results/data/bosz_grid.npz",
        max_length=4096,
        pattern=r"\.npz$",
        description="where the grid that was made is kept (.npz), so that the folder is read once; null: nowhere",
    )
