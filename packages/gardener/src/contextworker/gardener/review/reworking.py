"""What follows from decided entries: the tasks that read them, the product's status, its edges."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from contextworker.brain.models import Enrichment, Product
from contextworker.gardener.enrichers.base import ProductText, TaskEntry
from contextworker.gardener.enrichers.pipeline import Pipeline
from contextworker.gardener.enriching.entries import enrichment, moment


def reworked(
    products: Sequence[Product],
    texts: Sequence[ProductText],
    decided: Sequence[Mapping[str, TaskEntry]],
    *,
    pipeline: Pipeline,
    at: datetime,
) -> list[Enrichment]:
    """Return each product's enrichment with the decided entries in place.

    Tasks that read what was decided are done again, as in any run; the others stay as they are.
    """
    time = moment(at)
    changed = [
        product.model_copy(update={"enrichment": {**product.enrichment, **_stored(entries, time)}})
        for product, entries in zip(products, decided, strict=True)
    ]
    worked = pipeline.run(texts, [product.enrichment for product in changed])
    # Results of a product are stored as a whole, so only over those that these are made of: another
    # person may decide another task of it at this moment.
    return [
        enrichment(new, work, at=time).model_copy(update={"over": old.enrichment})
        for old, new, work in zip(products, changed, worked, strict=True)
    ]


def _stored(entries: Mapping[str, TaskEntry], at: str) -> dict[str, object]:
    return {
        task: entry.model_dump(mode="json", exclude_none=True) | {"at": at}
        for task, entry in entries.items()
    }
