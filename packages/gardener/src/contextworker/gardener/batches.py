"""How batches, results and brands stand in the object store: JSON, the same bytes every time."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from contextworker.brain.models import Product
from contextworker.gardener.enrichers.base import ProductText, TaskResult

_PRODUCTS = TypeAdapter(list[ProductText])
_RESULTS = TypeAdapter(list[TaskResult])
_BRANDS = TypeAdapter(list[str])


def prefix(tenant_id: str) -> str:
    """Return where a tenant's objects stand."""
    return f"{tenant_id}/gardener"


def product_text(product: Product) -> ProductText:
    """Take from a product what enrichers look at."""
    return ProductText(
        product_id=product.product_id,
        content_hash=product.content_hash,
        name=product.name,
        category=product.category or "",
        brand_name=product.brand_name or "",
        description=product.description or "",
        params=dict(product.params),
    )


def encode_products(products: Sequence[Product]) -> bytes:
    """Write a batch."""
    return _PRODUCTS.dump_json([product_text(product) for product in products])


def decode_products(data: bytes) -> list[ProductText]:
    """Read a batch."""
    return _PRODUCTS.validate_json(data)


def encode_results(results: list[TaskResult]) -> bytes:
    """Write one task's results."""
    return _RESULTS.dump_json(results)


def decode_results(data: bytes) -> list[TaskResult]:
    """Read one task's results."""
    return _RESULTS.validate_json(data)


def encode_brands(brands: list[str]) -> bytes:
    """Write the brands a run knows."""
    return _BRANDS.dump_json(brands)


def decode_brands(data: bytes) -> list[str]:
    """Read the brands a run knows."""
    return _BRANDS.validate_json(data)
