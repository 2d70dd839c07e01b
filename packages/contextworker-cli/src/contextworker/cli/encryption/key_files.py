"""Adds keys to a file of keys, and leaves the rest of it as it was written."""

import os
import re
import tempfile
from pathlib import Path

from contextworker.cli.errors import KeyFileError
from contextworker.cli.output.hints import command
from contextworker.core.encryption import Keys
from contextworker.core.encryption.key_file import KeyFile
from contextworker.core.errors import ConfigurationError

_TABLE = re.compile(r"^\[keys\][ \t]*(#.*)?$", re.MULTILINE)
_PRIVATE = 0o600


def add_key(file: Path, key_id: str, key: str) -> None:
    """Add a key to a file, or make one with it, for its owner's eyes only.

    Raises:
        KeyFileError: The file has a key of that id, is not one of keys, or cannot be written.
    """
    try:
        _add(file, key_id, key)
    except OSError as error:
        raise KeyFileError(f"{file} cannot be written: {error.strerror}.") from None


def _add(file: Path, key_id: str, key: str) -> None:
    line = f'"{key_id}" = "{key}"'
    if not file.exists():
        if not file.parent.is_dir():
            raise KeyFileError(f"{file} cannot be made: there is no folder {file.parent}.")
        _write(file, f'current = "{key_id}"\n\n[keys]\n{line}\n', _PRIVATE)
        return
    if key_id in _read(file).by_id:
        raise KeyFileError(
            f"{file} has a key {key_id} already: what is encrypted with that one would be lost.",
            [f"Name the new one otherwise:  {command('keys new ID --file …')}"],
        )
    text = file.read_text(encoding="utf-8")
    if not _TABLE.search(text):
        raise KeyFileError(f"{file} has its keys in another way than under [keys]; add it by hand.")
    mode = file.stat().st_mode & 0o777
    _write(file, _TABLE.sub(lambda found: f"{found[0]}\n{line}", text, count=1), mode)


def is_current(file: Path, key_id: str) -> bool:
    """Tell whether a file's key is the one that encrypts."""
    return _read(file).current == key_id


def _read(file: Path) -> Keys:
    try:
        return KeyFile(file).read()
    except ConfigurationError as error:
        raise KeyFileError(f"{error}.") from None


def _write(file: Path, text: str, mode: int) -> None:
    """Replace a file at once: who reads it meanwhile sees the one or the other."""
    target = file.resolve()
    number, name = tempfile.mkstemp(dir=target.parent, prefix=".keys-")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as written:
            written.write(text)
        Path(name).chmod(mode)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
