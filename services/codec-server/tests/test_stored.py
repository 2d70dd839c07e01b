"""Payloads that lie in the object store."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from codec_calls import SECRET, Caller, as_json, encrypted, encrypted_payload, served, token
from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1.external_storage_pb2 import ExternalStorageReference
from temporalio.converter import (
    JSONProtoPayloadConverter,
    StorageDriverStoreContext,
    WorkflowSerializationContext,
)

from contextworker.core.external_storage import payload_storage
from contextworker.core.objects import ObjectStore

LARGE = "x" * 300_000


def reference(key: str, size: int | str, driver: str = "contextworker") -> dict[str, Any]:
    """Return a reference as the SDK writes it in a payload's place."""
    claim = ExternalStorageReference(driver_name=driver, claim_data={"key": key, "size": str(size)})
    payload = JSONProtoPayloadConverter().to_payload(claim)
    assert payload is not None
    payload.external_payloads.add(size_bytes=300_000)
    return as_json(payload)


async def stored(folder: Path, payload: Payload, tenant_id: str | None = "acme") -> dict[str, Any]:
    """Store a payload as a worker does, and return the reference to it."""
    storage = payload_storage(ObjectStore.from_url(folder.as_uri()), threshold_bytes=1)
    if tenant_id is not None:
        run = f"harvest-{tenant_id}-camping-trade"
        storage = storage.with_context(WorkflowSerializationContext("default", run))
    (claim,) = await storage.drivers[0].store(StorageDriverStoreContext(), [payload])
    return reference(claim.claim_data["key"], claim.claim_data["size"])


def settings(folder: Path) -> dict[str, Any]:
    """Return the settings of a codec server that reads a store."""
    return {"external_payloads": True, "store_url": folder.as_uri()}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, Caller]]:
    """Make a store, and ask a codec server that reads it."""
    folder = tmp_path_factory.mktemp("store")
    async with served(**settings(folder)) as caller:
        yield folder, caller


async def test_a_stored_payload_is_fetched_and_decrypted(store: tuple[Path, Caller]) -> None:
    """The command line wants it at once; the UI when a person asks for it."""
    folder, caller = store
    kept = await stored(folder, await encrypted_payload(LARGE))
    at_once = await caller.values(kept)
    shown = await caller.ask(kept, path="/decode?preserveStorageRefs=true")
    downloaded = await caller.values(kept, path="/download?preserveStorageRefs=true")

    assert ([LARGE], [kept]) == (at_once, shown.json()["payloads"])
    assert [LARGE] == downloaded


async def test_a_payload_that_was_stored_in_plain_is_fetched(tmp_path: Path) -> None:
    """External storage is of use without encryption, too."""
    plain = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(LARGE).encode())
    kept = await stored(tmp_path, plain)
    async with served(encryption_keys="", **settings(tmp_path)) as caller:
        assert [LARGE] == await caller.values(kept)


async def test_anothers_stored_payload_is_not_fetched(tmp_path: Path) -> None:
    """Nor one that was stored for nobody in particular."""
    others = await stored(tmp_path, await encrypted_payload(1), tenant_id="globex")
    nobodys = await stored(tmp_path, await encrypted_payload(2), tenant_id=None)
    moved = await stored(tmp_path, await encrypted_payload(3, tenant_id="globex"))
    async with served(codec_auth_secret=SECRET, bearer=token(), **settings(tmp_path)) as caller:
        values = await caller.values(others, nobodys, moved)
        refused = await caller.ask(others, path="/download")

    denied = "[not decrypted: it is {}, which your token is not for]"
    assert [
        denied.format("of the tenant 'globex'"),
        denied.format("of no tenant"),
        denied.format("of the tenant 'globex'"),
    ] == values
    assert 404 == refused.status_code


@pytest.mark.parametrize(
    ("key", "size", "driver", "said"),
    [
        ("acme/harvest/secrets", 5, "contextworker", "is none of ours"),
        ("acme/payloads/../../etc/passwd", 5, "contextworker", "is none of ours"),
        (f"acme/payloads/2026-01-01/{'a' * 64}", 5, "contextworker", "is no longer in the store"),
        (f"acme/payloads/2026-01-01/{'a' * 64}", 10**9, "contextworker", "are more than"),
        (f"acme/payloads/2026-01-01/{'a' * 64}", "9" * 5000, "contextworker", "are more than"),
        (f"acme/payloads/2026-01-01/{'a' * 64}", 5, "s3", "in a store that is none of ours"),
    ],
    ids=["other object", "way out", "gone", "too large", "absurd", "other driver"],
)
async def test_what_cannot_be_fetched_is_told(
    store: tuple[Path, Caller], key: str, size: int | str, driver: str, said: str
) -> None:
    """A reference is no way to whatever else lies in the store."""
    _, caller = store
    value, after = await caller.values(reference(key, size, driver), await encrypted(7))
    refused = await caller.ask(reference(key, size, driver), path="/download")

    assert said in value
    assert 7 == after
    assert 404 == refused.status_code
    assert said in refused.json()["error"]


async def test_without_a_store_it_says_what_to_set(tmp_path: Path) -> None:
    """Somebody who forgot to tell the codec server what the workers know."""
    kept = await stored(tmp_path, await encrypted_payload(LARGE))
    async with served() as caller:
        (value,) = await caller.values(kept)

    assert "set CONTEXTWORKER_EXTERNAL_PAYLOADS and CONTEXTWORKER_STORE_URL there" in value


async def test_only_a_reference_is_downloaded(store: tuple[Path, Caller]) -> None:
    """What is no reference needs no download."""
    _, caller = store
    assert 400 == (await caller.ask(await encrypted(7), path="/download")).status_code
    assert 400 == (await caller.ask(path="/download")).status_code
