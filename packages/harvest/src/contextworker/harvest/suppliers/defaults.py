"""The mappings of formats whose columns are the same for every supplier."""

from typing import Any

from contextworker.harvest.errors import SupplierError
from contextworker.harvest.messages import FeedFormat
from contextworker.harvest.suppliers.mapping import Mapping
from contextworker.harvest.suppliers.supplier import Supplier


def _optional(*columns: str) -> dict[str, Any]:
    origin = {"column": columns[0]} if len(columns) == 1 else {"columns": columns}
    return {**origin, "optional": True}


def _params(*columns: str) -> dict[str, Any]:
    return {column: _optional(column) for column in columns}


_GOOGLE: dict[str, Any] = {
    "sku": "id",
    "name": "title",
    "brand_name": _optional("brand"),
    "category": _optional("product_type", "google_product_category"),
    "category_separator": ">",
    "description": _optional("description"),
    "price_retail": "price",
    "availability": _optional("availability"),
    "url": _optional("link"),
    "image_url": _optional("image_link"),
    "params": _params(
        "gtin", "mpn", "condition", "color", "size", "material", "item_group_id", "sale_price"
    ),
    "decimal": ".",
}

DEFAULT_MAPPINGS: dict[FeedFormat, dict[str, Any]] = {
    FeedFormat.GOOGLE: _GOOGLE,
    FeedFormat.GOOGLE_TSV: _GOOGLE,
    FeedFormat.YML: {
        "sku": "id",
        "name": "name",
        "brand_name": _optional("vendor"),
        "category": _optional("category"),
        "category_separator": ">",
        "description": _optional("description"),
        "quantity": _optional("quantity"),
        "price_retail": "price",
        "currency": _optional("currency"),
        "availability": _optional("available"),
        "url": _optional("url"),
        "image_url": _optional("picture"),
        "params": {
            "*": _optional("params"),
            **_params("vendor_code", "model", "barcode", "oldprice"),
        },
        "decimal": ".",
    },
    FeedFormat.SHOPIFY: {
        "sku": "sku",
        "name": "title",
        "brand_name": _optional("vendor"),
        "category": _optional("category", "type"),
        "category_separator": ">",
        "description": _optional("body"),
        "quantity": _optional("quantity"),
        "price_retail": "price",
        "image_url": _optional("image"),
        "status": _optional("status"),
        "params": {
            "*": _optional("params"),
            **_params("handle", "tags", "barcode", "compare_at_price"),
        },
        "decimal": ".",
    },
    FeedFormat.BMECAT: {
        "sku": "id",
        "name": "name",
        "brand_name": _optional("manufacturer"),
        "category": _optional("category"),
        "category_separator": ">",
        "description": _optional("description"),
        "quantity": _optional("quantity"),
        "price_retail": _optional("price"),
        "currency": _optional("currency"),
        "image_url": _optional("image"),
        "params": {"*": _optional("params"), **_params("ean", "manufacturer_pid", "unit")},
        "decimal": ".",
    },
}
"""By format, what `[mapping]` would say."""


def mapping_for(supplier: Supplier, feed_format: FeedFormat) -> Mapping:
    """Return how a supplier's feed of this format is mapped: field by field, its file wins.

    Raises:
        SupplierError: The file leaves out what such a feed needs.
    """
    mapping = completed(supplier.mapping, feed_format)
    if problems := mapping.problems():
        hint = "" if feed_format in DEFAULT_MAPPINGS else f" (a {feed_format} feed has no default)"
        raise SupplierError(f"supplier file {supplier.code}.toml: {'; '.join(problems)}{hint}")
    return mapping


def completed(mapping: Mapping, feed_format: FeedFormat | None) -> Mapping:
    """Return a mapping with the format's defaults where it says nothing."""
    if feed_format not in DEFAULT_MAPPINGS:
        return mapping
    given = {field: getattr(mapping, field) for field in mapping.model_fields_set}
    return Mapping.model_validate(DEFAULT_MAPPINGS[feed_format]).model_copy(update=given)
