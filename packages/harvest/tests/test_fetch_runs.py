"""What fetching means for a whole harvest: waiting, giving up, changing nothing."""

import gzip
from typing import Any

from contextworker.brain import Brain

FEED = b"sku,name\na,Tent\nb,Mat\n"
RETRY = """
[mapping]
sku = "sku"
name = "name"
[retry.fetch]
maximum_attempts = 2
initial_interval_s = {pause}
"""


async def test_a_server_says_when(harvests: Any, suppliers: Any, web: Any) -> None:
    """A server that asks to be left alone is asked again when it says, not when the file does."""
    web.answer("/feed.csv", FEED)
    answer = web.paths["/feed.csv"]
    web.answer("/feed.csv", status=429, headers={"Retry-After": "1"})
    refuse = web.paths["/feed.csv"]

    def first_refuse(request: Any) -> None:
        web.paths["/feed.csv"] = answer
        refuse(request)

    web.paths["/feed.csv"] = first_refuse
    suppliers.write("camp", web.url("/feed.csv"), rest=RETRY.format(pause=3600))
    assert 2 == (await harvests.report("camp")).inserted
    assert 2 == (await harvests.attempts("camp"))["fetch_products"]


async def test_cut_off_downloads(harvests: Any, brain: Brain, suppliers: Any, web: Any) -> None:
    """A feed that never arrives whole fails the harvest after its attempts, and changes nothing."""
    url = web.answer("/feed.csv", FEED)
    suppliers.write("camp", url, rest=RETRY.format(pause=0.01))
    await harvests.report("camp")
    before = await brain.list_products(harvests.tenant_id)
    web.answer("/feed.csv", b"sku,name\na,Other\n", headers={"Content-Length": "5000"})
    failure = await harvests.failure("camp")
    assert "FeedUnavailableError" == failure.type
    assert f"Camp: the download of {url} broke off after 17 of 5,000 bytes" in failure.message
    assert 2 == (await harvests.attempts("camp"))["fetch_products"]
    assert before == await brain.list_products(harvests.tenant_id)


async def test_cut_off_archives(harvests: Any, brain: Brain, suppliers: Any, web: Any) -> None:
    """A packed feed whose end is missing fails the harvest at once, and changes nothing."""
    url = web.answer("/feed.csv.gz", gzip.compress(FEED))
    suppliers.write("camp", url, rest=RETRY.format(pause=0.01))
    await harvests.report("camp")
    before = await brain.list_products(harvests.tenant_id)
    web.answer("/feed.csv.gz", gzip.compress(FEED)[:-9])
    failure = await harvests.failure("camp")
    assert "FeedTruncatedError" == failure.type
    assert 1 == (await harvests.attempts("camp"))["fetch_products"]
    assert before == await brain.list_products(harvests.tenant_id)


async def test_private_addresses(harvests: Any, suppliers: Any, web: Any, monkeypatch: Any) -> None:
    """A redirect to a private address fails the harvest at the first attempt, saying what to do."""
    url = web.answer("/feed.csv", status=302, headers={"Location": "http://169.254.169.254/a"})
    suppliers.write("camp", url, rest=RETRY.format(pause=0.01))
    failure = await harvests.failure("camp")
    assert (
        "Camp: the host 169.254.169.254 may not be asked: it is not on the public internet; if "
        'that is right, add allow_hosts = ["169.254.169.254"] to the source in the supplier file'
    ) == failure.message
    assert 1 == (await harvests.attempts("camp"))["fetch_products"]
