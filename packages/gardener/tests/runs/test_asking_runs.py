"""Runs that ask a language model: real Temporal, real Brain; what asks it stands in for the model.

The protocol itself is tried in `llm/`, against a server that speaks it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from gardener_runs import Harvest, gardening, start, with_activities
from temporalio.client import Client

from contextworker.brain import Brain, EnrichmentStatus
from contextworker.core.objects import ObjectStore
from contextworker.core.registry import ModuleConfig
from contextworker.core.testing import running
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.gardener.enrichers.base import ResultStatus, TaskResult
from contextworker.gardener.enrichers.configuration import Configuration, read_configuration
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.enriching.activities import Gardening
from contextworker.gardener.llm.answers import Answers
from contextworker.gardener.module import module

PRICE = 0.25
ANSWER = {
    "taxonomy": {"id": "camping.tents", "name": "Tents", "path": ["Camping", "Tents"]},
    "ner": {"brand": "Mystery"},
}


class Model:
    """Answers every question, for a price per product, within the budget."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.spent = 0.0

    async def ask(
        self,
        subjects: Sequence[Subject],
        doubts: Sequence[frozenset[str]],
        *,
        budget_usd: float | None,
    ) -> Answers:
        """Answer as many as the budget allows."""
        fits = len(subjects) if budget_usd is None else int(budget_usd / PRICE)
        results = [
            self._answer(subject, doubt) if number < fits else None
            for number, (subject, doubt) in enumerate(zip(subjects, doubts, strict=True))
        ]
        given = min(fits, len(subjects))
        self.spent += given * PRICE
        return Answers(
            results=tuple(results),
            tokens=given * 100,
            cost_usd=given * PRICE,
            at_limit=fits < len(subjects),
        )

    def _answer(self, subject: Subject, doubt: frozenset[str]) -> Mapping[str, TaskResult]:
        self.asked.append(subject.text.product_id)
        return {
            task: TaskResult(
                status=ResultStatus.DONE,
                result=ANSWER[task],
                confidence=0.9,
                source="llm:small",
                tokens=100 // len(doubt),
                cost_usd=PRICE / len(doubt),
            )
            for task in doubt
        }


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """Two products in a question."""
    config = tmp_path / "gardener.toml"
    config.write_text(
        "[default.llm]\n"
        'base_url = "http://127.0.0.1:9/v1"\nmodel = "small"\nbatch = 2\nattempts = 1\n'
        "input_usd_per_million = 25.0\noutput_usd_per_million = 0.0\n",
        encoding="utf-8",
    )
    return read_configuration(config)


@pytest_asyncio.fixture(loop_scope="session")
async def asking(
    brain: Brain, objects: ObjectStore, configuration: Configuration
) -> AsyncIterator[tuple[Model, ModuleConfig]]:
    """A model, and the gardener's module that asks it."""
    model, activities = Model(), gardening(brain, objects, configuration)
    activities._models._enrichers["acme"] = model  # type: ignore[assignment] # stands in
    yield model, with_activities(activities.all)


async def statuses(brain: Brain) -> dict[str, int]:
    """Count the tenant's products, where there are any."""
    counts = await brain.count_products("acme")
    return {status.value: count for status, count in counts.items() if count}


async def test_what_is_in_doubt_is_asked_about_and_what_follows_is_worked_out(
    client: Client,
    brain: Brain,
    harvest: Harvest,
    asking: tuple[Model, ModuleConfig],
    record_history: RecordHistory,
) -> None:
    """Each product is asked about once; relations go by the answers; the unit tells the cost."""
    model, asking_module = asking
    await harvest(20)

    async with running(client, asking_module):
        handle = await start(client)
        answer = await handle.result()

    report = answer.payload
    assert ("nothing_pending", 20, {"done": 20}) == (
        report["outcome"],
        report["products"],
        report["by_status"],
    )
    assert {"taxonomy": {"done": 20}, "ner": {"done": 20}} == {
        task: report["by_task"][task] for task in ("taxonomy", "ner")
    }
    assert (800, 8 * PRICE, 0.0) == (
        answer.metrics.tokens_used,
        answer.metrics.cost_usd,
        answer.metrics.cost_limit_usd,
    )
    assert 8 == len(model.asked) == len(set(model.asked))
    mystery = next(
        one for one in await brain.list_products("acme") if one.name == "Mystery thing 4"
    )
    assert EnrichmentStatus.DONE is mystery.enrichment_status
    assert "llm:small" == mystery.enrichment["taxonomy"]["source"]
    assert {"brand": "mystery", "category": "camping.tents"} == {
        edge.relation.value: edge.target
        for edge in await brain.list_edges("acme", product_id=mystery.product_id)
    }
    await record_history(handle, module, "asks")


async def test_a_run_stops_at_its_cost_limit_and_leaves_the_rest_waiting(
    client: Client,
    brain: Brain,
    harvest: Harvest,
    asking: tuple[Model, ModuleConfig],
    record_history: RecordHistory,
) -> None:
    """However many are asked at once; the next run goes on, and asks nothing twice."""
    model, asking_module = asking
    await harvest(20)

    async with running(client, asking_module):
        handle = await start(client, cost_limit_usd=5.5 * PRICE)
        answer = await handle.result()
        left = await statuses(brain)
        rest = (await (await start(client)).result()).payload

    report = answer.payload
    assert ("cost_limit", 12 + 5, 3) == (
        report["outcome"],
        report["products"],
        report["waiting"],
    )
    assert {"done": 17, "waiting": 3} == left
    assert (5 * PRICE, 5.5 * PRICE) == (answer.metrics.cost_usd, answer.metrics.cost_limit_usd)
    assert ("nothing_pending", 3) == (rest["outcome"], rest["products"])
    assert 8 == len(model.asked) == len(set(model.asked))
    await record_history(handle, module, "cost-limit")


async def test_a_price_change_is_no_reason_to_ask_again(
    client: Client, brain: Brain, harvest: Harvest, asking: tuple[Model, ModuleConfig]
) -> None:
    """Answers that were paid for stay."""
    model, asking_module = asking
    await harvest(10)

    async with running(client, asking_module):
        await (await start(client)).result()
        before = list(model.asked)
        await harvest(10, price=2)
        report = (await (await start(client)).result()).payload

    assert (10, 10, 0) == (report["products"], report["kept"], report["tokens"])
    assert before == model.asked


async def test_without_a_language_model_any_more_what_waits_goes_to_people(
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    configuration: Configuration,
) -> None:
    """Nothing waits for ever for somebody who is not there."""
    await harvest(10)
    silent: Gardening = gardening(brain, objects, configuration)
    async with running(client, with_activities(silent.all)):
        await (await start(client, max_batches=1)).result()
        waiting = await statuses(brain)

    async with running(client, with_activities(gardening(brain, objects).all)):
        report = (await (await start(client)).result()).payload

    assert {"done": 6, "waiting": 4} == waiting
    assert {"done": 6, "review": 4} == await statuses(brain)
    assert ("nothing_pending", {"review": 4}) == (report["outcome"], report["by_status"])
