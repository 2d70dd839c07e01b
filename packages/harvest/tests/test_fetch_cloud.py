"""Objects of S3, Google's and Azure's stores, from a server that speaks as theirs do."""

import gzip
import json
import traceback
from pathlib import Path
from typing import Any

import pytest

from contextworker.brain import FeedState
from contextworker.core.testing.server import free_port
from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch import NotModified

FEED = b"sku,name\n" + b"".join(b"%d,Tent %d\n" % (n, n) for n in range(5000))
HEADERS = {
    "ETag": '"1"',
    "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT",
    "Content-Type": "text/csv",
}
KEY = "stock/my%20feed.csv"


@pytest.fixture(params=["s3", "gs", "az"])
def place(
    request: pytest.FixtureRequest, web: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[str, str]:
    """Bring the worker's environment to a store: its object's address, and its path there."""
    if request.param == "s3":
        monkeypatch.setenv("AWS_ENDPOINT", web.url(""))
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "us")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
        return f"s3://camp/{KEY}", f"/camp/{KEY}"
    if request.param == "gs":
        account = tmp_path / "account.json"
        account.write_text(
            json.dumps(
                {
                    "gcs_base_url": web.url(""),
                    "disable_oauth": True,
                    "client_email": "",
                    "private_key": "",
                    "private_key_id": "",
                }
            )
        )
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(account))
        return f"gs://camp/{KEY}", "/camp/stock%2Fmy%20feed%2Ecsv"
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acme")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "czNjcmV0")
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", web.url(""))
    monkeypatch.setenv("AZURE_ALLOW_HTTP", "true")
    return f"az://camp/{KEY}", f"/camp/{KEY}"


async def test_objects(fetching: Any, web: Any, place: tuple[str, str]) -> None:
    """An object comes whole, with its name, type and etag."""
    url, path = place
    web.answer(path, FEED, headers=HEADERS)
    got = await fetching(url)
    assert FEED == got.path.read_bytes()
    assert ("my feed.csv", "text/csv", '"1"') == (got.name, got.content_type, got.etag)
    assert (len(FEED), len(FEED)) == fetching.told[-1]


async def test_not_modified(fetching: Any, web: Any, place: tuple[str, str]) -> None:
    """An object that is what it was is not sent again."""
    url, path = place
    web.answer(path, status=304, headers={**HEADERS, "Content-Length": "0"})
    state = FeedState(source=url, etag='"1"', digest="0" * 64, size=1, key="k")
    assert isinstance(await fetching(url, state), NotModified)
    assert '"1"' == web.headers[0]["if-none-match"]


async def test_packed_object(fetching: Any, web: Any, place: tuple[str, str]) -> None:
    """An object may be packed, as a file or by how it is served."""
    url, path = place
    headers = {**HEADERS, "Content-Encoding": "gzip"}
    web.answer(path, gzip.compress(FEED), headers=headers)
    got = await fetching(url)
    assert (FEED, "text/csv") == (got.path.read_bytes(), got.content_type)


@pytest.mark.parametrize(
    ("status", "said"), [(404, "is not there"), (403, "with the worker's credentials")]
)
async def test_refusals(
    *, fetching: Any, web: Any, place: tuple[str, str], status: int, said: str
) -> None:
    """What is not there, or not for us, is said without trying again, and without secrets."""
    url, path = place
    web.answer(path, b"<Error/>", status=status)
    with pytest.raises(FeedError, match=said) as caught:
        await fetching(url)
    assert "s3cret" not in str(caught.value)
    assert 1 == len(web.requests)


async def test_too_large(fetching: Any, web: Any, place: tuple[str, str]) -> None:
    """An object over the limit is refused by its size."""
    url, path = place
    web.answer(path, FEED, headers=HEADERS)
    fetching.bounded(max_bytes=1000)
    with pytest.raises(FeedError, match="larger than the 1,000 bytes allowed"):
        await fetching(url)


async def test_resumes(fetching: Any, web: Any, place: tuple[str, str]) -> None:
    """An object whose connection breaks comes whole all the same."""
    url, path = place
    web.flaky(path, FEED, cut=20_000, cuts=2, headers=HEADERS)
    assert FEED == (await fetching(url)).path.read_bytes()
    assert 3 == len(web.requests)


async def test_store_in_the_way(fetching: Any, web: Any, place: tuple[str, str]) -> None:
    """A store that does not work may work later."""
    url, path = place
    web.answer(path, status=503)
    fetching.bounded(max_resumes=1)
    with pytest.raises(FeedUnavailableError, match="cannot be read: the store is in the way"):
        await fetching(url)
    assert 2 == len(web.requests)


@pytest.mark.parametrize("key", ["../feed.csv", "a/%2e%2e/feed.csv", "a%00b"])
async def test_impossible_keys(fetching: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that no store has is told as one, and nothing is asked."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "us")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    with pytest.raises(FeedError, match=r"no store has an object .*check the url"):
        await fetching(f"s3://camp/{key}")


async def test_login_in_the_endpoint(fetching: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands before the @ of an endpoint is a secret, and stays one in the failure."""
    monkeypatch.setenv("AWS_ENDPOINT", f"http://us:s3cret@127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "us")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "k3y")
    fetching.bounded(max_resumes=0)
    with pytest.raises(FeedUnavailableError, match="the store is in the way") as caught:
        await fetching("s3://camp/feed.csv")
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


async def test_no_account(fetching: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that the worker's environment does not know is told before anything is asked."""
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(FeedError, match=r"the store az://camp cannot be opened: .*environment"):
        await fetching("az://camp/feed.csv")
