"""Payloads too large for Temporal, in a real folder: where they lie, and when none can be read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from echo import EchoWorkflow
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import (
    DataConverter,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    WorkflowSerializationContext,
)
from temporalio.worker import Replayer

from contextcore import ContextUnit
from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.errors import ConfigurationError, UnreadableError
from contextworker.core.external_storage import PayloadObjects
from contextworker.core.objects import ObjectStore
from contextworker.core.payloads import data_converter
from contextworker.core.plugin import ContextPlugin
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import RuntimeSettings
from contextworker.core.testing import TemporalServer, running

SECRET = "nobody-reads-this"
LARGE = ContextUnit(payload={"text": SECRET + "x" * 3_000_000})
KEYS = "a:" + "A" * 43 + "="


def converter(folder: Path, **values: object) -> DataConverter:
    """Return a converter whose store is in a folder."""
    given = {"external_payloads": True, "store_url": folder.as_uri()} | values
    return data_converter(RuntimeSettings.model_validate(given))


def of_run(workflow_id: str) -> WorkflowSerializationContext:
    """Return the context of a run."""
    return WorkflowSerializationContext(namespace="default", workflow_id=workflow_id)


def objects(folder: Path) -> list[Path]:
    """Return the files in a store."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


async def test_a_large_payload_lies_under_its_tenant_and_day(tmp_path: Path) -> None:
    """Temporal has a reference; the object is named by what it holds."""
    of_acme = converter(tmp_path).with_context(of_run("harvest-acme-x"))

    before = datetime.now(UTC).date()
    [reference] = await of_acme.encode([LARGE])
    after = datetime.now(UTC).date()  # another one at midnight

    [stored] = objects(tmp_path)
    assert str(stored.parent.relative_to(tmp_path)) in {
        f"acme/payloads/{day.isoformat()}" for day in (before, after)
    }
    assert stored.name.encode() in reference.data
    assert 1000 > reference.ByteSize()
    assert [LARGE] == await of_acme.decode([reference], [ContextUnit])


async def test_a_small_payload_stays_in_temporal(tmp_path: Path) -> None:
    """Where it is read at no cost."""
    await converter(tmp_path).encode([ContextUnit(payload={"text": "x" * 1000})])

    assert [] == objects(tmp_path)


@pytest.mark.parametrize("workflow_id", ["x", "a-..-b", "a-%2Fetc-b", "a-_sweeps-b"])
async def test_an_id_without_a_tenant_reaches_no_tenants_folder(
    tmp_path: Path, workflow_id: str
) -> None:
    """Ids that were not written here may hold anything."""
    await converter(tmp_path).with_context(of_run(workflow_id)).encode([LARGE])

    [stored] = objects(tmp_path)
    assert ("_", "payloads") == stored.relative_to(tmp_path).parts[:2]


async def test_what_lies_in_the_store_is_encrypted_too(tmp_path: Path) -> None:
    """Values are encrypted before they are stored."""
    encrypting = converter(tmp_path, encryption_keys=KEYS)

    [reference] = await encrypting.encode([LARGE])

    [stored] = objects(tmp_path)
    assert SECRET.encode() not in stored.read_bytes()
    assert b"binary/encrypted" in stored.read_bytes()
    assert [LARGE] == await encrypting.decode([reference], [ContextUnit])


async def test_a_missing_object_is_told_with_what_may_be_wrong(tmp_path: Path) -> None:
    """Most often two processes have two stores."""
    [reference] = await converter(tmp_path / "one").encode([LARGE])
    [stored] = objects(tmp_path / "one")

    with pytest.raises(UnreadableError) as caught:
        await converter(tmp_path / "other").decode([reference])

    assert (
        "a payload lies in the object store and cannot be read: object "
        f"{stored.relative_to(tmp_path / 'one')} is no longer in the store; every member needs "
        "the same CONTEXTWORKER_STORE_URL, and payloads older than "
        "CONTEXTWORKER_PAYLOAD_RETENTION_DAYS are deleted"
    ) == str(caught.value)


async def test_a_process_that_has_no_store_is_told_which_setting_it_lacks(tmp_path: Path) -> None:
    """Its attempt is made again, as with a missing key; the SDK's own error names no setting."""
    [reference] = await converter(tmp_path).encode([LARGE])

    with pytest.raises(UnreadableError, match=r"set CONTEXTWORKER_EXTERNAL_PAYLOADS and"):
        await DATA_CONVERTER.decode([reference])


async def test_a_damaged_object_is_refused(tmp_path: Path) -> None:
    """Its bytes are not what it is named by."""
    [reference] = await converter(tmp_path).encode([LARGE])
    [stored] = objects(tmp_path)
    stored.write_bytes(b"x")

    with pytest.raises(UnreadableError, match=r"is damaged"):
        await converter(tmp_path).decode([reference])


@pytest.mark.parametrize(
    "key",
    ["", "acme/feeds/" + "a" * 64, "../acme/payloads/2026-01-01/" + "a" * 64, "acme/payloads/x"],
    ids=["none", "of bulk data", "outside", "no hash"],
)
async def test_a_reference_reads_nothing_but_payloads(tmp_path: Path, key: str) -> None:
    """Whoever writes to Temporal's database reads no other objects by it."""
    driver = PayloadObjects(ObjectStore.from_url(tmp_path.as_uri()))
    claim = StorageDriverClaim({"key": key, "size": "1"})

    with pytest.raises(UnreadableError, match=r"is none of ours"):
        await driver.retrieve(StorageDriverRetrieveContext(), [claim])


def test_a_store_of_each_process_own_is_refused() -> None:
    """The default is a folder where a process was started."""
    with pytest.raises(ConfigurationError, match=r"is set without CONTEXTWORKER_STORE_URL"):
        RuntimeSettings(external_payloads=True)


@pytest.mark.parametrize(
    "keys", [pytest.param("", marks=pytest.mark.slow), KEYS], ids=["plain", "encrypted"]
)
async def test_a_run_takes_and_gives_what_temporal_would_not(
    temporal: TemporalServer, tmp_path: Path, keys: str
) -> None:
    """Three megabytes in and out; and its history replays where the store is."""
    data = converter(tmp_path, encryption_keys=keys)
    client: Client = await temporal.connect("echo", data_converter=data)
    served = ModuleConfig(name=f"echo-external{len(keys)}", workflows=[EchoWorkflow], activities=[])
    async with running(client, served):
        handle = await client.start_workflow(
            EchoWorkflow.run, LARGE, id=f"echo-acme-external{len(keys)}", task_queue=served.queue
        )
        answer = await handle.result()
    history = await handle.fetch_history()

    assert LARGE.payload == answer.payload
    assert 20_000 > sum(event.ByteSize() for event in history.events)
    replayer = Replayer(
        workflows=[EchoWorkflow], plugins=[ContextPlugin("echo", data_converter=data)]
    )
    assert (await replayer.replay_workflow(history)).replay_failure is None


async def test_an_unencrypted_payload_is_stored_as_it_was(tmp_path: Path) -> None:
    """Metadata included."""
    driver = PayloadObjects(ObjectStore.from_url(tmp_path.as_uri()))
    payload = Payload(metadata={"encoding": b"binary/plain"}, data=b"a")

    [claim] = await driver.store(None, [payload])  # type: ignore[arg-type] # not used

    assert [payload] == await driver.retrieve(StorageDriverRetrieveContext(), [claim])
