"""What people ask of results in doubt, and what they are told."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from contextworker.core.messages import Message, RoutePayload

Task = Literal["taxonomy", "ner", "params", "tech"]


class Action(StrEnum):
    """What is asked."""

    LIST = "list"
    ACCEPT = "accept"
    """The result is right: it is done, and an example to learn from."""
    REJECT = "reject"
    """The result is wrong and nobody says what is right: it is done, and empty."""
    CORRECT = "correct"
    """The result given is the right one: it is done, and an example to learn from."""


class ReviewRequest(RoutePayload):
    """List results in review, or decide some of them."""

    action: Action = Action.LIST
    task: Task | None = Field(default=None, description="Only this task's; needed to decide.")
    product_ids: tuple[str, ...] = Field(default=(), max_length=200, description="To decide.")
    correction: dict[str, Any] | None = Field(
        default=None, description="The right result, as the task's own; for `correct`."
    )
    supplier_code: str | None = Field(default=None, min_length=1, max_length=256)
    limit: int = Field(default=20, ge=1, le=200)
    after: str | None = Field(default=None, description="The `next` of the page before.")


class ReviewItem(Message):
    """One result in doubt."""

    product_id: str
    task: str
    sku: str
    supplier_code: str
    name: str
    result: dict[str, Any]
    confidence: float
    source: str
    reason: str
    at: datetime | None = None


class ReviewPage(Message):
    """Some of them."""

    items: tuple[ReviewItem, ...]
    next: str | None = Field(description="Where the next page starts; null on the last one.")


class Decided(Message):
    """What became of one product."""

    product_id: str
    decided: bool
    message: str = Field(default="", description="Why not.")
    status: str = Field(default="", description="Of the product, now.")
    result: dict[str, Any] = Field(default_factory=dict)


class ReviewReport(Message):
    """What became of all of them."""

    task: str
    action: Action
    decided: int
    products: tuple[Decided, ...]
