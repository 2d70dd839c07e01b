"""Keys as the command line makes them, read as a process reads them."""

import base64
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contextworker.core.encryption import KeyRing, read_key_ring
from contextworker.core.settings import RuntimeSettings

Call = Callable[..., Any]


def ring_of(file: Path) -> KeyRing:
    """Read a file of keys."""
    ring = read_key_ring(RuntimeSettings(encryption_keys_file=file))
    assert ring is not None
    return ring


def id_for(ring: KeyRing, tenant_id: str | None = None) -> str | None:
    """Return the id of the key that encrypts."""
    current = ring.current_for(tenant_id)
    return None if current is None else current[0]


def test_a_key_is_printed_as_the_setting_takes_it(call: Call) -> None:
    """What is on stdout is the key and nothing else; no two are alike."""
    one, other = (call("keys", "new", "a").out.strip() for _ in range(2))

    ring = read_key_ring(RuntimeSettings.model_validate({"encryption_keys": one}))
    assert ring is not None
    assert "a" == id_for(ring)
    assert 32 == len(base64.b64decode(one.partition(":")[2]))
    assert one != other


def test_a_file_is_made_for_its_owner_alone(call: Call, tmp_path: Path) -> None:
    """Its first key encrypts, and is not printed."""
    file = tmp_path / "keys.toml"

    done = call("keys", "new", "2026-11", "--file", str(file))

    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert "2026-11" == id_for(ring_of(file))
    assert "" == done.out
    assert file.read_text().partition('"2026-11" = "')[2].strip()[:-1] not in done.err


def test_a_further_key_leaves_the_file_as_it_was_written(call: Call, tmp_path: Path) -> None:
    """Comments, the current key, tenants' own and the rights to the file stay."""
    file = tmp_path / "keys.toml"
    call("keys", "new", "old", "--file", str(file))
    file.write_text(f'# ours\n{file.read_text()}[tenants] # few\nacme = "old"\n')
    file.chmod(0o640)

    done = call("keys", "new", "next", "--file", str(file))

    ring = ring_of(file)
    assert (frozenset({"old", "next"}), "old", "old") == (
        ring.ids,
        id_for(ring),
        id_for(ring, "acme"),
    )
    assert file.read_text().startswith("# ours\n")
    assert 0o640 == stat.S_IMODE(file.stat().st_mode)
    assert 'then set current = "next" there' in done.err


def test_a_file_that_cannot_be_written_is_told(call: Call, tmp_path: Path) -> None:
    """In a sentence with its name; and nothing is left beside it."""
    file = tmp_path / f"{'k' * 300}.toml"

    done = call("keys", "new", "a", "--file", str(file))

    assert 1 == done.code
    assert ".toml cannot be written: File name too long." in "".join(done.err.split("\n"))
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[keys]\na = "{key}"\n', "has a key a already: what is encrypted with that one would"),
        ('keys = {{ b = "{key}" }}\n', "has its keys in another way than under [keys]"),
        ("[keys", "it is no TOML"),
    ],
    ids=["twice", "inline", "broken"],
)
def test_a_file_is_not_changed_where_something_could_be_lost(
    call: Call, tmp_path: Path, text: str, told: str
) -> None:
    """It stays byte by byte."""
    file = tmp_path / "keys.toml"
    file.write_text(text.format(key=base64.b64encode(bytes(32)).decode()))
    before = file.read_bytes()

    done = call("keys", "new", "a", "--file", str(file))

    assert 1 == done.code
    assert told in " ".join(done.err.split())
    assert before == file.read_bytes()
