"""Find the one file of a ZIP archive that is the feed."""

import errno
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from contextworker.harvest.errors import FeedError, FeedTruncatedError

_MAX_MEMBERS = 10_000
# A directory of that many; no block of data is read in larger pieces.
_MAX_READ = 4 * 1024 * 1024
_SHOWN = 5
_ENCRYPTED = 0x1
# Not bzip2 and LZMA: zipfile unpacks what it has read of those whole, however much that becomes.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_OPEN_DOCUMENT = {"content.xml", "META-INF/manifest.xml"}


class _TooMuchAtOnceError(Exception):
    pass


class _Bounded(io.FileIO):
    """Gives no more than a bounded piece: zipfile reads a directory whole, as large as it says."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            here = self.tell()
            size = self.seek(0, io.SEEK_END) - here
            self.seek(here)
        if size > _MAX_READ:
            raise _TooMuchAtOnceError
        return super().read(size) or b""


@contextmanager
def opened(path: Path, where: str) -> Iterator[zipfile.ZipFile]:
    """Hold a ZIP archive open.

    Raises:
        FeedError: It is damaged, or lists more files than a feed's archive does.
        FeedTruncatedError: Its end is missing.
    """
    with _Bounded(path) as file:
        try:
            archive = zipfile.ZipFile(file)
        except _TooMuchAtOnceError:
            raise _too_many(where) from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            if isinstance(error, OSError) and not leads_nowhere(error):
                raise
            raise FeedTruncatedError(
                f"the feed {where} is a ZIP archive or a workbook that is cut off or damaged: it "
                "has no table of contents at its end; ask the supplier for a new export"
            ) from error
        with archive:
            if len(archive.filelist) > _MAX_MEMBERS:
                raise _too_many(where)
            yield archive


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Tell whether an archive is an Excel or OpenDocument file."""
    names = archive.NameToInfo
    return "[Content_Types].xml" in names or names.keys() >= _OPEN_DOCUMENT


def find_member(archive: zipfile.ZipFile, pattern: str | None, where: str) -> zipfile.ZipInfo:
    """Return the file that a pattern names, or the only one.

    Raises:
        FeedError: There is none or more than one, or it is locked.
    """
    named = [info for info in archive.filelist if info.filename]
    files = [info for info in named if not info.is_dir() and not _is_junk(info.filename)]
    found = [info for info in files if pattern is None or _matches(info.filename, pattern)]
    if not files:
        raise FeedError(f"the archive {where} holds no file; ask the supplier for a new export")
    if not found:
        raise FeedError(
            f"the archive {where} holds no file {pattern}, but {_listed(files)}; "
            "correct member in the supplier file"
        )
    if len(found) > 1:
        raise FeedError(
            f"the archive {where} holds {len(found):,} files"
            f"{f' like {pattern}' if pattern else ''}: {_listed(found)}; name the feed's in the "
            'supplier file, such as member = "*.csv"'
        )
    info = found[0]
    if info.flag_bits & _ENCRYPTED:
        raise FeedError(
            f"the archive {where} is locked with a password; ask the supplier for one without"
        )
    if info.compress_type not in _METHODS:
        raise FeedError(
            f"the archive {where} is packed in an unusual way (method {info.compress_type}); ask "
            "the supplier for a plain ZIP, or gzip"
        )
    return info


def leads_nowhere(error: OSError) -> bool:
    """Tell whether a file has no such place as an archive speaks of, such as before its start."""
    return error.errno == errno.EINVAL


def shown(name: str) -> str:
    """Return a file's name as a message may show it."""
    plain = "".join(character if character.isprintable() else "?" for character in name)
    return plain if len(plain) <= 100 else f"{plain[:99]}…"  # noqa: PLR2004 - enough to know it by


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(
        name if "/" in pattern else PurePosixPath(name).name, pattern
    )


def _is_junk(name: str) -> bool:
    """Tell what systems add to the archives they make."""
    base = PurePosixPath(name).name
    return name.startswith("__MACOSX/") or base.startswith(".") or base.lower() == "thumbs.db"


def _listed(files: list[zipfile.ZipInfo]) -> str:
    names = ", ".join(shown(info.filename) for info in files[:_SHOWN])
    return names if len(files) <= _SHOWN else f"{names} and {len(files) - _SHOWN:,} more"


def _too_many(where: str) -> FeedError:
    return FeedError(
        f"the archive {where} lists more than {_MAX_MEMBERS:,} files, which no feed needs; "
        "ask the supplier for the feed alone"
    )
