"""What comes of payloads: each by itself, and never nothing."""

import base64
import json
from typing import Any

import pytest
from codec_calls import KEY, PLAIN, Caller, encrypted, served, setting_of

from contextworker.codec_server.opening import Opener

WEATHER = {"weather": "rain"}


def told(reason: str) -> str:
    """Return what stands in a payload's place."""
    return f"[not decrypted: {reason}]"


async def test_a_payload_is_decrypted_as_it_was(anybody: Caller) -> None:
    """Metadata and data are those that the worker's converter wrote."""
    answer = await anybody.ask(await encrypted(WEATHER))

    (payload,) = answer.json()["payloads"]
    assert "json/plain" == base64.b64decode(payload["metadata"]["encoding"]).decode()
    assert ["encoding"] == list(payload["metadata"])
    assert WEATHER == json.loads(base64.b64decode(payload["data"]))
    assert "no-store" == answer.headers["cache-control"]


async def test_what_was_never_encrypted_stays(anybody: Caller) -> None:
    """A system in use can begin to encrypt, and its pages show both."""
    assert [WEATHER, 7] == await anybody.values(PLAIN, await encrypted(7))


async def test_one_that_cannot_be_read_takes_no_other_with_it(operator: Caller) -> None:
    """Of a page of five, two are readable, and three say why they are not."""
    damaged = await encrypted("harmed")
    sealed = bytearray(base64.b64decode(damaged["data"]))
    sealed[-1] ^= 1
    damaged["data"] = base64.b64encode(sealed).decode()
    values = await operator.values(
        await encrypted("first"),
        await encrypted("lost key", key=b"2" * 32, key_id="k0"),
        damaged,
        await encrypted("another's", tenant_id="globex"),
        await encrypted("last"),
    )

    assert [
        "first",
        told(
            "it is encrypted with the key 'k0', which this codec server does not have; add it to "
            "CONTEXTWORKER_ENCRYPTION_KEYS there"
        ),
        told(
            "the key 'k1' does not open it: the key of that id is another one here "
            "(CONTEXTWORKER_ENCRYPTION_KEYS), or the payload was changed"
        ),
        told("it is of the tenant 'globex', which your token is not for"),
        "last",
    ] == values


async def test_a_payload_in_another_ones_name_is_not_opened(operator: Caller) -> None:
    """Who writes their own tenant on another's payload gets nothing: the tag covers it."""
    stolen = await encrypted("another's", tenant_id="globex")
    stolen["metadata"]["encryption-tenant"] = base64.b64encode(b"acme").decode()

    (value,) = await operator.values(stolen)
    assert value.startswith("[not decrypted: the key 'k1' does not open it")


async def test_a_payload_of_no_tenant_is_for_no_tenants_token(operator: Caller) -> None:
    """What belongs to nobody in particular is for those who may see everything."""
    (value,) = await operator.values(await encrypted("whose?", tenant_id=""))

    assert told("it is of no tenant, which your token is not for") == value


async def test_a_fault_is_told_without_what_it_quotes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller is told that there is one, the log where; neither, which value it was about."""

    async def fails(*_: Any, **__: Any) -> None:
        raise ValueError("rain")

    monkeypatch.setattr(Opener, "open", fails)
    async with served() as caller:
        answer = await caller.ask(PLAIN)

    assert (500, {"error": "the codec server failed; its log says where"}) == (
        answer.status_code,
        answer.json(),
    )
    assert "/decode failed: ValueError at " in caplog.text
    assert "rain" not in caplog.text


async def test_without_keys_it_says_so() -> None:
    """A codec server that somebody forgot to give keys."""
    async with served(encryption_keys="") as caller:
        (value,) = await caller.values(await encrypted(WEATHER))

    assert (
        told(
            "it is encrypted with the key 'k1', and this codec server has no keys: set "
            "CONTEXTWORKER_ENCRYPTION_KEYS or CONTEXTWORKER_ENCRYPTION_KEYS_FILE there"
        )
        == value
    )


async def test_an_answer_has_a_bound() -> None:
    """What is beyond it is told, and what fits behind it still shows."""
    async with served(codec_max_answer_bytes=2048) as caller:
        large = await encrypted("x" * 4096)
        first, second, third = await caller.values(await encrypted(1), large, await encrypted(3))

    assert (1, 3) == (first, third)
    assert (
        told(
            "it and those before it are more than 2,048 bytes "
            "(CONTEXTWORKER_CODEC_MAX_ANSWER_BYTES)"
        )
        == second
    )


async def test_a_large_payload_is_decrypted(anybody: Caller) -> None:
    """The largest that Temporal takes goes through, in threads of its own."""
    text = "x" * (2 * 1024 * 1024 - 1024)

    assert [text] == await anybody.values(await encrypted(text))


@pytest.mark.parametrize("path", ["/decode", "/default/decode", "/decode?preserveStorageRefs=true"])
async def test_each_tool_asks_in_its_way(anybody: Caller, path: str) -> None:
    """The UI adds a question, and the command line may put the namespace before it."""
    assert [7] == await anybody.values(await encrypted(7), path=path)


async def test_nothing_is_encrypted(anybody: Caller) -> None:
    """Which key a run takes is not said here, so what a person types is refused, not left plain."""
    answer = await anybody.ask(PLAIN, path="/encode")

    assert 405 == answer.status_code
    assert "start and steer runs through the gateway" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/decode", 405), ("GET", "/", 404), ("POST", "/a/b/decode", 404)],
    ids=["get", "root", "deep"],
)
async def test_what_is_not_there_is_told(
    anybody: Caller, method: str, path: str, status: int
) -> None:
    """Somebody who opens it in a browser learns what it is."""
    answer = await anybody.http.request(method, path)

    assert status == answer.status_code
    said: Any = answer.json()
    assert "this codec server answers POST /decode, POST /download and GET /health" == said["error"]


async def test_keys_that_are_rotated_still_read() -> None:
    """The old key is there beside the new one, and the page shows payloads of both."""
    other = b"2" * 32
    async with served(encryption_keys=setting_of(k2=other, k1=KEY)) as caller:
        both = await encrypted("old"), await encrypted("new", key=other, key_id="k2")
        assert ["old", "new"] == await caller.values(*both)
