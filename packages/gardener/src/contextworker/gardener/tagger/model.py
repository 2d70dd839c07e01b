"""What a tagger has learnt, as plain data."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from contextworker.gardener.tagger.calibration import Calibration

ATTRIBUTES_LIMIT: Final = 64

Count = Annotated[int, Field(ge=0)]


class Attribute(BaseModel):
    """One attribute: its values in names, and how they are to be read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=200)
    values: tuple[tuple[tuple[str, ...], Count], ...] = Field(
        description="Values seen, as tokens, and in how many examples."
    )
    aliases: tuple[tuple[tuple[str, ...], str], ...] = Field(
        description="Tokens, and what they are called."
    )
    compacted: bool = Field(description="Values are written without signs: `157305B21`.")
    slope: float = Field(ge=0, le=1e3)
    shift: float = Field(ge=-1e3, le=1e3)

    @property
    def calibration(self) -> Calibration:
        """How sure its values are."""
        return Calibration(self.slope, self.shift)


class Learnt(BaseModel):
    """All of it but the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = 1
    examples: Count
    threshold: float = Field(ge=0, le=1, description="Confidence of a brand from which it is done.")
    attributes: tuple[Attribute, ...] = Field(min_length=1, max_length=ATTRIBUTES_LIMIT)
    features: tuple[str, ...] = Field(description="The rows of the weights.")
    names: dict[str, Count] = Field(description="word -> names that had it.")
    roles: dict[str, dict[str, Count]] = Field(description="word -> attribute -> names.")
