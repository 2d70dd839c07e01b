"""What fetching a source gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OnBytes = Callable[[int, int | None], None]
"""Called with the bytes had so far and how many there will be, where known."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source on local disk, unpacked."""

    path: Path
    name: str
    """The file's own name, of a packed one the name inside: its ending may tell the format."""
    content_type: str = ""
    """As the server says it; empty where it speaks of the packing, or nobody said."""
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server says that the source is what it was when it was last fetched."""
