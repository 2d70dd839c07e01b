"""Finding products by text, the same in every script and on every database."""

import unicodedata


def fold(text: str) -> str:
    """Return a text as search compares it: without case, and with one form for each letter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
