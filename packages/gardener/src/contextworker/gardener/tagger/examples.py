"""What the tagger learns from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contextworker.gardener.enrichers.base import ProductText

NER_ATTRIBUTES: Final = ("brand", "model", "product_type", "colour", "size")
"""What labels of task `ner` say."""


@dataclass(frozen=True, slots=True)
class TaggedExample:
    """A name, and what is known to be said in it."""

    text: str
    values: Mapping[str, tuple[str, ...]]
    """attribute -> acceptable values; empty: it has none. What is not here, nobody looked for."""
    category: str = ""
    group: str = ""
    """Examples of one product: never learnt from and scored on in one fold."""


@dataclass(frozen=True, slots=True)
class TagText:
    """A name to be tagged."""

    text: str
    category: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """A value found in a name."""

    value: str
    start: int
    end: int
    confidence: float = field(compare=False)
    """The probability, calibrated, that it is right."""


def tag_text(product: ProductText) -> TagText:
    """Return what the tagger sees of a product."""
    return TagText(product.name, product.category)


def ner_example(product: ProductText, label: Mapping[str, Any]) -> TaggedExample:
    """Return a product and a label of task `ner` as an example.

    A field that is null is known to be absent; one that is left out may be there or not.
    """
    variant = label.get("variant") or {}
    flat = {**label, **variant} if isinstance(variant, Mapping) else dict(label)
    values = {name: _values(flat[name]) for name in NER_ATTRIBUTES if name in flat}
    return TaggedExample(product.name, values, product.category, product.name.casefold())


def _values(value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list | tuple) else [value]
    return tuple(str(one) for one in given if one is not None and str(one).strip())
