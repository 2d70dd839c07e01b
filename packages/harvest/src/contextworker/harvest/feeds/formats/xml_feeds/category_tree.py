"""A feed's tree of categories: paths of names, found by id."""

from functools import lru_cache

from contextworker.harvest.errors import FeedError

_SEPARATOR = " > "
_MOST = 200_000
_MOST_CHARACTERS = 32_000_000
_DEEPEST = 50


class CategoryTree:
    """Categories by id, in whatever order they come."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._nodes: dict[str, tuple[str, str | None]] = {}
        self._characters = 0
        self.path = lru_cache(10_000)(self._path)
        """Path of names by id, such as `Tents > Family tents`; None where the id is unknown."""

    def __len__(self) -> int:
        return len(self._nodes)

    def add(self, number: str, name: str, parent: str | None) -> None:
        """Take a category; the first of an id counts. One without a name is left out of paths.

        Raises:
            FeedError: There are more than a shop can have.
        """
        if number in self._nodes:
            return
        name = " ".join(name.split())
        self._nodes[number] = name, parent
        self._characters += len(number) + len(name) + len(parent or "")
        if len(self._nodes) > _MOST or self._characters > _MOST_CHARACTERS:
            raise FeedError(
                f"the feed {self._source} has more than {_MOST:,} categories, or as much text in "
                "fewer; ask the supplier for an export with fewer"
            )
        self.path.cache_clear()

    def _path(self, number: str) -> str | None:
        """Go up from a category; a parent that is unknown, or its own descendant, ends it."""
        names: list[str] = []
        seen: set[str] = set()
        at: str | None = number
        while at is not None and at not in seen and len(seen) < _DEEPEST:
            seen.add(at)
            name, at = self._nodes.get(at, ("", None))
            if name:
                names.append(name)
        return _SEPARATOR.join(reversed(names)) or None
