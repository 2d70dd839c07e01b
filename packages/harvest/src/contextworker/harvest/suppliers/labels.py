"""What a supplier's sources are called where people see them, and what its file says in short."""

import hashlib
import json
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from contextworker.harvest.suppliers.source import Source
from contextworker.harvest.suppliers.supplier import Supplier


def source_label(supplier: Supplier, number: int) -> str:
    """Name a source among the supplier's: rejects are told apart by it."""
    label = supplier.sources[number].public_url
    alike = sum(source.public_url == label for source in supplier.sources)
    # Two sheets of a workbook, or addresses that differ in the part that is not shown.
    return label if alike == 1 else f"{label} (source {number + 1})"


def source_labels(supplier: Supplier) -> list[str]:
    """Name every source."""
    return [source_label(supplier, number) for number in range(len(supplier.sources))]


def file_name(source: Source) -> str:
    """Return the last part of a source's address."""
    return PurePosixPath(urlsplit(source.url).path).name


def config_digest(supplier: Supplier) -> str:
    """Name what a supplier's file says, and the code that reads it.

    The same feed under another digest may become other products.
    """
    said = supplier.model_dump(exclude={"retry", "max_removed_fraction"})
    text = json.dumps([said, version("contextworker-harvest")], sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset | set) else str(value)
