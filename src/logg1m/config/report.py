"""How the documents name things, and what of them has been copied elsewhere."""

from datetime import date

from pydantic import Field, field_validator

from logg1m.config.base import Section


class Report(Section):
    """Names in the documents, as the users' knowledge base has them."""

    project: str = Field("VIT", max_length=50, pattern=r"^[A-Za-z0-9]+$", description="first part of experiment ids")
    topic: str = Field(
        "logg_1m", max_length=50, pattern=r"^[A-Za-z0-9_]+$", description="topic, in experiment ids and report names"
    )
    date: str = Field(
        "20251222",
        pattern=r"^[0-9]{8}$",
        description="day of the roadmap, in experiment ids and report names: fixed, so that names stay",
    )
    synced: dict[str, str] = Field(
        default_factory=dict,
        max_length=100,
        description="conclusions that the knowledge base holds: MVP id → mark of the conclusion as it was copied",
    )

    @field_validator("date")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        try:
            date(int(value[:4]), int(value[4:6]), int(value[6:]))
        except ValueError as error:
            raise ValueError(f"expected a day as YYYYMMDD ({error})") from None
        return value
