"""A file of keys: what can be wrong with it, and what happens when it changes."""

import base64
import logging
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext

from contextworker.core.encryption import Encryption, KeyRing, key_file, read_key_ring
from contextworker.core.errors import ConfigurationError, UnreadableError
from contextworker.core.settings import RuntimeSettings

OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in range(2))
BOTH = f'[keys]\nold = "{OLD}"\nnew = "{NEW}"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "keys.toml"


def write(path: Path, text: str) -> None:
    """Write the file, for nobody else to read."""
    path.write_text(text)
    path.chmod(0o600)


def read(path: Path) -> KeyRing:
    """Read it as a process does."""
    ring = read_key_ring(RuntimeSettings(encryption_keys_file=path))
    assert ring is not None
    return ring


def id_for(ring: KeyRing, tenant_id: str | None = None) -> str | None:
    """Return the id of the key that encrypts."""
    current = ring.current_for(tenant_id)
    return None if current is None else current[0]


def test_a_file_names_the_current_key_and_tenants_own(path: Path) -> None:
    """All that it holds decrypts."""
    write(path, f'current = "old"\n{BOTH}[tenants]\nacme = "new"\n')

    ring = read(path)

    assert ["old", "new"] == [id_for(ring), id_for(ring, "acme")]
    assert frozenset({"old", "new"}) == ring.ids


async def test_without_a_current_key_nothing_is_encrypted_yet(path: Path) -> None:
    """Every process can be given a key before the first one writes with it."""
    write(path, f'{BOTH}[tenants]\nacme = "new"\n')

    ring = read(path)

    assert [None, None] == [id_for(ring), id_for(ring, "acme")]
    assert [Payload(data=b"a")] == await Encryption(ring).encode([Payload(data=b"a")])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"current = {OLD}", "it is no TOML"),
        ('current = "old"', "it is not as it should be: keys: field required"),
        (f'{BOTH}[tenant]\nacme = "new"\n', "tenant: extra inputs are not permitted"),
        ("[keys]\nold = 7", "keys: input should be a valid string"),
        ("[keys]", "it holds no key"),
        ('[keys]\nold = "camping trade"', "the key 'old' is not base64 of 32 bytes"),
        ('[keys]\nold = "YWJj"', "the key 'old' has 3 bytes; AES-256 takes 32"),
        (f'[keys]\n"{OLD}" = "old"', "a key's id is not 1 to 64 letters"),
        (f'current = "2026"\n{BOTH}', "the current key '2026' is not among the keys (old, new)"),
        (f'current = "{OLD}"\n{BOTH}', "the current key is not among the keys (old, new)"),
        (
            f'{BOTH}[tenants]\nacme = "acme-1"\n',
            "the key 'acme-1' of tenant 'acme' is not among the keys (old, new)",
        ),
    ],
    ids=[
        "no toml",
        "no keys",
        "unknown table",
        "number",
        "empty",
        "no base64",
        "short",
        "swapped",
        "unknown current",
        "key as current",
        "unknown of tenant",
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(path: Path, text: str, problem: str) -> None:
    """It names the setting, the file and the problem, and shows no key."""
    write(path, text)

    with pytest.raises(ConfigurationError) as caught:
        read(path)

    told = str(caught.value)
    assert told.startswith(f"CONTEXTWORKER_ENCRYPTION_KEYS_FILE: the file of keys {path}: ")
    assert problem in told
    assert OLD not in told


def test_no_file_is_told_by_its_name(path: Path) -> None:
    """And so is a folder."""
    with pytest.raises(ConfigurationError, match=r"keys\.toml: there is no such file"):
        read(path)
    with pytest.raises(ConfigurationError, match=r"it cannot be read: Is a directory"):
        read(path.parent)


def test_who_else_can_read_the_file_is_warned_of(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Every user of the machine has the keys, then."""
    write(path, BOTH)
    path.chmod(0o644)

    read(path)

    assert [f"the file of keys {path} can be read by every user of this machine: chmod o-r it"] == [
        record.message for record in caplog.records
    ]


async def test_a_key_is_rotated_without_a_restart(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First every process has the new key, then it becomes current."""
    monkeypatch.setattr(key_file, "_LOOK_EVERY_S", 0)
    write(path, f'current = "old"\n[keys]\nold = "{OLD}"\n')
    codec = Encryption(read(path)).with_context(
        WorkflowSerializationContext(namespace="default", workflow_id="harvest-acme-x")
    )
    [before] = await codec.encode([Payload(data=b"a")])

    write(path, f'current = "new"\n{BOTH}')
    [after] = await codec.encode([Payload(data=b"a")])

    assert [b"old", b"new"] == [
        payload.metadata["encryption-key-id"] for payload in (before, after)
    ]
    assert 2 * [Payload(data=b"a")] == await codec.decode([before, after])


async def test_a_key_that_comes_late_is_found(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be read is readable as soon as the file has the key."""
    monkeypatch.setattr(key_file, "_LOOK_EVERY_S", 0)
    write(path, f'current = "new"\n{BOTH}')
    sealed = await Encryption(read(path)).encode([Payload(data=b"a")])
    write(path, f'current = "old"\n[keys]\nold = "{OLD}"\n')
    codec = Encryption(read(path))
    with pytest.raises(UnreadableError, match="the key 'new'"):
        await codec.decode(sealed)

    write(path, f'current = "old"\n{BOTH}')

    assert [Payload(data=b"a")] == await codec.decode(sealed)


@pytest.mark.parametrize("text", ["current = ", None], ids=["broken", "away"])
def test_a_file_that_breaks_leaves_the_keys_as_they_were(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    text: str | None,
) -> None:
    """A slip of an editor stops nobody; the log says it once, and the repaired file is read."""
    monkeypatch.setattr(key_file, "_LOOK_EVERY_S", 0)
    write(path, f'current = "old"\n{BOTH}')
    ring = read(path)

    if text is None:
        path.unlink()
    else:
        write(path, text)
    assert ["old", "old"] == [id_for(ring), id_for(ring)]
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    write(path, f'current = "new"\n{BOTH}')

    assert "new" == id_for(ring)
    assert 1 == len(told)
    assert told[0].message.endswith("; the keys read before stay in use")
