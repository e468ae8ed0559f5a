"""The network that experiments train, and how: architecture by preset, and the trainer's settings."""

from typing import Literal

from pydantic import Field, field_serializer, model_validator

from logg1m.config.base import Section


class Architecture(Section):
    """A vision transformer (Dosovitskiy et al. 2021) on one-dimensional patches of pixels."""

    patch: int = Field(ge=2, le=65_536, description="pixels per token")
    width: int = Field(ge=4, le=65_536, description="dimension of a token")
    depth: int = Field(ge=1, le=1_000, description="layers")
    heads: int = Field(ge=1, le=1_000, description="attention heads; divide the width")
    mlp_ratio: float = Field(4.0, ge=0.25, le=100, description="hidden width of a layer's perceptron over the width")
    pooling: Literal["mean", "cls", "flatten"] = Field(
        "mean", description="mean of the tokens, a class token, or all tokens side by side"
    )

    @model_validator(mode="after")
    def _divides(self) -> "Architecture":
        if self.width % (2 * self.heads):
            raise ValueError(f"width = {self.width} is not a multiple of 2 × heads = {2 * self.heads}")
        return self


PRESETS = {
    "reference": Architecture(patch=16, width=256, depth=6, heads=8),
    "laptop": Architecture(patch=64, width=64, depth=2, heads=4, mlp_ratio=2.0, pooling="flatten"),
    "smoke": Architecture(patch=256, width=16, depth=1, heads=2, mlp_ratio=2.0, pooling="flatten"),
}


class Training(Section):
    """One training: AdamW (Loshchilov & Hutter 2019), warm-up and cosine, EMA weights, early stopping."""

    epochs: int = Field(8, ge=1, le=100_000, description="passes over the training spectra, each with fresh noise")
    batch_size: int = Field(128, ge=1, le=1_000_000, description="spectra per step")
    learning_rate: float = Field(1e-3, ge=1e-9, le=10, description="peak of the schedule")
    final_learning_rate: float = Field(1e-5, ge=0, le=10, description="end of the cosine")
    warmup: float = Field(0.05, ge=0, lt=1, description="share of all steps with a rising learning rate")
    weight_decay: float = Field(0.01, ge=0, le=1000, description="on matrices; not on biases and norms")
    clip: float = Field(0.5, ge=1e-9, le=1e9, description="largest norm of the gradient")
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights that are evaluated")
    patience: int = Field(
        20, ge=1, le=100_000, description="epochs without a better validation score before training stops"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 products on a GPU, float32 elsewhere"
    )
    compile: Literal["auto", "never"] = Field("auto", description="auto: torch.compile on a GPU")
    checkpoint_seconds: float = Field(
        60.0, ge=0.01, le=1e6, description="time between saved states; never changes a result"
    )


class Network(Section):
    """Preset and training of the networks."""

    preset: Literal["reference", "laptop", "smoke"] = Field(
        "laptop",
        description="reference: the roadmap's 4.9 million parameters; laptop: small, for CPUs; smoke: for tests",
    )
    architecture: Architecture | None = Field(None, description="in place of the preset's")
    training: Training = Training()
    threads: int = Field(
        1,
        ge=1,
        le=10_000,
        description="per run on a CPU; parallel runs use the cores better than threads within one run",
    )

    @field_serializer("architecture", when_used="json")
    def _in_full(self, value: Architecture | None) -> Architecture:
        """Params of rules hold what is built, since what a preset stands for may change."""
        return self.chosen

    @property
    def chosen(self) -> Architecture:
        """The architecture that is built."""
        return self.architecture or PRESETS[self.preset]
