"""The table that takes a batch of products on its way into `products`."""

from sqlalchemy import Column, MetaData, Table

from contextworker.brain.models import CONTENT_FIELDS
from contextworker.brain.sql.schema import products

COLUMNS = (
    "product_id",
    *(name for name in CONTENT_FIELDS if name != "dealer_code"),
    "content_hash",
)

incoming = Table(
    "brain_incoming",
    MetaData(),
    # Of SQLite's rows only: see `merge`.
    Column("tenant_id", products.c.tenant_id.type),
    *(Column(name, products.c[name].type) for name in COLUMNS),
    prefixes=["TEMPORARY"],
)
"""Lives as long as its transaction, and is seen by that connection only."""
