"""Manners of fetching from web servers: conditions, resumption, secrets, being asked to wait."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from contextworker.brain import FeedState
from contextworker.core.logs.redaction import REDACTED, redacted
from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch import NotModified

FEED = b"sku,name\n" + b"".join(b"%d,Tent %d\n" % (n, n) for n in range(5000))
CUT = 20_000


def known(etag: str | None = None, last_modified: str | None = None) -> FeedState:
    """What was remembered of a feed."""
    return FeedState(
        source="x", etag=etag, last_modified=last_modified, digest="0" * 64, size=1, key="k"
    )


@pytest.mark.parametrize(
    ("state", "sent"),
    [
        (known('"1"'), {"if-none-match": '"1"'}),
        (known('W/"1"'), {"if-none-match": 'W/"1"'}),
        (known(None, "Mon, 01 Jan 2024"), {"if-modified-since": "Mon, 01 Jan 2024"}),
        (known('"1"', "Mon"), {"if-none-match": '"1"', "if-modified-since": "Mon"}),
    ],
    ids=["etag", "weak", "time", "both"],
)
async def test_not_modified(
    *, fetching: Any, web: Any, state: FeedState, sent: dict[str, str]
) -> None:
    """The server is told what is here, and may say that it still is what it has."""
    url = web.answer("/feed.csv", status=304, headers={"Content-Length": "0"})
    assert isinstance(await fetching(url, state), NotModified)
    assert sent == {name: value for name, value in web.headers[0].items() if name.startswith("if-")}


async def test_modified(fetching: Any, web: Any) -> None:
    """A server that has something new sends it, with what to remember of it."""
    got = await fetching(web.answer("/feed.csv", FEED, headers={"ETag": 'W/"2"'}), known('"1"'))
    assert (FEED, 'W/"2"', None) == (got.path.read_bytes(), got.etag, got.last_modified)


async def test_not_modified_unasked(fetching: Any, web: Any) -> None:
    """Without a condition, "not modified" is no answer."""
    with pytest.raises(FeedError, match=r"is refused.*HTTP 304"):
        await fetching(web.answer("/feed.csv", status=304), known())


async def test_resumes(fetching: Any, web: Any) -> None:
    """After a broken connection the rest is asked for, twice here, and the file is whole."""
    url = web.flaky("/feed.csv", FEED, cut=CUT, cuts=2, headers={"ETag": '"1"'})
    assert FEED == (await fetching(url)).path.read_bytes()
    assert [None, f"bytes={CUT}-", f"bytes={2 * CUT}-"] == [
        headers.get("range") for headers in web.headers
    ]
    assert '"1"' == web.headers[1]["if-range"]
    assert (len(FEED), len(FEED)) == fetching.told[-1]


async def test_resumes_by_time(fetching: Any, web: Any) -> None:
    """A file without an etag is known to be the same by the time of its last change."""
    headers = {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    url = web.flaky("/feed.csv", FEED, cut=CUT, cuts=1, headers=headers)
    assert FEED == (await fetching(url)).path.read_bytes()
    assert f"bytes={CUT}-" == web.headers[1]["range"]


async def test_resumes_are_bounded(fetching: Any, web: Any) -> None:
    """A connection that breaks every time is left for the next attempt of the run."""
    url = web.flaky("/feed.csv", FEED, cut=1000, cuts=9, headers={"ETag": '"1"'})
    with pytest.raises(
        FeedUnavailableError, match=f"broke off after 3,000 of {len(FEED):,} bytes, and again 2"
    ):
        await fetching(url)
    assert 3 == len(web.requests)


@pytest.mark.parametrize(
    ("headers", "ranges"),
    [({}, True), ({"ETag": 'W/"1"'}, True), ({"ETag": '"1"'}, False)],
    ids=["nothing-to-know-it-by", "weak-etag", "no-ranges"],
)
async def test_starts_over(
    *, fetching: Any, web: Any, headers: dict[str, str], ranges: bool
) -> None:
    """What cannot be joined safely is fetched from the start, and is there once."""
    url = web.flaky("/feed.csv", FEED, cut=CUT, cuts=1, headers=headers, ranges=ranges)
    assert FEED == (await fetching(url)).path.read_bytes()
    knowable = headers.get("ETag") == '"1"'
    assert [False, knowable] == ["range" in request for request in web.headers]


async def test_changed_meanwhile(fetching: Any, web: Any) -> None:
    """A file that changed between is the new one from start to end, and is remembered as such."""
    url = web.flaky("/feed.csv", FEED, cut=CUT, cuts=1, headers={"ETag": '"1"'})
    first = web.paths["/feed.csv"]

    def change(request: Any) -> None:
        first(request)
        web.answer("/feed.csv", FEED.upper(), headers={"ETag": '"2"'})

    web.paths["/feed.csv"] = change
    got = await fetching(url)
    assert (FEED.upper(), '"2"') == (got.path.read_bytes(), got.etag)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (416, {}),
        (206, {"Content-Range": "bytes 0-9/10"}),
        (206, {"Content-Range": f"bytes {CUT}-{CUT + 9}/{CUT + 10}", "ETag": '"2"'}),
        (206, {}),
        (206, {"Content-Range": f"bytes {CUT}-{CUT + 9}/{CUT + 10}"}),
        (206, {"Content-Range": f"bytes {CUT}-{CUT + 9}/*"}),
        (206, {"Content-Range": f"bytes {'9' * 5000}-1/2"}),
        (206, {"Content-Range": f"bytes {CUT}-{CUT + 9}/{'9' * 5000}"}),
    ],
    ids=[
        "416",
        "other-start",
        "other-etag",
        "no-range",
        "other-total",
        "no-total",
        "start-of-5000-digits",
        "total-of-5000-digits",
    ],
)
async def test_wrong_parts(
    *, fetching: Any, web: Any, status: int, headers: dict[str, str]
) -> None:
    """A part that is not the rest is never joined to what is there."""
    url = web.flaky("/feed.csv", FEED, cut=CUT, cuts=1, headers={"ETag": '"1"'})
    first = web.paths["/feed.csv"]

    def then_wrong(request: Any) -> None:
        if len(web.requests) == 2:
            web.answer("/wrong", b"0123456789", status=status, headers=headers)
            web.paths["/wrong"](request)
        else:
            first(request)

    web.paths["/feed.csv"] = then_wrong
    assert FEED == (await fetching(url)).path.read_bytes()
    assert ["range" in headers for headers in web.headers][:2] == [False, True]


async def test_part_unasked(fetching: Any, web: Any) -> None:
    """A part that nobody asked for is no feed."""
    with pytest.raises(FeedError, match="sends a part of the feed, unasked"):
        await fetching(web.answer("/feed.csv", FEED, status=206))


async def test_secret_headers(fetching: Any, web: Any) -> None:
    """A header's secret comes from the environment, beside plain ones."""
    fetching.environment = {"ACME_TOKEN": "s3cret\n"}
    headers = {"Authorization": {"env": "ACME_TOKEN", "prefix": "Bearer "}, "X-Shop": "camp"}
    await fetching(web.answer("/feed.csv", FEED), headers=headers)
    sent = web.headers[0]
    assert ("Bearer s3cret", "camp") == (sent["authorization"], sent["x-shop"])
    assert "identity" == sent["accept-encoding"]


async def test_the_log_knows_what_suppliers_are_sent(fetching: Any, web: Any) -> None:
    """A server may repeat a secret in words that no pattern knows."""
    fetching.environment = {"ACME_TOKEN": "what-the-shop-gave-us"}
    url = web.answer("/feed.csv", FEED).replace("http://", "http://me:and-our-password@")
    await fetching(url, headers={"X-Key": {"env": "ACME_TOKEN"}})

    login = b64encode(b"me:and-our-password").decode()
    assert f"{REDACTED}, {REDACTED}, {REDACTED}" == redacted(
        f"what-the-shop-gave-us, and-our-password, {login}"
    )


async def test_login_of_the_address(fetching: Any, web: Any) -> None:
    """A user and a password in the address are a login; a header that is set goes first."""
    url = web.answer("/feed.csv", FEED).replace("http://", "http://me:p%40ss@")
    await fetching(url)
    assert "Basic bWU6cEBzcw==" == web.headers[0]["authorization"]
    await fetching(url, headers={"Authorization": "Token 1"})
    assert "Token 1" == web.headers[1]["authorization"]


async def test_secrets_stay_with_their_host(fetching: Any, web: Any, other_web: Any) -> None:
    """A redirect keeps headers and login on the host of the address, and nowhere else."""
    fetching.environment = {"ACME_TOKEN": "s3cret"}
    there = other_web.answer("/feed.csv", FEED)
    web.answer("/second", status=302, headers={"Location": there})
    url = web.answer("/first", status=307, headers={"Location": "/second"})
    await fetching(
        url.replace("http://", "http://me:secret@"),
        headers={"X-Api-Key": {"env": "ACME_TOKEN"}},
    )
    assert ["s3cret", "s3cret"] == [headers["x-api-key"] for headers in web.headers]
    assert all("authorization" in headers for headers in web.headers)
    assert not {"x-api-key", "authorization"} & other_web.headers[0].keys()


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "variable ACME_TOKEN, which is not set"), ("", "not set"), ("a\r\nb", "line break")],
    ids=["missing", "empty", "two-lines"],
)
async def test_missing_secrets(*, fetching: Any, web: Any, value: str | None, said: str) -> None:
    """A secret that is not there, or is none, is told by its variable; nothing is asked."""
    fetching.environment = {} if value is None else {"ACME_TOKEN": value}
    with pytest.raises(FeedError, match=said):
        await fetching(web.answer("/feed.csv", FEED), headers={"X-Key": {"env": "ACME_TOKEN"}})
    assert [] == web.requests


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120),
        ("999999", 3600),
        (format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0),
        ("soon", None),
        ("-5", None),
    ],
    ids=["seconds", "capped", "past", "words", "negative"],
)
async def test_retry_after(
    *, fetching: Any, web: Any, status: int, value: str, expected: float | None
) -> None:
    """How long a server wants to be left alone is passed on, within a bound."""
    url = web.answer("/feed.csv", status=status, headers={"Retry-After": value})
    with pytest.raises(FeedUnavailableError, match=f"HTTP {status}") as caught:
        await fetching(url)
    assert expected == caught.value.retry_after_s


async def test_retry_after_a_moment(fetching: Any, web: Any) -> None:
    """A moment is as good as a number of seconds."""
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True)
    url = web.answer("/feed.csv", status=503, headers={"Retry-After": later})
    with pytest.raises(FeedUnavailableError) as caught:
        await fetching(url)
    assert caught.value.retry_after_s is not None
    assert 1000 < caught.value.retry_after_s <= 1800


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 1000,
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 999999 Eh\r\n\r\n",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        OK + b"Content-Length: -3\r\n\r\nabcd",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 200_000,
        OK + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
        OK + b"X: a\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    ],
    ids=[
        "nothing",
        "zeros",
        "half-a-head",
        "status",
        "length-of-5000-digits",
        "two-lengths",
        "negative-length",
        "bad-chunk",
        "half-a-chunk",
        "endless-chunk-size",
        "large-header",
        "many-headers",
        "continue",
    ],
)
async def test_broken_servers(fetching: Any, web: Any, answer: bytes) -> None:
    """Whatever a server sends instead of an answer, its feed is unavailable, in one sentence."""

    def send(request: Any) -> None:
        request.wfile.write(answer)
        request.close_connection = True

    web.paths["/feed.csv"] = send
    with pytest.raises(FeedUnavailableError, match="broke off"):
        await fetching(web.url("/feed.csv"))


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"\xe9"', "Last-Modified": "\xe9"},
        {"ETag": f'"{"x" * 50_000}"'},
        {"Content-Disposition": "attachment; filename*=UTF-8''%ff%fe; filename=\"a"},
        {"Content-Disposition": "attachment; filename*=bogus'x'%41; filename*1=b"},
        {"Content-Disposition": "attachment; filename=" + "../" * 5000},
        {"Content-Type": "\xff\xfe; charset=\xff"},
        {"Retry-After": "\xff"},
    ],
    ids=["etag", "long-etag", "bytes", "charset", "long", "type", "unasked"],
)
async def test_odd_headers(fetching: Any, web: Any, headers: dict[str, str]) -> None:
    """Odd headers do not spoil a feed, nor the next question after it."""
    url = web.answer("/feed.csv", FEED, headers=headers)
    got = await fetching(url)
    again = await fetching(url, known(got.etag, got.last_modified))
    assert (FEED, FEED) == (got.path.read_bytes(), again.path.read_bytes())
    assert got.etag is None
