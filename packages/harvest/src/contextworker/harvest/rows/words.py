"""Words for availability that nobody has explained yet."""

from collections.abc import Iterable

_SHOWN = 5
_KEPT = 100


class Words:
    """Remembers words that mean nothing to `values.availability`."""

    def __init__(self) -> None:
        self._unknown: dict[str, None] = {}

    def note(self, words: Iterable[str]) -> None:
        """Remember words of products, as far as there is room."""
        for word in words:
            if len(self._unknown) < _KEPT:
                self._unknown[word] = None

    def warning(self) -> str | None:
        """Say which words are not known, and what to do."""
        if not self._unknown:
            return None
        words = sorted(self._unknown)
        shown = ", ".join(repr(word[:40]) for word in words[:_SHOWN])
        more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
        return (
            f"availability is left empty where the feed says {shown}{more}: say what it means in "
            f'the [mapping] of the supplier file, such as values = {{ "{words[0][:40]}" = '
            '"in_stock" }'
        )
