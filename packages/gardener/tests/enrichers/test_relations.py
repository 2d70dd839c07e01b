"""Enricher `relations`: what the results before it relate a product to."""

from collections.abc import Mapping
from typing import Any

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.enrichers.relations import Relations
from contextworker.gardener.enrichers.results import KgResult

TENTS = {"id": "camping.tents", "name": "Tents", "path": ["Camping", "Tents"]}
BRAND = {"brand": "Jack  Wolfskin", "model": "Lite"}
TECH = {
    "technologies": [{"id": "gore_tex", "name": "Gore-Tex", "text": "goretex"}],
    "materials": [{"id": "wool", "name": "Wool"}, {"id": "wool", "name": "Wool"}],
}


def relate(
    statuses: Mapping[str, ResultStatus], **results: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return relation, target and name of each."""
    subject = Subject(
        ProductText(product_id="1", content_hash="h", name="Tent"),
        {
            task: TaskResult(
                status=statuses.get(task, ResultStatus.DONE), result=dict(result), confidence=0.9
            )
            for task, result in results.items()
        },
    )
    (related,) = Relations().enrich([subject])
    assert (ResultStatus.DONE, "relations") == (related.status, related.source)
    return [
        (str(one.relation), one.target, one.name)
        for one in KgResult.model_validate(related.result).relations
    ]


def test_a_product_is_related_to_what_was_found() -> None:
    """Ids of the taxonomy and vocabulary; a brand by its name, however it is written; once each."""
    assert [
        ("brand", "jack wolfskin", "Jack  Wolfskin"),
        ("category", "camping.tents", "Tents"),
        ("technology", "gore_tex", "Gore-Tex"),
        ("material", "wool", "Wool"),
    ] == relate({}, taxonomy=TENTS, ner=BRAND, tech=TECH)


def test_a_guess_is_no_relation() -> None:
    """What a person or a language model still has to look at does not get into the graph."""
    statuses = {
        "taxonomy": ResultStatus.REVIEW,
        "ner": ResultStatus.PENDING,
        "tech": ResultStatus.ERROR,
    }

    assert [] == relate(statuses, taxonomy=TENTS, ner=BRAND, tech=TECH)


def test_what_is_unknown_relates_to_nothing() -> None:
    """No brand, no category, no task at all."""
    assert [] == relate({}, taxonomy={}, ner={"brand": None}, tech={})
    assert [] == relate({})
