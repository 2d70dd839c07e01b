"""Fetching from real files and a real web server, well-behaved and not."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from contextworker.core.testing.server import free_port
from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch import Fetcher
from contextworker.harvest.messages import FeedFormat
from contextworker.harvest.suppliers import Source

LIMIT = 200_000
FEED = b"sku,name\na,Tent\n"


class Fetching:
    """Fetches urls to a file, noting what it is told."""

    def __init__(self, http: httpx.AsyncClient, folder: Path) -> None:
        self.fetcher = Fetcher(http, max_bytes=LIMIT)
        self.path = folder / "feed"
        self.told: list[tuple[int, int | None]] = []

    async def fetch(self, url: str, feed_format: FeedFormat | None = None) -> FeedFormat:
        """Fetch one url."""
        source = Source(url=url, format=feed_format)
        return await self.fetcher.fetch(
            source, self.path, lambda done, total: self.told.append((done, total))
        )


@pytest_asyncio.fixture(loop_scope="session")
async def fetching(tmp_path: Path) -> AsyncIterator[Fetching]:
    """A fetcher with short timeouts."""
    async with httpx.AsyncClient(
        follow_redirects=True, max_redirects=5, timeout=httpx.Timeout(0.5)
    ) as http:
        yield Fetching(http, tmp_path)


async def test_download(fetching: Fetching, web: Any) -> None:
    """The bytes arrive whole, and progress is told with the total."""
    url = web.answer("/feed.csv", FEED)
    assert FeedFormat.CSV is await fetching.fetch(url)
    assert FEED == fetching.path.read_bytes()
    assert [(len(FEED), len(FEED))] == fetching.told


@pytest.mark.parametrize(
    ("path", "content_type", "explicit", "expected"),
    [
        ("/feed.TSV", "", None, FeedFormat.TSV),
        ("/feed.ndjson", "text/csv", None, FeedFormat.JSONL),
        ("/export", "text/csv; charset=utf-8", None, FeedFormat.CSV),
        ("/export", "application/x-ndjson", None, FeedFormat.JSONL),
        ("/feed.csv", "text/csv", FeedFormat.XLSX, FeedFormat.XLSX),
    ],
)
async def test_format(
    *,
    fetching: Fetching,
    web: Any,
    path: str,
    content_type: str,
    explicit: FeedFormat | None,
    expected: FeedFormat,
) -> None:
    """The supplier file's word goes first, then the address, then the content type."""
    url = web.answer(path, FEED, headers={"Content-Type": content_type})
    assert expected is await fetching.fetch(url, explicit)


async def test_unknown_format(fetching: Fetching, web: Any) -> None:
    """A feed that nothing tells the format of asks for it."""
    with pytest.raises(FeedError, match="set format to csv, tsv, jsonl, xlsx"):
        await fetching.fetch(web.answer("/export", FEED))


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, FeedError, r"asks for a login.*\(HTTP 401\)"),
        (403, FeedError, "refuses access"),
        (404, FeedError, "is not there"),
        (410, FeedError, "is gone"),
        (418, FeedError, r"is refused.*\(HTTP 418\)"),
        (204, FeedError, "is refused"),
        (304, FeedError, "is refused"),
        (429, FeedUnavailableError, "HTTP 429"),
        (500, FeedUnavailableError, "HTTP 500"),
        (503, FeedUnavailableError, "HTTP 503"),
    ],
)
async def test_statuses(
    fetching: Fetching, web: Any, status: int, error: type[Exception], said: str
) -> None:
    """What the supplier must change fails for good, what may pass is tried again."""
    url = web.answer("/feed.csv", status=status)
    with pytest.raises(error, match=said):
        await fetching.fetch(url)


async def test_secrets_are_not_told(fetching: Fetching, web: Any) -> None:
    """An error names the address without what gives access to it."""
    url = web.answer("/feed.csv", status=403).replace("http://", "http://me:secret@")
    with pytest.raises(FeedError) as caught:
        await fetching.fetch(f"{url}?token=secret")
    assert "secret" not in str(caught.value)
    assert "/feed.csv?… refuses" in str(caught.value)


async def test_silent_server(fetching: Fetching, web: Any) -> None:
    """A server that stops in the middle of an answer is given up on, for now."""
    with pytest.raises(FeedUnavailableError, match="did not answer in time"):
        await fetching.fetch(web.hang("/feed.csv", start=FEED))


async def test_truncated_answer(fetching: Fetching, web: Any) -> None:
    """An answer shorter than its announced length is no feed."""
    url = web.answer("/feed.csv", FEED, headers={"Content-Length": "10000"})
    with pytest.raises(FeedUnavailableError, match="broke off"):
        await fetching.fetch(url)


async def test_no_room(fetching: Fetching, web: Any) -> None:
    """A disk that takes no file is said in a sentence, and may be mended."""
    fetching.path = Path("/dev/full")
    with pytest.raises(FeedUnavailableError, match="worker's disk: No space left"):
        await fetching.fetch(web.answer("/feed.csv", FEED * 2000))


async def test_nobody_listens(fetching: Fetching) -> None:
    """A server that is down may be up later."""
    with pytest.raises(FeedUnavailableError, match="cannot be reached"):
        await fetching.fetch(f"http://127.0.0.1:{free_port()}/feed.csv")


async def test_redirects(fetching: Fetching, web: Any) -> None:
    """A moved feed is followed; one that moves in a circle is not."""
    web.answer("/new.csv", FEED)
    old = web.answer("/old.csv", status=302, headers={"Location": "/new.csv"})
    await fetching.fetch(old)
    assert FEED == fetching.path.read_bytes()
    circle = web.answer("/circle.csv", status=302, headers={"Location": "/circle.csv"})
    with pytest.raises(FeedError, match="redirects in a circle"):
        await fetching.fetch(circle)


async def test_redirect_to_plain_http(tmp_path: Path) -> None:
    """A feed asked for in secret is not taken from where anyone can change it."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "https":
            return httpx.Response(302, headers={"Location": "http://shop.example/feed.csv"})
        return httpx.Response(200, content=FEED)

    # Not a server: one with a certificate that the client trusts needs a root of its own.
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(follow_redirects=True, transport=transport) as http:
        fetching = Fetching(http, tmp_path)
        with pytest.raises(FeedError, match="redirects from https to http"):
            await fetching.fetch("https://shop.example/feed.csv")
    assert not fetching.path.exists()


async def test_redirect_out_of_the_web(fetching: Fetching, web: Any) -> None:
    """A server cannot send the worker to its own files."""
    url = web.answer("/feed.csv", status=302, headers={"Location": "file:///etc/passwd"})
    with pytest.raises(FeedError, match="no web address"):
        await fetching.fetch(url)


@pytest.mark.parametrize("announced", [True, False])
async def test_too_large(fetching: Fetching, web: Any, announced: bool) -> None:  # noqa: FBT001 - a parameter
    """A feed over the limit is refused, by its announced length or as it comes."""
    url = web.answer("/feed.csv", b"x" * (LIMIT + 1), announced=announced)
    with pytest.raises(FeedError, match=r"larger than the 200,000 bytes.*MAX_FEED_BYTES"):
        await fetching.fetch(url)


async def test_files(fetching: Fetching, tmp_path: Path) -> None:
    """A local feed is copied; a missing one, a folder and a large one are explained."""
    feed = tmp_path / "my feed.csv"
    feed.write_bytes(FEED)
    assert FeedFormat.CSV is await fetching.fetch(feed.as_uri())
    assert FEED == fetching.path.read_bytes()
    with pytest.raises(FeedError, match=r"no feed.csv does not exist; check the url"):
        await fetching.fetch((tmp_path / "no feed.csv").as_uri())
    with pytest.raises(FeedError, match="cannot be read"):
        await fetching.fetch(tmp_path.as_uri())
    with pytest.raises(FeedError, match="cannot be"):
        await fetching.fetch("file:///a%00b.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FeedError, match="a folder or a device"):
        await fetching.fetch((tmp_path / "pipe.csv").as_uri())
    feed.write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(FeedError, match="larger than"):
        await fetching.fetch(feed.as_uri())
