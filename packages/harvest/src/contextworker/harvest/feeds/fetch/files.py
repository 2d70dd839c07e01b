"""Copy a local feed: the supplier may replace the file while it is being read."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch.limits import FetchLimits
from contextworker.harvest.feeds.fetch.receiving import too_large
from contextworker.harvest.suppliers import Source


def copy_file(source: Source, path: Path, limits: FetchLimits) -> str:
    """Copy the file that a source names; returns its name.

    Raises:
        FeedError: It is no file, is not there, or is too large.
        FeedUnavailableError: The disk is in the way.
    """
    original = Path(url2pathname(urlsplit(source.url).path))
    try:
        if original.exists() and not original.is_file():
            raise FeedError(
                f"the feed file {original} cannot be read: it is a folder or a device; "
                "check the url in the supplier file"
            )
        if original.stat().st_size > limits.max_bytes:
            raise too_large(source.public_url, limits)
        shutil.copyfile(original, path)
    except FileNotFoundError as error:
        raise FeedError(
            f"the feed file {original} does not exist; check the url in the supplier file"
        ) from error
    except PermissionError as error:
        raise FeedError(f"the feed file {original} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise FeedUnavailableError(
            f"the feed file {original} cannot be copied: {error.strerror}"
        ) from error
    except ValueError as error:  # a NUL in the path
        raise FeedError(f"the feed file {str(original)!r} cannot be: {error}") from error
    return original.name
