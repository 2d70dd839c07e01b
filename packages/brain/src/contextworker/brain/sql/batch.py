"""A batch of products as the database takes it. Needs the extra `frames`."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from contextworker.brain.frames import PRODUCT_SCHEMA, frame_of, product_id
from contextworker.brain.models import ProductRecord
from contextworker.brain.sql.incoming import COLUMNS
from contextworker.core.errors import InvalidInputError


@dataclass(frozen=True)
class Batch:
    """Products of one supplier in the order of their ids, with the columns of `COLUMNS`."""

    dealer_code: str
    frame: pl.DataFrame


def check(frame: pl.DataFrame) -> None:
    """Insist on what a frame of products has to be.

    Raises:
        InvalidInputError: It is not of `PRODUCT_SCHEMA`, or a sku comes twice.
    """
    if dict(frame.schema) != dict(PRODUCT_SCHEMA):
        raise InvalidInputError(_difference(frame))
    if frame["sku"].n_unique() < frame.height:
        repeated = frame["sku"].filter(frame["sku"].is_duplicated())[0]
        raise InvalidInputError(f"the sku {repeated!r} comes twice in one batch")


def batch_of(tenant_id: str, dealer_code: str, frame: pl.DataFrame) -> Batch:
    """Check a frame and put it into the order of the key.

    So writers that meet on the same rows queue up and never deadlock, and the database looks up
    neighbours together.
    """
    check(frame)
    ordered = frame.with_columns(product_id(tenant_id, dealer_code)).select(COLUMNS)
    return Batch(dealer_code, ordered.sort("product_id"))


def batches_of(tenant_id: str, records: Sequence[ProductRecord]) -> list[Batch]:
    """Return a batch for each supplier that records are of; of a repeated key the last wins."""
    by_dealer: dict[str, dict[str, ProductRecord]] = {}
    for item in records:
        by_dealer.setdefault(item.dealer_code, {})[item.sku] = item
    return [
        batch_of(tenant_id, dealer_code, frame_of(items.values()))
        for dealer_code, items in sorted(by_dealer.items())
    ]


def _difference(frame: pl.DataFrame) -> str:
    expected, given = dict(PRODUCT_SCHEMA), dict(frame.schema)
    wrong = [
        f"{name} ({given.get(name, 'missing')})"
        for name in [*expected, *(name for name in given if name not in expected)]
        if expected.get(name) != given.get(name)
    ]
    return (
        f"a frame of products must have the columns of PRODUCT_SCHEMA; not so: {', '.join(wrong)}"
    )
