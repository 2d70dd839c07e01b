"""Tell by its first bytes how a file is packed: names and content types are often wrong."""

from enum import StrEnum
from pathlib import Path

_HEAD = 512
_BZIP2_BLOCKS = (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90")
_OTHERS = {
    b"\xfd7zXZ\0": "an xz file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x04\x22\x4d\x18": "an lz4 file",
}


class Packing(StrEnum):
    """What a feed is unpacked from."""

    GZIP = "gzip"
    BZIP2 = "bzip2"
    ZSTD = "zstd"
    ZIP = "ZIP"


def packing(path: Path) -> Packing | None:
    """Return how a file is packed. Workbooks, which read themselves, are ZIP too."""
    head = _head(path)
    if head.startswith(b"\x1f\x8b\x08"):
        return Packing.GZIP
    if head.startswith(b"BZh") and head[4:10] in _BZIP2_BLOCKS:
        return Packing.BZIP2
    # A frame, or one that is to be skipped.
    if head.startswith(b"\x28\xb5\x2f\xfd") or (
        head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50  # noqa: PLR2004 - zstd's numbers
    ):
        return Packing.ZSTD
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Packing.ZIP
    return None


def other_packing(path: Path) -> str | None:
    """Return in words what a file is packed as that nobody here unpacks."""
    head = _head(path)
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((words for magic, words in _OTHERS.items() if head.startswith(magic)), None)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)
