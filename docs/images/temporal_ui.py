"""Draw temporal-ui.png anew: a harvest in Temporal's own UI, by a headless Chromium.

uv run python docs/images/temporal_ui.py
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from contextworker.core.client import AsyncWorkerClient
from contextworker.core.testing import TemporalServer, running
from contextworker.core.testing.server import free_port
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.harvest.module import module

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests/integration/support")]

from temporal_ui_page import browser  # noqa: E402 - found by that path

SUPPLIERS = ROOT / "examples" / "suppliers"
PICTURE = HERE / "temporal-ui.png"


@asynccontextmanager
async def harvested(folder: Path) -> AsyncIterator[str]:
    """Harvest the example supplier; yields the address of the run's page while all is up."""
    os.environ |= {
        "BRAIN_URL": f"sqlite:///{folder / 'brain.db'}",
        "CONTEXTWORKER_STORE_URL": (folder / "objects").as_uri(),
        "CONTEXTWORKER_SUPPLIERS_DIR": str(SUPPLIERS),
    }
    ui_port = free_port()
    server = TemporalServer(flags=["--headless=false", f"--ui-port={ui_port}"])
    server.start()
    try:
        await server.answers()
        client = await server.connect("contextworker.harvest.messages")
        settings = GatewaySettings(port=0, versioning=False)
        async with running(client, module), gateway(client, settings) as port:
            async with AsyncWorkerClient(f"127.0.0.1:{port}", service="commerce") as caller:
                start = {"supplier_code": "camping-trade", "tenant_id": "acme"}
                task = await caller.start("harvest", start)
                await task.result(timeout=60)
            page = f"namespaces/default/workflows/{task.workflow_id}/{task.run_id}"
            yield f"http://127.0.0.1:{ui_port}/{page}/user-metadata"
    finally:
        server.kill()


async def draw(address: str) -> None:
    """Open the page and store what it looks like."""
    async with browser() as chromium:
        page = await chromium.new_page(viewport={"width": 1280, "height": 960})
        await page.goto(address)
        # Each text is in a frame of its own; the last one's is a worker's answer.
        last = page.frame_locator("iframe").last
        await last.get_by_text("rejected: ambiguous_price").wait_for()
        await page.screenshot(path=PICTURE)


async def main() -> None:
    """Harvest, and draw the run's page."""
    with tempfile.TemporaryDirectory() as folder:
        async with harvested(Path(folder)) as address:
            await draw(address)


if __name__ == "__main__":
    asyncio.run(main())
