"""What every section of a supplier file is made of."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen table of a supplier file; a key that is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
