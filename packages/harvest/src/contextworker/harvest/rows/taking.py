"""What a binding takes from a row: the specification of `taking_frames`."""

from collections.abc import Mapping
from typing import Any

from contextworker.harvest.rows.patterns import pattern
from contextworker.harvest.rows.texts import is_blank, plain
from contextworker.harvest.suppliers import Binding


def take(binding: Binding, row: Mapping[str, Any], *, field: str) -> Any:
    """Return what a field is to be read from; None where the row has nothing.

    Without a step that makes a text of it, a column's value keeps its type.

    Raises:
        RowProblemError: A step needs a text, and the row has a list or an object.
    """
    if binding.value is not None:
        return binding.value
    if not binding.is_text:
        found = next((row[name] for name in binding.origins if not is_blank(row.get(name))), None)
        return _or_default(found, binding)
    text = regex_input(binding, row, field=field)
    if binding.regex is not None and text is not None:
        text = plain(pattern(binding.regex, binding.captured).match(text), field=field)
    if binding.values is not None and text is not None:
        text = plain(binding.values.get(text, text), field=field)
    return _or_default(text, binding)


def regex_input(binding: Binding, row: Mapping[str, Any], *, field: str) -> str | None:
    """Return the text that a binding's regex is given.

    Raises:
        RowProblemError: The row has a list or an object instead.
    """
    texts = (plain(row.get(name), field=field) for name in binding.origins)
    if binding.join is not None:
        text = plain(binding.joiner.join(part for part in texts if part is not None), field=field)
    else:
        text = next((part for part in texts if part is not None), None)
    if binding.split is not None and binding.part is not None and text is not None:
        parts = text.split(binding.split)
        text = plain(parts[binding.part - 1], field=field) if binding.part <= len(parts) else None
    return text


def _or_default(found: Any, binding: Binding) -> Any:
    if found is None and binding.default is not None:
        return binding.default
    return found
