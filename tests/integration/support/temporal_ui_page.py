"""Temporal's UI in a browser, beside an encrypting system with a harvest to look at."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from needed import needed
from playwright.async_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Route,
    async_playwright,
    expect,
)
from running_system import ROOT

from contextworker.core.client import AsyncWorkerClient
from contextworker.core.connection import connect
from contextworker.core.payloads import data_converter
from contextworker.core.settings import RuntimeSettings
from contextworker.core.testing import TemporalServer, running, temporal_server
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.harvest.module import module

TENANT = "my_project"
WITHIN_S = 120
"""A page of the UI is some megabytes of scripts, and machines may be busy."""

RUN = f"harvest-{TENANT}-camping-trade"
KEYS = f"2026-11:{base64.b64encode(b'a key of the tests, of 32 bytes.').decode()}"
_OVERRIDE = "overrideRemoteCodecConfiguration"
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def harvested(folder: Path) -> AsyncIterator[TemporalServer]:
    """Run Temporal with its UI, in which an encrypted harvest of the example supplier is done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAIN_URL", f"sqlite:///{folder / 'brain.db'}")
        patch.setenv("CONTEXTWORKER_STORE_URL", (folder / "objects").as_uri())
        patch.setenv("CONTEXTWORKER_SUPPLIERS_DIR", str(ROOT / "examples/suppliers"))
        patch.setenv("CONTEXTWORKER_ENCRYPTION_KEYS", KEYS)
        settings = GatewaySettings(port=0, versioning=False, gateway_shutdown_grace_s=1)
        async with temporal_server(ui=True) as server:
            client = await connect(
                "contextworker.harvest.messages",
                environment=server.environment,
                data_converter=data_converter(RuntimeSettings()),
            )
            async with running(client, module), gateway(client, settings) as port:
                async with AsyncWorkerClient(f"127.0.0.1:{port}", service="commerce") as caller:
                    task = await caller.start(
                        "harvest", supplier_code="camping-trade", tenant_id=TENANT
                    )
                    await task.result(timeout=WITHIN_S)
                yield server


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run Debian's Chromium."""
    path = needed("chromium")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=path, args=_QUIET, timeout=WITHIN_S * 1000
        )
        try:
            yield launched
        finally:
            await launched.close()


@dataclass(frozen=True)
class Visitor:
    """Somebody who looks at the harvest's page."""

    page: Page
    ui: str

    async def set_codec_server(self, endpoint: str, *, pass_token: bool = False) -> None:
        """Set it as the person would, by the glasses above; what is opened next asks it."""
        await self.page.locator("[data-testid^=data-encoder-status]:visible").click()
        await self.page.get_by_test_id("use-local-endpoint-input").check(force=True)
        await self.page.locator("#data-encoder-endpoint-input").fill(endpoint)
        token = self.page.get_by_test_id("data-encoder-pass-access-token")
        await token.set_checked(pass_token, force=True)
        await self.page.get_by_role("button", name="Apply").click()

    async def opens_the_run(self) -> None:
        """Open the harvest's page."""
        await self.page.goto(f"{self.ui}/namespaces/default/workflows/{RUN}")

    async def reads(self, text: str) -> None:
        """Wait until the run's input holds a text."""
        await expect(self.input).to_contain_text(text, timeout=WITHIN_S * 1000)

    @property
    def input(self) -> Locator:
        """What the page shows of the run's input."""
        return self.page.locator(".cm-content:visible").first

    async def is_told_of_an_error(self) -> None:
        """Wait until the glasses are marked red."""
        mark = self.page.locator("[data-testid=data-encoder-status-error]:visible")
        await mark.wait_for(timeout=WITHIN_S * 1000)


@asynccontextmanager
async def visitor(
    browser: Browser, ui: str, *, token: str = "", endpoint: str = "", height: int = 900
) -> AsyncIterator[Visitor]:
    """Somebody with a fresh profile, who signed in at the UI where they have a token.

    With an endpoint, they set it as their codec server at an earlier visit, and pass their token.
    """
    context = await browser.new_context(
        viewport={"width": 1400, "height": height}, ignore_https_errors=True
    )
    context.set_default_timeout(WITHIN_S * 1000)
    if endpoint:
        kept = {"endpoint": endpoint, "passAccessToken": True, _OVERRIDE: True}
        said = "".join(
            f"localStorage.setItem({json.dumps(name)}, {json.dumps(json.dumps(value))});"
            for name, value in kept.items()
        )
        await context.add_init_script(said)
    if token:
        await _sign_in(context, ui, token)
    try:
        yield Visitor(await context.new_page(), ui)
    finally:
        await context.close()


async def _sign_in(context: BrowserContext, ui: str, token: str) -> None:
    """Leave what the UI's server leaves after a single sign-on: the dev server has none.

    It would say in its settings that there is one; without, the UI forgets who signed in.
    """

    async def settings(route: Route) -> None:
        response = await route.fetch()
        said = await response.json()
        await route.fulfill(response=response, json=said | {"Auth": {"Enabled": True}})

    await context.route("**/api/v1/settings*", settings)
    signed_in = base64.b64encode(json.dumps({"AccessToken": token}).encode()).decode()
    await context.add_cookies([{"name": "user0", "value": signed_in.rstrip("="), "url": ui}])
