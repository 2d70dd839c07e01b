"""Writes workflow ids: from a route's template over payload fields.

Values are percent-encoded, and in every field but a template's last the `-` too, so that the text
between two fields cannot be mistaken for part of a value: tenant `a-b` with supplier `c` never
shares an id with tenant `a` and supplier `b-c`.

A run's id begins with its workflow type and its tenant, with no `-` in either, so that neither two
types nor two tenants ever share one, whatever their templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self
from urllib.parse import quote, unquote

from contextworker.core.errors import ConfigurationError
from contextworker.core.templates import parts_of

MAX_CHARACTERS = 1000
"""What Temporal takes."""

TENANT_FIELD = "tenant_id"
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
            parsed = parts_of(template)
        except ValueError as error:
            raise ConfigurationError(
                f"the workflow id template {template!r} is no text with {{field}} names"
            ) from error
        parts: list[tuple[str, str | None]] = []
        for literal, field in parsed:
            # A brace that stands for itself ends a literal, which goes on behind it.
            before = parts.pop()[0] if parts and parts[-1][1] is None else ""
            parts.append((before + literal, field))
        for (_, one), (between, other) in pairwise(parts):
            if other is not None and "-" not in between:
                raise ConfigurationError(
                    f"the workflow id template {template!r} has no '-' between {{{one}}} and "
                    f"{{{other}}}, so that two payloads could share an id"
                )
        return cls(tuple(parts))

    @property
    def fields(self) -> tuple[str, ...]:
        """The payload fields it names, in order."""
        return tuple(field for _, field in self.parts if field is not None)

    def of_runs(self, workflow_type: str) -> Self:
        """Return the template that a type's runs are named by: behind the type and the tenant.

        One that begins `<workflow_type>-{tenant_id}` already stays as it is.
        """
        prefix = (f"{escape(workflow_type)}-", TENANT_FIELD)
        begins = self.parts[:1] in (((f"{workflow_type}-", TENANT_FIELD),), (prefix,))
        rest = self.parts[1:] if begins else self.parts
        if begins and (not rest or rest[0][0].startswith("-")):
            return type(self)((prefix, *rest))
        (literal, field), *others = self.parts or (("", None),)
        return type(self)((prefix, (f"-{literal}", field), *others))

    def __str__(self) -> str:
        """Write the template as it is read."""
        return "".join(
            literal.replace("{", "{{").replace("}", "}}") + (f"{{{field}}}" if field else "")
            for literal, field in self.parts
        )

    def fill(self, values: Mapping[str, str]) -> str:
        """Write the id; `values` has the text of every field.

        Raises:
            KeyError: A field is missing.
        """
        last = max((index for index, (_, field) in enumerate(self.parts) if field), default=-1)
        return "".join(
            literal
            + (escape(values[field], last=index == last and field != TENANT_FIELD) if field else "")
            for index, (literal, field) in enumerate(self.parts)
        )


def escape(value: str, *, last: bool = False) -> str:
    """Percent-encode a value; the last of an id may keep its `-`."""
    escaped = quote(value, safe=_SAFE)
    return escaped if last else escaped.replace("-", "%2D")


def tenant_in(workflow_id: str) -> str | None:
    """Return the tenant that an id names, also that of a schedule's runs; None where it has none.

    Of an id that was not written here, what stands in a tenant's place.
    """
    _, _, behind = workflow_id.partition("-")
    return unquote(behind.partition("-")[0]) or None
