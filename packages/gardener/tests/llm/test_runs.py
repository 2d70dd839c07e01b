"""A whole run: real Temporal, real Brain, and a model's server on loopback."""

from pathlib import Path

import pytest
from gardener_runs import Harvest, gardening, start, with_activities
from llm_server import Asked, failing, llm_server
from temporalio.client import Client, WorkflowFailureError

from contextworker.brain import Brain, EnrichmentStatus
from contextworker.core.objects import ObjectStore
from contextworker.core.testing import running
from contextworker.gardener.enrichers.configuration import Configuration, read_configuration

# pydantic-ai takes seconds to import, and another process has done so for test_asking.
pytestmark = pytest.mark.slow


def configured(folder: Path, url: str) -> Configuration:
    """Return a configuration with a language model."""
    file = folder / "gardener.toml"
    file.write_text(
        f'[default.llm]\nbase_url = "{url}"\nmodel = "small"\nbatch = 2\n'
        "input_usd_per_million = 1.0\noutput_usd_per_million = 10.0\n"
        "attempts = 2\nlongest_pause_s = 0\n",
        encoding="utf-8",
    )
    return read_configuration(file)


def good_model(asked: Asked) -> list[dict[str, object]]:
    """Answer surely; about the fourth mystery, without any shape."""
    return [
        {"index": product["index"], "ner": "?", "taxonomy": "?"}
        if product["product"]["name"] == "Mystery thing 4"
        else {
            "index": product["index"],
            "ner": {
                "product_type": "thing",
                "brand": product["product"]["name"].split()[0],
                "sure": True,
            },
            "taxonomy": {"id": "camping.tents", "sure": True},
        }
        for product in asked.products
    ]


async def test_a_run_ends_with_every_product_done_or_left_to_people(
    client: Client, brain: Brain, objects: ObjectStore, harvest: Harvest, tmp_path: Path
) -> None:
    """What the model cannot say is asked so often and no more; the next run asks nothing."""
    await harvest(10)
    async with llm_server(good_model) as server:
        activities = gardening(brain, objects, configured(tmp_path, server.url)).all
        async with running(client, with_activities(activities)):
            answer = await (await start(client)).result()
            often = len(server.asked)
            await harvest(10, price=2)
            rest = (await (await start(client)).result()).payload

    report = answer.payload
    assert ("nothing_pending", {"done": 9, "review": 1}) == (report["outcome"], report["by_status"])
    assert (often, 0) == (len(server.asked), rest["tokens"])
    assert 120 * often == answer.metrics.tokens_used
    assert pytest.approx(300e-6 * often) == answer.metrics.cost_usd
    (left,) = [
        product
        for product in await brain.list_products("acme")
        if product.enrichment_status is EnrichmentStatus.REVIEW
    ]
    assert "Mystery thing 4" == left.name
    assert "no answer from small: " in left.enrichment["ner"]["reason"]


async def test_a_refused_key_ends_the_run_and_keeps_products_waiting(
    client: Client, brain: Brain, objects: ObjectStore, harvest: Harvest, tmp_path: Path
) -> None:
    """The run fails with what to do; what is in doubt waits for the next one."""
    await harvest(10)
    async with llm_server(good_model) as server:
        server.script = [failing(401)] * 50
        activities = gardening(brain, objects, configured(tmp_path, server.url)).all
        async with running(client, with_activities(activities)):
            with pytest.raises(WorkflowFailureError) as caught:
                await (await start(client)).result()
            waiting = (await brain.count_products("acme"))[EnrichmentStatus.WAITING]

            server.script = []
            report = (await (await start(client)).result()).payload

    assert "name the variable that holds one in api_key_env" in str(caught.value.cause.__cause__)
    assert 4 == waiting
    assert "nothing_pending" == report["outcome"]
