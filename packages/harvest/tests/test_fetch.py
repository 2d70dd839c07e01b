"""Fetching from real files and a real web server, well-behaved and not."""

import os
from pathlib import Path
from typing import Any

import pytest

from contextworker.core.testing.server import free_port
from contextworker.harvest.errors import FeedError, FeedUnavailableError

LIMIT = 200_000
FEED = b"sku,name\na,Tent\n"


async def test_download(fetching: Any, web: Any) -> None:
    """The bytes arrive whole, progress is told with the total, and so is what the answer says."""
    headers = {"Content-Type": "text/csv", "ETag": '"1"', "Last-Modified": "yesterday"}
    got = await fetching(web.answer("/my%20feed.csv", FEED, headers=headers))
    assert FEED == got.path.read_bytes()
    assert [(len(FEED), len(FEED))] == fetching.told
    assert ("my feed.csv", "text/csv", '"1"', "yesterday") == (
        got.name,
        got.content_type,
        got.etag,
        got.last_modified,
    )


@pytest.mark.parametrize(
    ("path", "disposition", "expected"),
    [
        ("/export", "", "export"),
        ("/", "", ""),
        ("/export", 'attachment; filename="stock.tsv"', "stock.tsv"),
        ("/feed.csv", "attachment; filename=download", "feed.csv"),
        ("/export", 'attachment; filename="../../etc/stock.csv"', "stock.csv"),
        ("/export", "attachment; filename*=UTF-8''%D1%86%D1%96%D0%BD%D0%B8.csv", "ціни.csv"),
        ("/feed.csv", '; = " broken', "feed.csv"),
    ],
    ids=["path", "root", "said", "no-ending", "folders", "encoded", "broken"],
)
async def test_names(
    *, fetching: Any, web: Any, path: str, disposition: str, expected: str
) -> None:
    """The server's name for the file goes first, where it has an ending, then the address."""
    headers = {"Content-Disposition": disposition} if disposition else {}
    assert expected == (await fetching(web.answer(path, FEED, headers=headers))).name


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
    fetching: Any, web: Any, status: int, error: type[Exception], said: str
) -> None:
    """What the supplier must change fails for good, what may pass is tried again."""
    url = web.answer("/feed.csv", status=status)
    with pytest.raises(error, match=said):
        await fetching(url)


async def test_secrets_are_not_told(fetching: Any, web: Any) -> None:
    """An error names the address without what gives access to it."""
    url = web.answer("/feed.csv", status=403).replace("http://", "http://me:secret@")
    with pytest.raises(FeedError) as caught:
        await fetching(f"{url}?token=secret")
    assert "secret" not in str(caught.value)
    assert "/feed.csv?… refuses" in str(caught.value)


async def test_silent_server(fetching: Any, web: Any) -> None:
    """A server that stops in the middle of an answer, each time, is given up on, for now."""
    fetching.bounded(read_timeout_s=2)  # in which a busy machine still sends what it begins with
    with pytest.raises(
        FeedUnavailableError, match="broke off after 16 of 100,000 bytes, and again 2 times"
    ):
        await fetching(web.hang("/feed.csv", start=FEED))
    assert 3 == len(web.requests)


async def test_server_that_never_answers(fetching: Any, web: Any) -> None:
    """A server that says nothing at all is asked once."""
    fetching.bounded(read_timeout_s=0.1)
    web.paths["/feed.csv"] = lambda _: web.closing.wait()
    with pytest.raises(FeedUnavailableError, match="did not answer in time"):
        await fetching(web.url("/feed.csv"))
    await web.asked()
    assert 1 == len(web.requests)


async def test_truncated_answer(fetching: Any, web: Any) -> None:
    """An answer shorter than its announced length is no feed."""
    url = web.answer("/feed.csv", FEED, headers={"Content-Length": "10000"})
    with pytest.raises(FeedUnavailableError, match="broke off after 16 of 10,000 bytes"):
        await fetching(url)


async def test_dripping_server(fetching: Any, web: Any) -> None:
    """A server that sends little, for ever, is ended by the least speed."""
    fetching.bounded(rate_window_s=0.2)
    with pytest.raises(FeedUnavailableError, match=r"sends too slowly: [0-9]+ bytes in"):
        await fetching(web.drip("/feed.csv", b"a,b\n", every_s=0.02))


async def test_endless_server(fetching: Any, web: Any) -> None:
    """A server that is never done is ended by the longest time."""
    fetching.bounded(total_timeout_s=0.3)
    with pytest.raises(FeedUnavailableError, match="took longer than 0 seconds"):
        await fetching(web.drip("/feed.csv", b"a,b\n", every_s=0.02))


async def test_no_http(fetching: Any, web: Any) -> None:
    """What does not speak HTTP is said to have broken off."""

    def greet(request: Any) -> None:
        request.wfile.write(b"220 mail.example ESMTP\r\n")
        request.close_connection = True

    web.paths["/feed.csv"] = greet
    with pytest.raises(FeedUnavailableError, match="broke off"):
        await fetching(web.url("/feed.csv"))


async def test_no_room(fetching: Any, web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes no file is said in a sentence, and may be mended."""
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda _, *args: opened(Path("/dev/full"), *args))
    with pytest.raises(FeedUnavailableError, match="worker's disk: No space left"):
        await fetching(web.answer("/feed.csv", FEED * 2000))


async def test_nobody_listens(fetching: Any) -> None:
    """A server that is down may be up later."""
    with pytest.raises(FeedUnavailableError, match="cannot be reached"):
        await fetching(f"http://127.0.0.1:{free_port()}/feed.csv")


async def test_redirects(fetching: Any, web: Any) -> None:
    """A moved feed is followed; one that moves in a circle is not."""
    web.answer("/new.csv", FEED)
    old = web.answer("/old.csv", status=302, headers={"Location": "/new.csv"})
    assert FEED == (await fetching(old)).path.read_bytes()
    circle = web.answer("/circle.csv", status=302, headers={"Location": "/circle.csv"})
    with pytest.raises(FeedError, match="redirects more than 5 times, perhaps in a circle"):
        await fetching(circle)
    fetching.bounded(max_redirects=0)
    with pytest.raises(FeedError, match="redirects more than 0 times"):
        await fetching(old)


async def test_redirect_out_of_the_web(fetching: Any, web: Any) -> None:
    """A server cannot send the worker to its own files."""
    for location in ("file:///etc/passwd", "ftp://shop.example/feed", "http://[::1"):
        url = web.answer("/feed.csv", status=302, headers={"Location": location})
        with pytest.raises(FeedError, match="no web address"):
            await fetching(url)


@pytest.mark.parametrize("announced", [True, False])
async def test_too_large(fetching: Any, web: Any, announced: bool) -> None:  # noqa: FBT001 - a parameter
    """A feed over the limit is refused, by its announced length or as it comes."""
    url = web.answer("/feed.csv", b"x" * (LIMIT + 1), announced=announced)
    with pytest.raises(FeedError, match=r"larger than the 200,000 bytes.*MAX_FEED_BYTES"):
        await fetching(url)


async def test_files(fetching: Any, tmp_path: Path) -> None:
    """A local feed is copied; a missing one, a folder and a large one are explained."""
    feed = tmp_path / "my feed.csv"
    feed.write_bytes(FEED)
    got = await fetching(feed.as_uri())
    assert ("my feed.csv", FEED) == (got.name, got.path.read_bytes())
    assert feed != got.path
    with pytest.raises(FeedError, match=r"no feed.csv does not exist; check the url"):
        await fetching((tmp_path / "no feed.csv").as_uri())
    with pytest.raises(FeedError, match="cannot be read"):
        await fetching(tmp_path.as_uri())
    with pytest.raises(FeedError, match="cannot be"):
        await fetching("file:///a%00b.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FeedError, match="a folder or a device"):
        await fetching((tmp_path / "pipe.csv").as_uri())
    feed.write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(FeedError, match="larger than"):
        await fetching(feed.as_uri())
