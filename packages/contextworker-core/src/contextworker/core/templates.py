"""Templates over payload fields, such as `harvest-{tenant_id}`: text with names in braces."""

from string import Formatter


def parts_of(template: str) -> list[tuple[str, str | None]]:
    """Return the literal text of a template, each with the field that follows it, if any.

    Raises:
        ValueError: It is no text with `{field}` names.
    """
    parts = list(Formatter().parse(template))
    for _, field, spec, conversion in parts:
        if field is not None and (not field.isidentifier() or spec or conversion):
            raise ValueError(f"{template!r} is no text with {{field}} names")
    return [(literal, field) for literal, field, _, _ in parts]
