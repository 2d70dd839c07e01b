"""The programs in `programs/`: one file for each kind, each program with its clean ends."""

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from contextworker.core.messages import Message
from contextworker.sandbox.messages import CodeError, Finished

_FOLDER = Path(__file__).parent.parent / "programs"

_Parts = tuple[tuple[str, int], ...]


class Hostile(Message):
    """A hostile program, and how it may end."""

    kind: str
    name: str
    code: str = ""
    parts: _Parts = Field(default=(), description="In place of code: texts, each so many times.")
    ends: Annotated[
        tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
    ] = Field(default=(), description="Errors, by class, and limits, by name.")
    harmless: bool = Field(default=False, description="Whether it may also just come to its end.")
    result: JsonValue = Field(default=None, description="What a harmless one returns.")
    repr: bool = Field(default=False, description="Whether that cannot travel.")
    timeout: float = Field(default=10, description="Seconds that it may compute.")
    slow: bool = Field(default=False, description="Whether it takes long to end.")

    @model_validator(mode="after")
    def _ends_somehow(self) -> Self:
        if not self.ends and not self.harmless:
            raise ValueError(f"{self.name}: say how it ends")
        return self

    @property
    def source(self) -> str:
        """The program."""
        return self.code or "".join(text * times for text, times in self.parts)

    def ended_cleanly(self, finished: Finished) -> bool:
        """Tell whether this is an end that was expected."""
        if finished.error is not None:
            return _end(finished.error) in self.ends
        return (
            self.harmless
            and self.repr == finished.result_is_repr
            and self.result in (None, finished.result)
        )


def _end(error: CodeError) -> str:
    return error.limit or error.type


def hostile_programs() -> list[Hostile]:
    """Read every program."""
    return [
        Hostile(kind=path.stem, **table)
        for path in sorted(_FOLDER.glob("*.toml"))
        for table in tomllib.loads(path.read_text(encoding="utf-8"))["program"]
    ]
