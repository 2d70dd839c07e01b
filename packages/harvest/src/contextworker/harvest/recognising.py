"""How a fetched feed is written."""

from pathlib import Path

from contextworker.harvest.feeds.detect import Detected, detect
from contextworker.harvest.suppliers import Source


def recognise(path: Path, source: Source, *, name: str, content_type: str) -> Detected:
    """Tell how a feed is written."""
    return detect(path, name=name, content_type=content_type, source=source)
