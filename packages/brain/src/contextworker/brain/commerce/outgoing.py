"""Products on their way to the service."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from contextworker.brain.commerce.payloads import REMOVED, product_payload
from contextworker.brain.identity import product_id
from contextworker.brain.models import Product, ProductFields, ProductRecord

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Outgoing:
    """A product to be sent, unless the service has it so already."""

    product_id: str
    mark: str
    payload: dict[str, Any]


def rows_outgoing(tenant_id: str, dealer_code: str, products: "pl.DataFrame") -> Iterator[Outgoing]:
    """Return the products of a frame of `PRODUCT_SCHEMA`."""
    for row in products.iter_rows(named=True):
        yield Outgoing(
            product_id(tenant_id, dealer_code, row["sku"]),
            row["content_hash"],
            product_payload(tenant_id, _fields(dealer_code, row)),
        )


def record_outgoing(tenant_id: str, item: ProductRecord) -> Outgoing:
    """Return a record."""
    return Outgoing(
        product_id(tenant_id, item.dealer_code, item.sku),
        item.content_hash,
        product_payload(tenant_id, item),
    )


def removal(item: Product) -> Outgoing:
    """Return a product with the status `removed`."""
    payload = product_payload(item.tenant_id, item, removed=True)
    return Outgoing(item.product_id, REMOVED, payload)


def again(item: Product) -> Outgoing:
    """Return a product as the ledger has it."""
    if item.removed_at is not None:
        return removal(item)
    return Outgoing(item.product_id, item.content_hash, product_payload(item.tenant_id, item))


def _fields(dealer_code: str, row: dict[str, Any]) -> ProductFields:
    """Read a row; whoever made the frame has checked it."""
    price = row["price_retail"]
    return ProductFields.model_construct(
        **{
            **row,
            "dealer_code": dealer_code,
            "price_retail": None if price is None else Decimal(price),
            "params": json.loads(row["params"]),
        }
    )
