"""Draw codec-server.png anew: an encrypted harvest in Temporal's own UI, decrypted for its visitor.

uv run python docs/images/codec_server.py
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from contextworker.codec_server.program import codec_server
from contextworker.codec_server.settings import CodecServerSettings

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests/integration/support")]

from temporal_ui_page import KEYS, browser, harvested, visitor  # noqa: E402 - found by that path

TARGET = Path(__file__).with_name("codec-server.png")


async def take(folder: Path) -> None:
    """Take the page of an encrypted harvest, decrypted for whoever looks."""
    async with harvested(folder) as temporal, browser() as chromium:
        settings = CodecServerSettings(
            codec_port=0, codec_cors_origins=temporal.ui, encryption_keys=KEYS
        )
        async with (
            codec_server(settings) as port,
            visitor(chromium, temporal.ui, height=960) as person,
        ):
            await person.opens_the_run()
            await person.set_codec_server(f"http://127.0.0.1:{port}")
            await person.opens_the_run()
            await person.reads('"supplier_code": "camping-trade"')
            summary = person.page.get_by_text("fetch camping-trade from file")
            await summary.first.wait_for()
            await person.page.screenshot(path=TARGET)


def main() -> None:
    """Draw it."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(take(Path(folder)))
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
