"""Calls a codec server as Temporal's UI does, with payloads that workers would have written."""

import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext

from contextworker.codec_server.program import codec_server
from contextworker.codec_server.settings import CodecServerSettings
from contextworker.core.encryption import Encryption, KeyRing
from contextworker.core.encryption.keys import Keys

SECRET = "a secret of the tests, of 32 bytes and more"
ORIGIN = "http://localhost:8233"
KEY = b"1" * 32
PLAIN = {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "eyJ3ZWF0aGVyIjoicmFpbiJ9"}


def setting_of(**keys: bytes) -> str:
    """Write keys as CONTEXTWORKER_ENCRYPTION_KEYS has them."""
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


async def encrypted(
    value: Any, *, tenant_id: str = "acme", key: bytes = KEY, key_id: str = "k1"
) -> dict[str, Any]:
    """Return a value as a worker writes it into a tenant's run, as JSON."""
    return as_json(await encrypted_payload(value, tenant_id=tenant_id, key=key, key_id=key_id))


async def encrypted_payload(
    value: Any, *, tenant_id: str = "acme", key: bytes = KEY, key_id: str = "k1"
) -> Payload:
    """Return a value as a worker writes it into a tenant's run."""
    codec = Encryption(KeyRing(Keys({key_id: key}, current=key_id)))
    if tenant_id:
        run = f"harvest-{tenant_id}-camping-trade"
        codec = codec.with_context(WorkflowSerializationContext("default", run))
    plain = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(value).encode())
    (payload,) = await codec.encode([plain])
    return payload


def as_json(payload: Payload) -> dict[str, Any]:
    """Return a payload as Temporal's UI has it."""
    return json_format.MessageToDict(payload)


def token(**claims: Any) -> str:
    """Return a token that may decode the payloads of acme, but for what is said otherwise."""
    secret = claims.pop("secret", SECRET)
    given = {
        "sub": "operator",
        "exp": int(time.time()) + 600,
        "tenants": ["acme"],
        "permissions": ["payloads:decode"],
    } | claims
    return jwt.encode({name: value for name, value in given.items() if value is not None}, secret)


@dataclass(frozen=True)
class Caller:
    """Somebody who asks a codec server."""

    http: httpx.AsyncClient
    port: int

    async def ask(
        self, *payloads: Mapping[str, Any], path: str = "/decode", **options: Any
    ) -> httpx.Response:
        """Send payloads."""
        return await self.http.post(path, json={"payloads": payloads}, **options)

    async def values(self, *payloads: Mapping[str, Any], **options: Any) -> list[Any]:
        """Return what payloads hold, once decoded."""
        answer = await self.ask(*payloads, **options)
        assert 200 == answer.status_code, answer.text
        return [json.loads(base64.b64decode(one["data"])) for one in answer.json()["payloads"]]


@asynccontextmanager
async def served(
    *, bearer: str | None = None, scheme: str = "http", verify: Any = True, **given: Any
) -> AsyncIterator[Caller]:
    """Run a codec server on a free port, and somebody who asks it, with a token or without."""
    given = {"encryption_keys": setting_of(k1=KEY), "codec_cors_origins": ORIGIN} | given
    settings = CodecServerSettings(codec_port=0, codec_shutdown_grace_s=1, **given)
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    async with (
        codec_server(settings) as port,
        httpx.AsyncClient(
            base_url=f"{scheme}://127.0.0.1:{port}", headers=headers, verify=verify, timeout=20
        ) as http,
    ):
        yield Caller(http, port)
