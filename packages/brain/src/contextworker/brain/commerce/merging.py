"""What the service tells of a product, laid over what the ledger has of it."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from contextcore.payload import arrived_payload
from contextworker.brain.commerce.payloads import exact, extras, product_payload
from contextworker.brain.models import Product
from contextworker.core.errors import PermanentError

_TEXTS = ("name", "category", "brand_name", "description")


def merged(product: Product, told: Mapping[str, Any], service: str) -> Product:
    """Return a product with what was changed in the service since it was sent there.

    What the service tells just as it was sent is taken from the ledger, which has every digit of
    it; so is what the service does not tell.

    Raises:
        PermanentError: The service tells something that no product can have.
    """
    sent = arrived_payload(
        {
            **product_payload(product.tenant_id, product),
            "enrichment": exact(product.enrichment),
            "description": product.description,
        }
    )
    changed = {
        name: told[name]
        for name in (*_TEXTS, "params", "enrichment")
        if told.get(name) is not None and told[name] != sent[name]
    }
    if isinstance(params := changed.get("params"), dict):
        changed["params"] = _without_extras(params, product)
    if not changed:
        return product
    try:
        return Product.model_validate({**dict(product), **changed})
    except ValidationError as error:
        fields = ", ".join(sorted({str(item["loc"][0]) for item in error.errors()}))
        raise PermanentError(
            f"the commerce service at {service} tells of product {product.product_id} what no "
            f"product can have: {fields}"
        ) from error


def _without_extras(params: dict[str, Any], product: Product) -> dict[str, Any]:
    sent = extras(product)
    return {
        name: value
        for name, value in params.items()
        if name in product.params or sent.get(name) != value
    }
