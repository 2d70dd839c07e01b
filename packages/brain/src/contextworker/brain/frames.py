"""Products by the ten thousand: polars frames, where a record each would cost more than the store.

Needs the extra `frames`. A frame of products has the columns of `PRODUCT_SCHEMA`; what is the same
for a whole call (tenant, supplier) is no column.
"""

from collections.abc import Iterable
from typing import cast

import polars as pl
import polars_hash as plh

from contextworker.brain.identity import NAMESPACE
from contextworker.brain.models import CONTENT_FIELDS, ProductRecord
from contextworker.brain.values import canonical_decimal, canonical_json

PRODUCT_SCHEMA = pl.Schema(
    {
        "sku": pl.String(),
        "name": pl.String(),
        "dealer_name": pl.String(),
        "category": pl.String(),
        "brand_name": pl.String(),
        "description": pl.String(),
        "quantity": pl.Int64(),
        # Plain digits without trailing zeros: `canonical_decimal`.
        "price_retail": pl.String(),
        "currency": pl.String(),
        "availability": pl.String(),
        # One JSON object, as `canonical_json` writes it.
        "params": pl.String(),
        "url": pl.String(),
        "image_url": pl.String(),
        "status": pl.String(),
        # What `content_hash` makes of the others.
        "content_hash": pl.String(),
    }
)
"""No text holds a NUL; sku, name, dealer_name, params, status and content_hash are never null."""

KNOWN_SCHEMA = pl.Schema(
    {"sku": pl.String(), "content_hash": pl.String(), "is_removed": pl.Boolean()}
)
"""What is stored of a supplier's products, to compare a feed with."""

HASH_LENGTH = 32


def content_hash(dealer_code: str) -> pl.Expr:
    """Return the hash of each row of a frame, the same as `ProductRecord.content_hash`.

    Half of a SHA-256, in hex, over `NUL name NUL value` of each field that is not null.
    """
    parts = [
        pl.lit(f"\0{name}\0{dealer_code}")
        if name == "dealer_code"
        else (pl.lit(f"\0{name}\0") + pl.col(name).cast(pl.String)).fill_null("")
        for name in CONTENT_FIELDS
    ]
    text = _hashing(pl.concat_str(parts))
    return text.chash.sha2_256().str.slice(0, HASH_LENGTH).alias("content_hash")


def product_id(tenant_id: str, dealer_code: str) -> pl.Expr:
    """Return the id of each row of a frame with a `sku`, the same as `identity.product_id`."""
    name = _hashing(pl.lit(f"{tenant_id}\0{dealer_code}\0") + pl.col("sku"))
    return name.uuidhash.uuid5(str(NAMESPACE)).alias("product_id")


def frame_of(records: Iterable[ProductRecord]) -> pl.DataFrame:
    """Return a frame of one supplier's records."""
    rows = [
        {
            **{name: getattr(item, name) for name in PRODUCT_SCHEMA if name != "params"},
            "price_retail": (
                None if item.price_retail is None else canonical_decimal(item.price_retail)
            ),
            "params": canonical_json(item.params),
        }
        for item in records
    ]
    return pl.DataFrame(rows, schema=PRODUCT_SCHEMA)


def _hashing(text: pl.Expr) -> plh.HExpr:
    """Give a text the methods that polars_hash adds to every expression."""
    return cast("plh.HExpr", text)
