"""What runs look at again though no product changed: errors, doubts, a catalogue afresh."""

from pathlib import Path
from uuid import uuid4

import pytest
from gardener_runs import Harvest, gardening
from pydantic import ValidationError
from temporalio.testing import ActivityEnvironment

from contextworker.brain import Brain, Enrichment, EnrichmentStatus
from contextworker.core.objects import ObjectStore
from contextworker.gardener.enrichers.configuration import Configuration, read_configuration
from contextworker.gardener.enriching.entries import standing
from contextworker.gardener.enriching.messages import Again, BatchRequest, GardenerRequest, Scope

OTHER = """
[[category]]
id = "tents"
name = "Tents"
synonyms = ["намет"]
[[category]]
id = "packs"
name = "Backpacks"
[[category]]
id = "mysteries"
name = "Mysteries"
synonyms = ["mystery thing"]
"""


async def run(
    brain: Brain,
    objects: ObjectStore,
    configuration: Configuration | None = None,
    again: Again | None = None,
) -> int:
    """Do what a run's beginning and its first batch do; say how many products that were."""
    activities = gardening(brain, objects, configuration)
    scope = Scope(tenant_id="acme", again=again)
    known = await ActivityEnvironment().run(activities.gather_knowledge, scope)
    request = BatchRequest(
        **scope.model_dump(), claim_id=str(uuid4()), batch_size=10, knowledge=known
    )
    return (await ActivityEnvironment().run(activities.enrich_batch, request)).stored


async def decide(brain: Brain, sku: str, **entry: object) -> None:
    """Store another status or source for a product's category."""
    (product,) = [one for one in await brain.list_products("acme") if one.sku == sku]
    status = EnrichmentStatus(str(entry.get("status", product.enrichment_status.value)))
    results = product.enrichment | {"taxonomy": product.enrichment["taxonomy"] | entry}
    await brain.store_enrichment(
        "acme",
        [
            Enrichment(
                product_id=product.product_id,
                content_hash=product.content_hash,
                status=status,
                results=results,
            )
        ],
    )


async def test_errors_are_tried_again(brain: Brain, objects: ObjectStore, harvest: Harvest) -> None:
    """By the next run, whatever it is for: what failed may have been mended."""
    await harvest(5)
    await run(brain, objects)
    await decide(brain, "S00000", status="error", result={}, source="names")

    assert 1 == await run(brain, objects)

    (product,) = [one for one in await brain.list_products("acme") if one.sku == "S00000"]
    assert EnrichmentStatus.DONE is product.enrichment_status


@pytest.mark.parametrize(
    ("again", "stored", "categories"),
    [
        (None, 0, ["camping.tents", "camping.tents", "hiking.backpacks", "camping.tents", None]),
        (
            Again.REVIEW,
            2,
            ["camping.tents", "camping.tents", "hiking.backpacks", "camping.tents", "mysteries"],
        ),
        (Again.ALL, 5, ["camping.tents", "tents", "packs", "tents", "mysteries"]),
    ],
    ids=["no", "review", "all"],
)
async def test_another_taxonomy_is_gone_by_where_that_is_asked_for(
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    tmp_path: Path,
    *,
    again: Again | None,
    stored: int,
    categories: list[str | None],
) -> None:
    """What is in doubt, or all of it; what a person decided of the first product stays."""
    await harvest(5)
    await run(brain, objects)
    await decide(brain, "S00000", source="person:ann")
    (tmp_path / "other.toml").write_text(OTHER, encoding="utf-8")
    config = tmp_path / "gardener.toml"
    config.write_text('[default.taxonomy]\nfile = "other.toml"\n', encoding="utf-8")

    assert stored == await run(brain, objects, read_configuration(config), again)

    products = sorted(await brain.list_products("acme"), key=lambda one: one.sku)
    assert categories == [one.enrichment["taxonomy"]["result"].get("id") for one in products]


@pytest.mark.parametrize(
    ("again", "stays"),
    [
        (None, ["done", "doubt", "unsure", "silent", "said", "person"]),
        (Again.REVIEW, ["done", "unsure", "said", "person"]),
        (Again.ALL, ["person"]),
    ],
    ids=["no", "review", "all"],
)
def test_a_language_model_is_asked_again_where_it_did_not_answer(
    again: Again | None, stays: list[str]
) -> None:
    """Not where it could not say: that would cost the same, and come to the same."""
    entries = {
        "done": {"status": "done", "source": "names"},
        "doubt": {"status": "review", "source": "names", "reason": "not surely"},
        "unsure": {"status": "review", "source": "llm:small", "reason": "small is not sure"},
        "silent": {
            "status": "review",
            "source": "llm:small",
            "reason": "no answer from small: 503",
        },
        "said": {"status": "done", "source": "llm:small"},
        "person": {"status": "done", "source": "person:ann"},
    }

    assert stays == list(standing(entries, again))


def test_again_is_for_all_suppliers() -> None:
    """What it makes pending is the tenant's, so one supplier's run would leave the rest."""
    with pytest.raises(ValidationError, match="leave supplier_code out"):
        GardenerRequest(tenant_id="acme", supplier_code="camp", again=Again.ALL)
