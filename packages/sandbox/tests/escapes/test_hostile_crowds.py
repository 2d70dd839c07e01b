"""Crowds of one tenant's programs, and what another tenant notices of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sandbox_programs import Programs
from temporalio.client import Client

from contextworker.core.testing import running, temporal_server
from contextworker.core.worker import shared_modules
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.sandbox.engine import fairness
from contextworker.sandbox.module import module

_SLOTS = 6


@pytest_asyncio.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Programs]:
    """Programs whose worker does few things at once, and has one interpreter for each tenant."""
    small = replace(module, max_concurrent_activities=_SLOTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fairness, "MOST_WAITING", 2)
        patch.setenv("CONTEXTWORKER_SANDBOX_PROCESSES", "2")
        patch.setenv("CONTEXTWORKER_STORE_URL", (tmp_path / "objects").as_uri())
        async with temporal_server() as temporal:
            client: Client = await temporal.connect(*shared_modules([small]))
            settings = GatewaySettings(port=0, gateway_shutdown_grace_s=1)
            async with gateway(client, settings) as port:
                patch.setenv("WORKER_ADDRESS", f"127.0.0.1:{port}")
                async with (
                    running(client, small),
                    Programs.of(port, client, (tmp_path / "objects").as_uri()) as opened,
                ):
                    yield opened


_ASKS = """
    import time
    time.sleep(0)
    try:
        task_status("none")
    except LookupError:
        said = "none such"
    said
"""


@pytest.mark.slow
async def test_a_crowd_that_waits_for_interpreters_leaves_room_for_calls(narrow: Programs) -> None:
    """However many turns wait, what other tenants' programs call is done meanwhile."""
    crowd = await asyncio.gather(
        *(narrow.start("while True: pass", tenant_id="hostile") for _ in range(3 * _SLOTS))
    )
    async with asyncio.timeout(60):
        while not any([await narrow.activities(task) for task in crowd[-3:]]):
            await asyncio.sleep(0.1)

    result = await narrow.run(_ASKS, tenant_id="steady")

    standing = [(await task.status()).status for task in crowd]
    assert ("none such", None) == (result["result"], result["error"])
    assert standing.count("running") > _SLOTS
    await asyncio.gather(*(task.cancel() for task in crowd))
