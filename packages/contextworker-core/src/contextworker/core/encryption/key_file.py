"""A TOML file of keys, read again when it changes.

A rotation thus needs no restart. While the file is broken or away, the keys read last are used.
"""

import logging
import os
import stat
import time
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from contextworker.core.encryption.keys import Keys, decoded
from contextworker.core.errors import ConfigurationError

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 2.0


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    current: str | None = None
    keys: dict[str, str]
    tenants: dict[str, str] = {}


class KeyFile:
    """One file of keys."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._looked_at = time.monotonic()

    def read(self) -> Keys:
        """Read the file.

        Raises:
            ConfigurationError: It cannot be read, or something in it is wrong.
        """
        try:
            status = self._path.stat()
            self._stamp = self._stamp_of(status)
            content = tomllib.loads(self._path.read_text())
        except FileNotFoundError:
            raise self._wrong("there is no such file") from None
        except OSError as error:
            raise self._wrong(f"it cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            # Without the parser's words, which may show a part of a key.
            raise self._wrong("it is no TOML") from None
        try:
            keys = _keys(content)
        except ConfigurationError as error:
            raise self._wrong(str(error)) from None
        if os.name == "posix" and status.st_mode & stat.S_IROTH:
            _log.warning(
                "the file of keys %s can be read by every user of this machine: chmod o-r it",
                self._path,
            )
        return keys

    def latest(self) -> Keys | None:
        """Return the keys anew where the file changed; looks every few seconds."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY_S:
            return None
        self._looked_at = now
        try:
            stamp = self._stamp_of(self._path.stat())
        except OSError:
            stamp = ()  # read() says what is the matter, the first time
        if stamp == self._stamp:
            return None
        try:
            keys = self.read()
        except ConfigurationError as error:
            self._stamp = stamp
            _log.error("%s; the keys read before stay in use", error)
            return None
        _log.info(
            "%s was read again: keys %s, current %s",
            self._path,
            ", ".join(keys.by_id),
            keys.current or "none",
        )
        return keys

    @staticmethod
    def _stamp_of(status: os.stat_result) -> tuple[int, ...]:
        return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev

    def _wrong(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"the file of keys {self._path}: {what}")


def _keys(content: dict[str, object]) -> Keys:
    try:
        read = _Content.model_validate(content)
    except ValidationError as error:
        told = "; ".join(
            f"{item['loc'][0]}: {item['msg'].lower()}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(
            f'it is not as it should be: {told} (it takes `current = "id"`, a table `[keys]` of '
            "ids and keys in base64, and, if tenants have their own, `[tenants]`)"
        ) from None
    keys = {key_id: decoded(key_id, text) for key_id, text in read.keys.items()}
    if not keys:
        raise ConfigurationError("it holds no key")
    return Keys(keys, current=read.current, tenants=read.tenants)
