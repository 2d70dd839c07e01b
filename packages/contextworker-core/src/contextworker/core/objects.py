"""Bulk data between activities: content-addressed objects behind small references.

An object's name is the SHA-256 of its bytes, so a retried activity writes the same object again
and a reader can tell that it read what was written.
"""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, from_url
from obstore.store import ObjectStore as Backend

from contextworker.core.errors import ConfigurationError, PermanentError, TransientError
from contextworker.core.logs.redaction import redacted
from contextworker.core.messages import ObjectRef
from contextworker.core.metrics.stores import STORED_BYTES, Tenant

_CHUNK = 1024 * 1024
_HALF_WRITTEN = re.compile(r"[0-9a-f]{64}#[0-9]+")  # as a local store calls it
_PARTS_AT_ONCE = 2  # of a large file, each 5 MiB in memory


class ObjectStore:
    """Objects under one URL: `file://`, `s3://`, `gs://` or `az://`.

    Every prefix starts with the tenant, so that one tenant's references never name another's data.
    """

    def __init__(self, backend: Backend, *, folder: Path | None = None) -> None:
        """Take a store; `folder` is where it keeps its objects on a local disk."""
        self._backend = backend
        self._folder = folder

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open a store, making a `file://` folder; credentials come from the environment.

        Raises:
            ConfigurationError: The URL is not understood or its folder cannot be made.
        """
        parts = urlsplit(url)
        if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
            raise ConfigurationError(
                f"object store {redacted(url)!r} cannot be opened: file:// needs an absolute "
                "path, such as file:///var/lib/contextworker"
            )
        try:
            if parts.scheme == "file":
                folder = Path(unquote(parts.path))
                return cls(LocalStore(folder, mkdir=True), folder=folder)
            return cls(from_url(url))
        except (BaseError, OSError, ValueError) as error:
            # Its other lines hold the URL in parts, a password among them.
            reason = redacted(str(error).partition("\n")[0])
            raise ConfigurationError(
                f"object store {redacted(url)!r} cannot be opened: {reason}"
            ) from error

    async def put(self, data: bytes, *, prefix: str) -> ObjectRef:
        """Store bytes. Idempotent: the same bytes give the same reference."""
        digest = hashlib.sha256(data).hexdigest()
        reference = ObjectRef(key=f"{prefix}/{digest}", size=len(data))
        await self._put(reference, data)
        return reference

    async def put_file(self, path: Path, *, prefix: str) -> ObjectRef:
        """Store a local file of any size in bounded memory."""
        digest, size = await asyncio.to_thread(_digest, path)
        reference = ObjectRef(key=f"{prefix}/{digest}", size=size)
        await self._put(reference, path)
        return reference

    async def get(self, reference: ObjectRef) -> bytes:
        """Read a whole object.

        Raises:
            PermanentError: It is gone, or is not what was stored.
        """
        try:
            response = await obstore.get_async(self._backend, reference.key)
            data = bytes(await response.bytes_async())
        except (NotFoundError, FileNotFoundError):
            raise _gone(reference) from None  # whose words hold the store's own path
        except BaseError as error:
            raise TransientError(
                f"object {reference.key} cannot be read: {_words(error)}"
            ) from error
        if hashlib.sha256(data).hexdigest() != reference.sha256:
            raise _corrupt(reference)
        return data

    @asynccontextmanager
    async def local_copy(self, reference: ObjectRef) -> AsyncIterator[Path]:
        """Hold a copy on local disk, for libraries that want a file; removed on leaving.

        Raises:
            PermanentError: The object is gone, or is not what was stored.
        """
        with tempfile.TemporaryDirectory(prefix="contextworker-") as folder:
            path = Path(folder) / "object"
            try:
                await self._download(reference, path)
            except (NotFoundError, FileNotFoundError):
                raise _gone(reference) from None
            except BaseError as error:
                raise TransientError(
                    f"object {reference.key} cannot be read: {_words(error)}"
                ) from error
            digest, _ = await asyncio.to_thread(_digest, path)
            if digest != reference.sha256:
                raise _corrupt(reference)
            yield path

    async def has(self, reference: ObjectRef) -> bool:
        """Tell whether an object is there."""
        try:
            await obstore.head_async(self._backend, reference.key)
        except (NotFoundError, FileNotFoundError):
            return False
        except BaseError as error:
            raise TransientError(
                f"object {reference.key} cannot be looked for: {_words(error)}"
            ) from error
        return True

    async def delete_all(self, prefix: str, *, but: Iterable[str] = ()) -> None:
        """Delete every object under a prefix, except the keys given. What is gone stays gone."""
        kept = frozenset(but)
        try:
            async for objects in obstore.list(self._backend, f"{prefix}/"):
                await self.delete(item["path"] for item in objects if item["path"] not in kept)
        except BaseError as error:
            raise TransientError(
                f"objects under {prefix} cannot be deleted: {_words(error)}"
            ) from error
        if self._folder is not None:
            await asyncio.to_thread(_tidy, self._folder / prefix)

    async def folders(self, prefix: str = "") -> list[str]:
        """Return what stands behind a prefix, up to the next slash; of objects, nothing."""
        try:
            found = await obstore.list_with_delimiter_async(self._backend, prefix or None)
        except BaseError as error:
            raise TransientError(
                f"folders under {prefix!r} cannot be listed: {_words(error)}"
            ) from error
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found["common_prefixes"])

    async def create(self, key: str) -> bool:
        """Make an empty object; False where it is there: of many who try at once, one makes it."""
        try:
            await obstore.put_async(self._backend, key, b"", mode="create")
        except AlreadyExistsError:
            return False
        except BaseError as error:
            raise TransientError(f"object {key} cannot be made: {_words(error)}") from error
        return True

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; one that is not there is no error."""
        for key in keys:
            try:
                await obstore.delete_async(self._backend, key)
            except (NotFoundError, FileNotFoundError):
                continue
            except BaseError as error:
                raise TransientError(f"object {key} cannot be deleted: {_words(error)}") from error

    async def _download(self, reference: ObjectRef, path: Path) -> None:
        response = await obstore.get_async(self._backend, reference.key)
        with path.open("wb") as file:
            async for chunk in response.stream(min_chunk_size=_CHUNK):
                await asyncio.to_thread(file.write, chunk)

    async def _put(self, reference: ObjectRef, content: bytes | Path) -> None:
        try:
            await obstore.put_async(
                self._backend, reference.key, content, max_concurrency=_PARTS_AT_ONCE
            )
        except BaseError as error:
            raise TransientError(
                f"object {reference.key} cannot be stored: {_words(error)}"
            ) from error
        STORED_BYTES.add(reference.size, Tenant(reference.key.partition("/")[0]))


def _tidy(folder: Path) -> None:
    """Delete what writers that were killed left half-written, which no list shows; and the folder.

    The store's own cleaning would also take folders that somebody is about to write into. One that
    still holds something stays.
    """
    for path in folder.rglob("*#*"):
        if _HALF_WRITTEN.fullmatch(path.name):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _digest(path: Path) -> tuple[str, int]:
    """Hash a file; returns the hex SHA-256 and the size in bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _gone(reference: ObjectRef) -> PermanentError:
    return PermanentError(f"object {reference.key} is no longer in the store; start the run again")


def _corrupt(reference: ObjectRef) -> PermanentError:
    return PermanentError(f"object {reference.key} is damaged: its bytes do not match its name")


def _words(error: BaseError) -> str:
    """Return what a store says, without the debugger's view of it that follows."""
    return str(error).partition("\n")[0]
