"""What code in the sandbox may ask of the Brain: the entry point in `contextworker.tools`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from contextworker.brain.commerce.payloads import exact, exact_amount
from contextworker.brain.models import EnrichmentStatus, Product
from contextworker.brain.opening import open_brain
from contextworker.brain.protocol import Brain
from contextworker.brain.settings import BrainSettings
from contextworker.brain.values import Text
from contextworker.core.errors import PermanentError
from contextworker.core.tools import Tool, ToolContext, Toolset

MOST_PRODUCTS: Final = 200

_Text = Annotated[Text, StringConstraints(max_length=256)]


class ProductTools:
    """The tools that read products, on a Brain that the first call opens.

    Not sooner: a worker that runs other code must start also where the Brain is away.
    """

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._opening = asyncio.Lock()
        self._brain: Brain | None = None

    async def products(
        self,
        context: ToolContext,
        query: _Text = "",
        *,
        supplier_code: _Text | None = None,
        enrichment_status: EnrichmentStatus | None = None,
        include_removed: bool = False,
        limit: Annotated[int, Field(ge=1, le=MOST_PRODUCTS)] = 50,
        after: _Text | None = None,
    ) -> list[dict[str, Any]]:
        """Return products of the tenant, in the order of product_id.

        Safe to repeat: it only reads.

        Args:
            context: Whose.
            query: Only those with this text in SKU, name or brand, whatever its case.
            supplier_code: Only that supplier's.
            enrichment_status: Only those that are `pending`, `waiting`, `done`, `review` or
                `error`.
            include_removed: Also those that their supplier's feed no longer has.
            limit: How many at most.
            after: The product_id of the last one seen: what comes next.
        """
        brain = await self._opened()
        found = await brain.list_products(
            context.tenant_id,
            limit=limit,
            after=after,
            dealer_code=supplier_code,
            enrichment_status=enrichment_status,
            search=query or None,
            include_removed=include_removed,
        )
        return [_told(product) for product in found]

    async def _opened(self) -> Brain:
        async with self._opening:
            if self._brain is None:
                _refuse_to_make_one()
                self._brain = await self._stack.enter_async_context(open_brain())
        return self._brain


@asynccontextmanager
async def open_tools() -> AsyncIterator[Sequence[Tool]]:
    """Offer `products`; what its calls open is closed on leaving."""
    async with AsyncExitStack() as stack:
        yield [Tool(ProductTools(stack).products)]


tools = Toolset(open_tools)


def _refuse_to_make_one() -> None:
    """Refuse to read from a file that is not there yet.

    Opening would make it, and a worker that was not told where the Brain is would answer for ever
    that there are no products.
    """
    from contextworker.brain.sql.urls import parse_url  # noqa: PLC0415 - loads SQLAlchemy

    settings = BrainSettings()
    variable = "BRAIN_LEDGER_URL" if settings.is_service else "BRAIN_URL"
    url = settings.ledger_url if settings.is_service else settings.url
    file = parse_url(url.get_secret_value(), variable=variable).path
    if file is not None and not file.exists():
        raise PermanentError(
            "there are no products: nothing was stored yet where this worker looks for them; "
            f"harvest first, or have its operator set {variable} to where harvests store them"
        )


def _told(product: Product) -> dict[str, Any]:
    price = product.price_retail
    return {
        "product_id": product.product_id,
        "sku": product.sku,
        "name": product.name,
        "supplier_code": product.dealer_code,
        "category": product.category,
        "brand": product.brand_name,
        "description": product.description,
        "price": None if price is None else exact_amount(price),
        "currency": product.currency,
        "quantity": exact(product.quantity),
        "availability": product.availability,
        "status": product.status,
        "url": product.url,
        "image_url": product.image_url,
        "params": exact(product.params),
        "enrichment": exact(product.enrichment),
        "enrichment_status": product.enrichment_status,
        "updated_at": product.updated_at,
        "removed_at": product.removed_at,
    }
