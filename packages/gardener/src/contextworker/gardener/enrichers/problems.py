"""What is wrong with a file of a tenant's, in words for who wrote it."""

from typing import Final

from pydantic import BaseModel, ValidationError

_LONGEST: Final = 60


def problem(error: ValidationError, *models: type[BaseModel]) -> str:
    """Return the first problem: which key, what stands there, what may.

    Args:
        error: Of the first model.
        models: Of the file or table, then of the entries in its lists.
    """
    # An unknown key first: it mostly is the missing one, misspelt.
    first = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    loc = first["loc"]
    place, inner = "", loc
    if len(loc) > 1 and isinstance(loc[1], int) and len(models) > 1:
        # Counted as people count.
        place, inner = f"[[{loc[0]}]] {loc[1] + 1}: ", loc[2:]
    key = ".".join(map(str, inner))
    if first["type"] == "extra_forbidden":
        known = ", ".join(models[1 if place else 0].model_fields)
        return f"{place}unknown key {key!r}; it has {known}"
    if first["type"] == "missing":
        return f"{place}{key} is missing"
    # A list of TOML is a tuple here, which nobody who writes TOML has heard of.
    message = first["msg"].replace("a valid tuple", "a list")
    shown = repr(first["input"])
    if len(shown) > _LONGEST:
        shown = f"{shown[:_LONGEST]}…"
    return f"{place}{key} = {shown}: {message}" if key else f"{place}{message}"
