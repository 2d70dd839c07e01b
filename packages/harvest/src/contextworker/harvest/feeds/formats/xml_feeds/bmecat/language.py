"""Texts that BMEcat gives in several languages."""

from collections.abc import Sequence

from contextworker.harvest.feeds.formats.xml_feeds.text import Element, local_name, text_of

Texts = Sequence[tuple[str | None, str]]
"""Language, where one is said, and text."""


def fields_of(element: Element) -> dict[str, list[tuple[str | None, str]]]:
    """Return the texts of an element's children by name."""
    fields: dict[str, list[tuple[str | None, str]]] = {}
    for child in element:
        text = text_of(child) if len(child) else child.text
        if text and isinstance(tag := child.tag, str):
            field = child.get("lang"), text
            name = local_name(tag)
            if name in fields:
                fields[name].append(field)
            else:
                fields[name] = [field]
    return fields


def best_texts(texts: Texts | None, language: str | None) -> list[str]:
    """Return the texts in the catalogue's language, or without one; else those in the first."""
    if not texts:
        return []
    if len(texts) == 1:
        return [texts[0][1]]
    own = [text for lang, text in texts if lang is None or lang.lower() == language]
    return own or [text for lang, text in texts if lang == texts[0][0]]


def best_text(texts: Texts | None, language: str | None) -> str | None:
    """Return the first of the best texts."""
    return best_texts(texts, language)[0] if texts else None
