"""What a supplier file says of its sources and retries, and how a mistake is explained."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contextworker.harvest.errors import SupplierError
from contextworker.harvest.messages import OWN_STORES_RETRY, Retries, Retry
from contextworker.harvest.suppliers import Source, Supplier, SupplierDirectory

URL = "https://shop.example/feed.csv"


def supplier(folder: Path, rest: str) -> Supplier:
    """Load a supplier file that ends like this."""
    mapping = '[mapping]\nsku = "sku"\nname = "name"\n'
    text = f'name = "Camp"\n[[sources]]\nurl = "{URL}"\n{mapping}{rest}'
    (folder / "camp.toml").write_text(text)
    return SupplierDirectory(folder).load("camp")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"url": "ftp://shop.example/a"}, "s3://, gs:// or az:// address"),
        ({"url": "s3://camp"}, "s3://BUCKET/KEY"),
        ({"url": "s3://camp/"}, "s3://BUCKET/KEY"),
        ({"url": "gs://key:secret@camp/a.csv"}, "credentials come from the environment"),
        ({"url": "az:///a.csv"}, "az://BUCKET/KEY"),
        ({"url": "s3://camp/a.csv?token=secret"}, "s3://BUCKET/KEY"),
        ({"headers": {"X Y": "a"}}, "'X Y' is no name of a header"),
        ({"headers": {"Host": "evil"}}, "Host cannot be set"),
        ({"headers": {"range": "bytes=0-"}}, "range cannot be set"),
        ({"headers": {"X": "a\r\nY: b"}}, "match pattern"),
        ({"headers": {"X": {"prefix": "Bearer "}}}, 'or { env = "VARIABLE" }'),
        ({"headers": {"X": {"env": "A", "value": "a"}}}, 'or { env = "VARIABLE" }'),
        ({"headers": {"X": {"env": "A B"}}}, "match pattern"),
        ({"url": "a.csv", "headers": {"X": "a"}}, "headers are for http:// and https://"),
        ({"url": "s3://camp/a", "allow_hosts": ["a"]}, "allow_hosts are for http:// and https://"),
        ({"allow_hosts": ["*"]}, "'*' is no host"),
        ({"allow_hosts": ["https://a"]}, "is no host; write its name or address alone"),
        ({"allow_hosts": ["a:80"]}, "without a port"),
        ({"member": ""}, "at least 1 character"),
    ],
)
def test_mistakes(keys: dict[str, Any], said: str) -> None:
    """A source that cannot be is refused when its file is read."""
    with pytest.raises(ValidationError) as caught:
        Source.model_validate({"url": URL, **keys})
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["Feeds.Internal", "feeds.internal.", "feeds.internal"])
def test_hosts_are_plain(text: str) -> None:
    """A host is the same however it is written."""
    assert ("feeds.internal",) == Source.model_validate(
        {"url": URL, "allow_hosts": [text]}
    ).allow_hosts


def test_addresses_of_clouds_are_shown() -> None:
    """An object's address has no secrets, and is shown as it is."""
    source = Source(url="s3://camp/stock/feed.csv")
    assert ("s3://camp/stock/feed.csv", True, False) == (
        source.public_url,
        source.is_remote,
        source.is_web,
    )


def test_headers_are_not_secrets() -> None:
    """What is kept of a source names a secret's variable, and never holds it."""
    headers = {"Authorization": {"env": "ACME_TOKEN", "prefix": "Bearer "}}
    header = Source.model_validate({"url": URL, "headers": headers}).headers["Authorization"]
    assert ("ACME_TOKEN", "Bearer ", None) == (header.env, header.prefix, header.value)


def test_retries_of_the_steps(tmp_path: Path) -> None:
    """`[retry]` is for fetching; a step's own table goes before it, key by key."""
    assert Retries() == supplier(tmp_path, "").retry.steps
    rest = """
[retry]
maximum_attempts = 2
backoff = 1
[retry.fetch]
backoff = 3
[retry.store]
maximum_attempts = 7
"""
    expected = Retries(
        fetch=Retry(maximum_attempts=2, backoff=3),
        store=OWN_STORES_RETRY.model_copy(update={"maximum_attempts": 7}),
    )
    assert expected == supplier(tmp_path, rest).retry.steps


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("[retry.fetch]\nmaximum_atempts = 2", "did you mean maximum_attempts"),
        ("[retry.fetching]\nbackoff = 2", "did you mean fetch"),
        ("[retry.store]\nmaximum_attempts = 0", "retry.store.maximum_attempts"),
    ],
    ids=["key", "step", "value"],
)
def test_wrong_retries(tmp_path: Path, rest: str, said: str) -> None:
    """A mistake in a step's table is explained like any other."""
    with pytest.raises(SupplierError, match=said):
        supplier(tmp_path, rest)
