"""What the codec writes, whose key it takes, and what it says where a key is missing."""

import base64
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    SerializationContext,
    WorkflowSerializationContext,
)
from temporalio.exceptions import ApplicationError

from contextcore import ContextUnit
from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.encryption import Encryption, KeyRing, Keys, read_key_ring
from contextworker.core.errors import ConfigurationError, UnreadableError
from contextworker.core.payloads import data_converter
from contextworker.core.settings import RuntimeSettings
from contextworker.core.testing.metrics import exported_metrics

SECRET = {name: bytes([number]) * 32 for number, name in enumerate(("old", "new", "acme-1"))}
UNIT = ContextUnit(payload={"supplier_code": "camping-trade"})
WRITTEN = {name: base64.b64encode(key).decode() for name, key in SECRET.items()}


def ring(*key_ids: str, tenants: dict[str, str] | None = None) -> KeyRing:
    """Return a ring of these keys; the first encrypts."""
    keys = {key_id: SECRET[key_id] for key_id in key_ids}
    return KeyRing(Keys(keys, current=key_ids[0], tenants=tenants or {}))


def settings(**values: object) -> RuntimeSettings:
    """Return settings with these values."""
    return RuntimeSettings.model_validate(values)


def of_activity(workflow_id: str) -> ActivitySerializationContext:
    """Return the context of a run's activity."""
    return ActivitySerializationContext(
        namespace="default",
        activity_id="1",
        activity_type="fetch",
        activity_task_queue="harvest-tasks",
        workflow_id=workflow_id,
        workflow_type="harvest",
        is_local=False,
    )


def of_run(workflow_id: str) -> WorkflowSerializationContext:
    """Return the context of a run."""
    return WorkflowSerializationContext(namespace="default", workflow_id=workflow_id)


@examples(max_examples=40)
@given(data=st.binary(max_size=600), metadata=st.dictionaries(st.text("ab"), st.binary(max_size=9)))
async def test_what_was_encrypted_comes_back(data: bytes, metadata: dict[str, bytes]) -> None:
    """Data and metadata, whatever they are; nothing of them can be seen in between."""
    payload = Payload(metadata=metadata, data=data)
    codec = Encryption(ring("old"))

    [sealed] = await codec.encode([payload])

    assert [payload] == await codec.decode([sealed])
    assert len(data) < 16 or data not in sealed.data


async def test_a_payload_says_how_it_is_encrypted_and_no_two_are_alike() -> None:
    """By the encoding of Temporal's samples, the key's id and the cipher."""
    codec = Encryption(ring("old"))

    one, other = await codec.encode([Payload(data=b"a"), Payload(data=b"a")])

    assert {
        "encoding": b"binary/encrypted",
        "encryption-key-id": b"old",
        "encryption-cipher": b"HKDF-SHA256+AES-256-GCM",
    } == dict(one.metadata)
    assert one.data != other.data


async def test_large_payloads_are_encrypted_beside_the_event_loop() -> None:
    """They come back as well."""
    payload = Payload(data=secrets.token_bytes(700_000))
    codec = Encryption(ring("old"))

    assert [payload] == await codec.decode(await codec.encode([payload]))


async def test_after_a_rotation_old_payloads_stay_readable() -> None:
    """The current key encrypts; any key of the ring decrypts."""
    before = await Encryption(ring("old")).encode([Payload(data=b"a")])
    rotated = Encryption(ring("new", "old"))

    [after] = await rotated.encode([Payload(data=b"a")])

    assert [Payload(data=b"a")] == await rotated.decode(before)
    assert b"new" == after.metadata["encryption-key-id"]


async def test_what_was_never_encrypted_stays_readable() -> None:
    """A system in use can begin to encrypt."""
    plain = await DATA_CONVERTER.encode([UNIT])

    assert plain == await Encryption(ring("old")).decode(plain)


@pytest.mark.parametrize(
    ("context", "key_id"),
    [
        (of_run("harvest-acme-camping%2Dtrade"), b"acme-1"),
        (of_activity("harvest-acme-camping%2Dtrade"), b"acme-1"),
        (of_run("gardener-acme"), b"acme-1"),
        (of_run("harvest-ac%2Dme-x"), b"old"),
        (of_run("harvest-other-acme"), b"old"),
        (of_run("acme"), b"old"),
    ],
    ids=["run", "activity", "tenant only", "another", "acme's name", "no tenant"],
)
async def test_a_tenants_runs_are_encrypted_with_its_own_key(
    context: SerializationContext, key_id: bytes
) -> None:
    """The workflow id says whose a run is; all others take the general key."""
    codec = Encryption(ring("old", "acme-1", tenants={"acme": "acme-1"})).with_context(context)

    [sealed] = await codec.encode([Payload(data=b"a")])

    assert key_id == sealed.metadata["encryption-key-id"]


async def test_a_missing_key_is_named_with_the_setting() -> None:
    """A person can act on it, and knows that nothing is lost."""
    sealed = await Encryption(ring("old")).encode([Payload(data=b"a")])
    lacking = read_key_ring(settings(encryption_keys=f"new:{WRITTEN['new']}"))
    assert lacking is not None

    with pytest.raises(UnreadableError) as caught:
        await Encryption(lacking).decode(sealed)

    assert (
        "a payload is encrypted with the key 'old', which this process does not have: add it to "
        "CONTEXTWORKER_ENCRYPTION_KEYS; nothing is lost, it is tried again"
    ) == str(caught.value)


async def test_without_keys_an_encrypted_payload_is_told_apart_from_a_broken_one() -> None:
    """Where nothing decrypts, the converter says which key it takes, and operators are told."""
    sealed = await Encryption(ring("old")).encode([Payload(data=b"a")])

    with exported_metrics() as exported:
        with pytest.raises(UnreadableError, match=r"the key 'old', and this process has no keys"):
            await DATA_CONVERTER.decode(sealed)
        assert 1 == exported.total("contextworker_decryption_failures_total")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("encryption-key-id", b"new"),
        ("encryption-tenant", b"other"),
        ("encryption-cipher", b"ROT13"),
        ("data", b""),
        ("data", b"x" * 100),
    ],
    ids=["key", "tenant", "cipher", "empty", "garbage"],
)
async def test_a_changed_payload_is_refused(field: str, value: bytes) -> None:
    """Key, tenant and cipher are covered by the tag as well as the data."""
    codec = Encryption(ring("old", "new")).with_context(of_run("harvest-acme-x"))
    [sealed] = await codec.encode([Payload(data=b"a")])
    if field == "data":
        sealed.data = value
    else:
        sealed.metadata[field] = value

    with pytest.raises(UnreadableError):
        await codec.decode([sealed])


def converter() -> DataConverter:
    """Return an encrypting converter."""
    return data_converter(settings(encryption_keys=f"old:{WRITTEN['old']}"))


async def test_messages_and_stack_traces_of_failures_are_encrypted() -> None:
    """Of causes, too; whoever has the key reads them."""
    failure = Failure()
    error = ApplicationError("no feed at camping-trade", {"sku": "camping-1"})
    error.__cause__ = ValueError("row 7 of camping-trade")

    await converter().encode_failure(error, failure)

    assert b"camping" not in failure.SerializeToString()
    assert ("", "") == (failure.stack_trace, failure.cause.stack_trace)
    read = await converter().decode_failure(failure)
    assert "no feed at camping-trade" == str(read)
    assert "ValueError: row 7 of camping-trade" == str(read.__cause__)


@pytest.mark.parametrize("encrypting", [True, False], ids=["encrypting", "plain"])
async def test_what_cannot_be_read_never_fails_a_run_for_good(encrypting: bool) -> None:  # noqa: FBT001 - a parameter
    """The SDK would, over an activity's last heartbeat; the reason stays readable."""
    failure = Failure()
    error = ApplicationError("Failed decoding heartbeat details", non_retryable=True)
    error.__cause__ = UnreadableError("key 'a'")

    await (converter() if encrypting else DATA_CONVERTER).encode_failure(error, failure)

    assert "key 'a'" == failure.message
    assert not failure.application_failure_info.non_retryable


def test_without_a_setting_nothing_is_added() -> None:
    """Whoever does not encrypt pays nothing."""
    assert DATA_CONVERTER is data_converter(settings())
    assert DATA_CONVERTER is data_converter(settings(encryption_keys=" ", encryption_keys_file=""))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (WRITTEN["old"], "entry 1 has no ':' between the key's id and the key in base64"),
        (f"{WRITTEN['old']}:a", "a key's id is not 1 to 64 letters"),
        ("a:camping", "the key 'a' is not base64 of 32 bytes"),
        (f"a:{base64.b64encode(bytes(16)).decode()}", "the key 'a' has 16 bytes"),
        (f"a:{WRITTEN['old']},a:{WRITTEN['new']}", "there are two keys with the id 'a'"),
        (f"a:{WRITTEN['old']},", "entry 2 has no ':'"),
    ],
    ids=["no id", "swapped", "no base64", "short", "twice", "trailing comma"],
)
def test_wrong_keys_are_refused_and_not_shown(text: str, problem: str) -> None:
    """In a sentence with the variable's name."""
    with pytest.raises(ConfigurationError) as caught:
        read_key_ring(settings(encryption_keys=text))

    assert str(caught.value).startswith(f"CONTEXTWORKER_ENCRYPTION_KEYS: {problem}")
    assert WRITTEN["old"][:20] not in str(caught.value)


def test_keys_from_two_places_are_refused(tmp_path: Path) -> None:
    """Nobody could tell which would count."""
    with pytest.raises(ConfigurationError, match=r"are both set: give the keys in one of them"):
        RuntimeSettings(encryption_keys="a:b", encryption_keys_file=tmp_path)


def test_no_repr_shows_a_key() -> None:
    """Neither that of settings, nor of a ring, nor of what holds one."""
    given = settings(encryption_keys=f"old:{WRITTEN['old']}")
    held = read_key_ring(given)

    shown = f"{given!r} {given} {given.model_dump()} {held!r} {data_converter(given)!r}"

    assert "KeyRing(['old'], current='old')" in shown
    assert WRITTEN["old"] not in shown
    assert repr(SECRET["old"]) not in shown
