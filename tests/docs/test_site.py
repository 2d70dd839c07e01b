"""The built site: nothing leads nowhere, nothing comes from elsewhere, a phone can show it."""

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from code_blocks import ROOT
from needed import needed
from playwright.sync_api import Page, sync_playwright
from site_links import broken, foreign, read

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_PATIENCE_MS = 120_000
SHOWN = [
    "index.html",
    "tutorial/index.html",
    "how-to/map-a-feed.html",
    "members/harvest.html",
    "operations/plots.html",
    "reference/client.html",
    "reference/wire.html",
    "settings.html",
]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Leave the tests' output alone."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as .ci/docs builds it."""
    folder = tmp_path_factory.mktemp("site")
    build = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == build.returncode, build.stderr
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where a web server has it."""
    handler = functools.partial(_Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_every_link_leads_somewhere(site: Path) -> None:
    """Pages, their parts, pictures; also in raw HTML, which the strict build passes over."""
    pages = read(site)

    assert len(pages) > 40
    assert [] == broken(pages)


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """It can be read without a network, and tells nobody who reads it."""
    pages = read(site)
    fetched = [
        path.name for path in site.rglob("*.css") if "url(http" in path.read_text(encoding="utf-8")
    ]

    assert [] == foreign(pages)
    assert [] == fetched


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_a_browser_shows_it(address: str, width: int) -> None:
    """No error in the console, no request beyond the site, no page wider than its window."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=needed("chromium"), args=["--no-sandbox"], timeout=_PATIENCE_MS
        )
        page = browser.new_page(viewport={"width": width, "height": 844})
        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.extend(_beyond(asked.url, address)))
        for name in SHOWN:
            page.goto(f"{address}/{name}", wait_until="networkidle")
            complaints.extend(_too_wide(page, name))
        browser.close()

    assert [] == complaints


def _beyond(url: str, address: str) -> list[str]:
    return [] if url.startswith((address, "data:", "blob:")) else [f"asks {url}"]


def _too_wide(page: Page, name: str) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    return [f"{name} is wider than its window"] if wide else []
