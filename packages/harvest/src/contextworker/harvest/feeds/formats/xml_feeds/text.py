"""What an XML element says, as text."""

import copy
import html
from functools import lru_cache
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # it ships no types

Element = Any
"""An lxml element."""


class UnknownEntityError(ValueError):
    """An entity that neither XML nor HTML knows, such as `&shopname;`."""


@lru_cache(10_000)
def local_name(tag: str) -> str:
    """Return a tag without its namespace or prefix."""
    return tag.rpartition("}")[2].rpartition(":")[2]


def text_of(element: Element) -> str | None:
    """Return an element's text; markup inside it, such as HTML, is kept as it stands.

    Raises:
        UnknownEntityError: The text refers to an entity that is not declared.
    """
    if not len(element):
        text: str | None = element.text
        return text
    parts = [element.text or ""]
    is_markup = any(isinstance(child.tag, str) for child in element)
    if is_markup:
        parts = [html.escape(parts[0], quote=False)]
    for child in element:
        if isinstance(child.tag, str):
            parts.append(_markup(child))
        elif child.tag is etree.Entity:
            parts += [_entity(child), child.tail or ""]
    return "".join(parts)


def _entity(node: Element) -> str:
    reference: str = node.text
    if (known := html.unescape(reference)) == reference:
        raise UnknownEntityError(reference)
    return known


def _markup(element: Element) -> str:
    bare = copy.deepcopy(element)
    etree.cleanup_namespaces(bare)  # else each says the namespaces of the whole feed
    return str(etree.tostring(bare, encoding="unicode"))
