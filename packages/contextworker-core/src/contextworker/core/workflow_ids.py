"""Writes workflow ids: from a route's template over payload fields.

Values are percent-encoded, and in every field but a template's last the `-` too, so that the text
between two fields cannot be mistaken for part of a value: tenant `a-b` with supplier `c` never
shares an id with tenant `a` and supplier `b-c`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Self
from urllib.parse import quote

from contextworker.core.errors import ConfigurationError

MAX_CHARACTERS = 1000
"""What Temporal takes."""

_SAFE = "_-.~"


@dataclass(frozen=True)
class WorkflowIdTemplate:
    """A parsed template, such as `harvest-{tenant_id}-{supplier_code}`."""

    parts: tuple[tuple[str, str | None], ...]
    """Literal text, each with the field that follows it, if any."""

    @classmethod
    def parse(cls, template: str) -> Self:
        """Read a template.

        Raises:
            ConfigurationError: It is no text with `{field}` names.
        """
        try:
            parsed = list(Formatter().parse(template))
        except ValueError as error:
            raise _broken(template) from error
        if any(
            field is not None and (not field.isidentifier() or spec or conversion)
            for _, field, spec, conversion in parsed
        ):
            raise _broken(template)
        return cls(tuple((literal, field) for literal, field, _, _ in parsed))

    @property
    def fields(self) -> tuple[str, ...]:
        """The payload fields it names, in order."""
        return tuple(field for _, field in self.parts if field is not None)

    def fill(self, values: Mapping[str, str]) -> str:
        """Write the id; `values` has the text of every field.

        Raises:
            KeyError: A field is missing.
        """
        last = max((index for index, (_, field) in enumerate(self.parts) if field), default=-1)
        return "".join(
            literal + (escape(values[field], last=index == last) if field is not None else "")
            for index, (literal, field) in enumerate(self.parts)
        )


def escape(value: str, *, last: bool = False) -> str:
    """Percent-encode a value; the last of an id may keep its `-`."""
    escaped = quote(value, safe=_SAFE)
    return escaped if last else escaped.replace("-", "%2D")


def _broken(template: str) -> ConfigurationError:
    return ConfigurationError(
        f"the workflow id template {template!r} is no text with {{field}} names"
    )
