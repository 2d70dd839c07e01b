"""The one line about a run or a step that stands beside it in Temporal's UI."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from contextworker.core.errors import ConfigurationError
from contextworker.core.templates import parts_of

SUMMARY_BYTES: Final = 200
"""Temporal's limit is 400, for the whole payload: metadata and encryption take their part."""

_MORE: Final = "…"


@dataclass(frozen=True)
class SummaryTemplate:
    """A parsed template over payload fields, such as `Harvest {supplier_code}`."""

    parts: tuple[tuple[str, str | None], ...]
    """Literal text, each with the field that follows it, if any."""

    @classmethod
    def parse(cls, template: str) -> Self:
        """Read a template.

        Raises:
            ConfigurationError: It is no text with `{field}` names.
        """
        try:
            return cls(tuple(parts_of(template)))
        except ValueError as error:
            raise ConfigurationError(
                f"the summary {template!r} is no text with {{field}} names"
            ) from error

    @property
    def fields(self) -> tuple[str, ...]:
        """The payload fields it names, in order."""
        return tuple(field for _, field in self.parts if field is not None)

    def fill(self, values: Mapping[str, str]) -> str:
        """Write the summary; a field without a value leaves nothing behind."""
        text = "".join(
            literal + (values.get(field, "") if field else "") for literal, field in self.parts
        )
        return cut(text)


def cut(text: str, most_bytes: int = SUMMARY_BYTES) -> str:
    """Make one line of a text, no longer in UTF-8 than it may be."""
    line = " ".join(text.split())
    data = line.encode(errors="replace")
    if len(data) <= most_bytes:
        return data.decode()
    return data[: most_bytes - len(_MORE.encode())].decode(errors="ignore").rstrip() + _MORE
