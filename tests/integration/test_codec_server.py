"""Temporal's own UI in a browser: what it shows of encrypted runs, and to whom."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio
import trustme
from playwright.async_api import Browser
from temporal_ui_page import KEYS, TENANT, browser, harvested, visitor

from contextworker.codec_server import program
from contextworker.codec_server.settings import CodecServerSettings
from contextworker.core.testing import TemporalServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SECRET = "a secret of the tests, of 32 bytes and more"
READABLE = '"supplier_code": "camping-trade"'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def temporal_with_ui(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[TemporalServer]:
    """Temporal with an encrypted harvest."""
    async with harvested(tmp_path_factory.mktemp("harvested")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A browser."""
    async with browser() as launched:
        yield launched


def codec_server(ui: str, **given: Any) -> Any:
    """Run a codec server for a UI; yields its port."""
    settings = CodecServerSettings(
        codec_port=0, codec_cors_origins=ui, **{"encryption_keys": KEYS} | given
    )
    return program.codec_server(settings)


def token(tenant_id: str = TENANT) -> str:
    """Return what an identity provider gives a person for a tenant."""
    claims = {"sub": "ann", "tenants": [tenant_id], "permissions": ["payloads:decode"]}
    return jwt.encode(claims | {"exp": int(time.time()) + 600}, SECRET)


async def test_a_person_reads_what_temporal_cannot(
    temporal_with_ui: TemporalServer, chromium: Browser
) -> None:
    """On one machine, without tokens; and where a key is missing, the page says which."""
    ui = temporal_with_ui.ui
    other = KEYS.replace("2026-11", "2026-10")
    async with (
        codec_server(ui) as port,
        codec_server(ui, encryption_keys=other) as without_key,
        visitor(chromium, ui) as person,
    ):
        await person.opens_the_run()
        await person.reads('"')
        assert "camping-trade" not in await person.input.inner_text()
        await person.set_codec_server(f"http://127.0.0.1:{port}")
        await person.opens_the_run()
        await person.reads(READABLE)
        await person.set_codec_server(f"http://127.0.0.1:{without_key}")
        await person.opens_the_run()
        await person.reads("[not decrypted: it is encrypted with the key '2026-11', which this")


async def test_a_token_decides_what_is_shown(
    temporal_with_ui: TemporalServer, chromium: Browser, tmp_path: Path
) -> None:
    """The UI passes the person's token over TLS; without a good one the payload stays sealed."""
    ui = temporal_with_ui.ui
    issued = trustme.CA().issue_cert("127.0.0.1")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    guarded = {
        "codec_auth_secret": SECRET,
        "codec_tls_cert_file": certificate,
        "codec_tls_key_file": key,
    }
    async with codec_server(ui, **guarded) as port:
        endpoint = f"https://127.0.0.1:{port}"
        async with visitor(chromium, ui, token=token()) as person:
            await person.opens_the_run()
            await person.set_codec_server(endpoint, pass_token=True)
            await person.opens_the_run()
            await person.reads(READABLE)
        async with visitor(chromium, ui, token=token("globex"), endpoint=endpoint) as person:
            await person.opens_the_run()
            await person.reads("[not decrypted: it is of the tenant 'my_project', which your token")
        async with visitor(chromium, ui, token="forged", endpoint=endpoint) as person:
            await person.opens_the_run()
            await person.is_told_of_an_error()
            await person.reads('"')
            assert "camping-trade" not in await person.input.inner_text()
