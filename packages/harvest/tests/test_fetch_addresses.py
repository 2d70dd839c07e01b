"""Where feeds may not be fetched from, however the place is spelt, and how that is allowed."""

import itertools
from ipaddress import ip_network
from typing import Any

import pytest
import trustme

from contextworker.core.errors import ConfigurationError
from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch.addresses import is_public, parse
from contextworker.harvest.settings import HarvestSettings

FEED = b"sku,name\na,Tent\n"

HOSTILE = [
    # This machine.
    "127.0.0.1",
    "127.255.255.254",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "017700000001",
    "0177.0x0.0.1",
    "localhost",
    "LOCALHOST",
    "0",
    "0.0.0.0",
    "0x0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    # Metadata of clouds.
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    # Private, shared, link-local.
    "10.0.0.1",
    "10.1",
    "167772161",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "3232235521",
    "100.64.0.1",
    "169.254.0.1",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[::ffff:10.0.0.1]",
    "[2002:c0a8:1::]",
    "[64:ff9b:1::a00:1]",
    # Multicast, reserved, documentation, testing.
    "224.0.0.1",
    "239.255.255.250",
    "[ff02::1]",
    "[ff0e::1]",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "192.88.99.1",
    "[2001:db8::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[100::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[4000::1]",
]


@pytest.mark.parametrize("host", HOSTILE)
async def test_hostile_spellings(fetching: Any, host: str) -> None:
    """What is not on the public internet is not asked, and nothing tries to connect."""
    fetching.bounded(allowed_networks=())
    with pytest.raises(FeedError, match=r"may not be asked: it .*is not on the public internet"):
        await fetching(f"http://{host}:9/feed.csv")


@pytest.mark.parametrize(
    "host",
    [
        "0177.0.0.1",
        "00000177.0.0.1",
        "0251.0376.0251.0376",
        "0300.0250.0.1",
        "1.2.3.4.5",
        "256.1.1.1",
        "localhost.",
        "[::1%25lo]",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
        "\u2460.0.0.1",
    ],
)
async def test_spellings_that_lead_nowhere(fetching: Any, host: str) -> None:
    """What some resolvers take for an address, and others for a name, reaches nothing here."""
    fetching.bounded(allowed_networks=())
    with pytest.raises((FeedError, FeedUnavailableError)) as caught:
        await fetching(f"http://{host}:9/feed.csv")
    assert "http://" in str(caught.value) or "may not be asked" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "8.8.8.8",
        "93.184.216.34",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::",
    ],
)
def test_public_addresses(text: str) -> None:
    """What is on the public internet is known as such, in any wrapping."""
    address = parse(text)
    assert address is not None
    assert is_public(address)


async def test_allowed_hosts(fetching: Any, web: Any) -> None:
    """A source may name a host that it is to be fetched from wherever it is, and no other."""
    fetching.bounded(allowed_networks=())
    url = web.answer("/feed.csv", FEED)
    named = url.replace("127.0.0.1", "LocalHost")
    assert FEED == (await fetching(url, allow_hosts=["127.0.0.1"])).path.read_bytes()
    assert FEED == (await fetching(named, allow_hosts=["localhost"])).path.read_bytes()
    with pytest.raises(FeedError, match=r'add allow_hosts = \["127.0.0.1"\] to the source'):
        await fetching(url, allow_hosts=["localhost"])


async def test_allowed_networks(fetching: Any, web: Any) -> None:
    """An operator's networks hold for every source, also for addresses wrapped in others."""
    url = web.answer("/feed.csv", FEED)
    fetching.bounded(allowed_networks=(ip_network("127.0.0.0/30"),))
    assert FEED == (await fetching(url)).path.read_bytes()
    fetching.bounded(allowed_networks=(ip_network("127.0.0.2/31"), ip_network("::/0")))
    with pytest.raises(FeedError, match="not on the public internet"):
        await fetching(url)


def test_networks_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are listed with commas; a wrong one is told with the variable."""
    monkeypatch.setenv("CONTEXTWORKER_HARVEST_ALLOWED_NETWORKS", "10.1.0.0/16, fd00::/8")
    expected = (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    assert expected == HarvestSettings().harvest_allowed_networks
    monkeypatch.setenv("CONTEXTWORKER_HARVEST_ALLOWED_NETWORKS", "10.1.0.1/16")
    with pytest.raises(ConfigurationError, match=r"ALLOWED_NETWORKS: 10\.1\.0\.1/16 has host bits"):
        HarvestSettings()


async def test_each_hop_is_checked(fetching: Any, web: Any) -> None:
    """A host that may be asked cannot send the worker to one that may not."""
    fetching.bounded(allowed_networks=())
    target = web.answer("/secret.csv", FEED).replace("127.0.0.1", "127.0.0.2")
    url = web.answer("/feed.csv", status=302, headers={"Location": target})
    with pytest.raises(FeedError, match=r"the host 127\.0\.0\.2 may not be asked"):
        await fetching(url, allow_hosts=["127.0.0.1"])
    assert ["/feed.csv"] == web.requests


async def test_rebinding(fetching: Any, web: Any) -> None:
    """What was checked is what is dialled: a name that changes its mind between gains nothing."""
    answers = itertools.chain([["127.0.0.1"]], itertools.repeat(["10.0.0.1"]))
    asked: list[str] = []

    async def rebind(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    fetching.resolve = rebind
    url = web.answer("/feed.csv", FEED).replace("127.0.0.1", "rebind.example")
    assert FEED == (await fetching(url)).path.read_bytes()
    assert ["rebind.example"] == asked
    with pytest.raises(FeedError, match=r"may not be asked: it leads to 10\.0\.0\.1"):
        await fetching(url)


async def test_mixed_addresses(fetching: Any, web: Any) -> None:
    """Of a name's addresses only those are dialled that may be; the next where one is dead."""

    async def mixed(host: str, port: int) -> list[str]:
        return ["10.0.0.1", "fe80::1%eth0", "127.0.0.3", "127.0.0.1"]

    fetching.resolve = mixed
    fetching.bounded(allowed_networks=(ip_network("127.0.0.0/30"),))
    url = web.answer("/feed.csv", FEED).replace("127.0.0.1", "mixed.example")
    assert FEED == (await fetching(url)).path.read_bytes()


async def test_unknown_host(fetching: Any) -> None:
    """A name that nobody knows may be known later."""

    async def nobody(host: str, port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    fetching.resolve = nobody
    with pytest.raises(FeedUnavailableError, match=r"http://no\.example/a cannot be reached"):
        await fetching("http://no.example/a")


async def test_tls_is_for_the_name(
    fetching: Any,
    tls_web: Any,
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    """Dialled by address, a server still has to prove its name."""

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    fetching.resolve = here
    url = tls_web.answer("/feed.csv", FEED).replace("127.0.0.1", "shop.example")
    assert FEED == (await fetching(url)).path.read_bytes()
    with pytest.raises(FeedUnavailableError, match=r"cannot be trusted: .*not valid for 'other"):
        await fetching(url.replace("shop.", "other."))
    plain = tls_web.answer("/old.csv", status=302, headers={"Location": "http://shop.example/"})
    with pytest.raises(FeedError, match="redirects from https to http"):
        await fetching(plain.replace("127.0.0.1", "shop.example"))
