"""What a person's decision makes of one product's entry, or why it makes nothing of it."""

from collections.abc import Mapping
from typing import Any

from contextworker.brain.models import EnrichmentStatus, Product
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskEntry
from contextworker.gardener.enrichers.entries import PERSON, TEXT_FIELDS, hash_inputs, reads_of
from contextworker.gardener.enrichers.results import Result, TaxonomyResult
from contextworker.gardener.review.corrections import (
    Terms,
    found_result,
    right_result,
    stored_form,
)
from contextworker.gardener.review.messages import Action, Decision


class PassedOverError(Exception):
    """A product keeps what it has; the message says why."""


def decided_entry(
    product: Product, text: ProductText, decision: Decision, *, terms: Terms
) -> TaskEntry:
    """Return the entry that a decision gives a product.

    Decided once and asked again by the same decision, it is the same entry.

    Raises:
        PassedOverError: The product or its result is not what the person looked at.
        InvalidInputError: The correction is no result of the task.
    """
    request = decision.request
    task = str(request.task)
    stands = _entry(product.enrichment.get(task))
    if stands is not None and _is(stands, decision):
        return TaskEntry.model_validate(stands)
    if product.enrichment_status is EnrichmentStatus.PENDING:
        raise PassedOverError(
            "it waits for the gardener, as it changed or a new model is to look at it; run the "
            "gardener, then look again"
        )
    if stands is None and request.action is not Action.CORRECT:
        raise PassedOverError(f"the gardener has no result of {task} for it")
    _check_order(stands or {}, decision)
    result = _right(task, stands or {}, decision, terms=terms)
    return TaskEntry(
        status=ResultStatus.DONE,
        result=stored_form(result) if result else {},
        confidence=1,
        source=PERSON + decision.subject,
        at=decision.at,
        inputs=hash_inputs(_read_names(stands or {}), text, {}),
    )


def _entry(stands: object) -> Mapping[str, Any] | None:
    return stands if isinstance(stands, Mapping) and "status" in stands else None


def _is(entry: Mapping[str, Any], decision: Decision) -> bool:
    """Tell whether the entry is what this very decision stored, in an earlier attempt."""
    if entry.get("source") != PERSON + decision.subject:
        return False
    return TaskEntry.model_validate(entry).at == decision.at


def _check_order(entry: Mapping[str, Any], decision: Decision) -> None:
    action, task = decision.request.action, decision.request.task
    source, status = str(entry.get("source", "")), entry.get("status")
    by_person = source.startswith(PERSON)
    if by_person and TaskEntry.model_validate(entry).at > decision.at:
        raise PassedOverError(f"{source.removeprefix(PERSON)} has decided it since")
    if action is Action.CORRECT or status == ResultStatus.REVIEW:
        return
    if by_person:
        raise PassedOverError(
            f"{source.removeprefix(PERSON)} has decided it already; `correct` changes that"
        )
    raise PassedOverError(
        f"its {task} is {status}, not in review; `correct` changes it all the same"
    )


def _right(
    task: str, entry: Mapping[str, Any], decision: Decision, *, terms: Terms
) -> Result | None:
    request = decision.request
    found = entry.get("result") or {}
    match request.action:
        case Action.CORRECT:
            return right_result(task, request.correction or {}, found, terms=terms)
        case Action.ACCEPT:
            result = found_result(task, found)
            if result is None:
                raise PassedOverError(
                    "nothing was found, so there is nothing to accept: correct it, or reject it"
                )
            if isinstance(result, TaxonomyResult) and all(
                category.id != result.id for category in terms.taxonomy
            ):
                raise PassedOverError(
                    f"the taxonomy has no category {result.id!r} any more: correct it, or reject it"
                )
            return result
    return None


def _read_names(entry: Mapping[str, Any]) -> frozenset[str]:
    """Return the product's fields that the answer was read from: the decision holds as they do.

    Results of other tasks are not among them: a person looks at the product.
    """
    names = reads_of(str(entry.get("inputs", "")))
    return TEXT_FIELDS & names or TEXT_FIELDS
