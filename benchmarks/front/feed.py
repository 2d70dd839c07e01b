"""The payload that is sent: a supplier's products, in two sizes, and the route that checks it."""

import json
from typing import Any

from pydantic import BaseModel

from contextcore import ContextUnit
from contextworker.core.messages import RoutePayload

WORKFLOW_TYPE = "front"
TENANT = "acme"
SMALL, LARGE = 1_000, 100_000


class Product(BaseModel):
    """One row of the feed."""

    sku: str
    name: str
    price: float
    quantity: int
    in_stock: bool
    brand: str | None
    params: dict[str, Any]


class FeedPayload(RoutePayload):
    """What the route demands: the gateway checks every product."""

    supplier_code: str
    items: list[Product]


def unit(size: int = SMALL) -> ContextUnit:
    """Make a unit whose payload has at least that many bytes as JSON."""
    payload: dict[str, Any] = {
        "workflow_type": WORKFLOW_TYPE,
        "tenant_id": TENANT,
        "supplier_code": "camping-trade",
        "items": [],
    }
    missing = size - _bytes(payload)
    while missing > 0:
        payload["items"].append(_product(len(payload["items"])))
        missing -= _bytes(payload["items"][-1]) + 1
    return ContextUnit(payload=payload, provenance=["commerce:trigger"])


def _product(number: int) -> dict[str, Any]:
    return {
        "sku": f"CT-{number:05d}",
        "name": f"Trekking tent Forclaz {number}, für zwei Personen",
        "price": 129.95 + number,
        "quantity": number % 17,
        "in_stock": number % 3 == 0,
        "brand": None,
        "params": {"weight_g": 1850 + number, "colours": ["green", "blue"], "season": 3.5},
    }


def _bytes(content: Any) -> int:
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
