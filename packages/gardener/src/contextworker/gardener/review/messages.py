"""What people ask of results in doubt, and what they are told."""

from abc import ABC, abstractmethod
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field
from temporalio import activity

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
        default=None,
        description="For `correct`: a category's id, path or name; of other tasks the fields that "
        "are to change, null taking one away. In short, too: a weight of `2kg`, a colour.",
    )
    supplier_code: str | None = Field(
        default=None, min_length=1, max_length=256, description="Lists only this supplier's."
    )
    limit: int = Field(default=20, ge=1, le=200, description="Products per page.")
    after: str | None = Field(default=None, description="The `next` of the page before.")


class ReviewItem(Message):
    """One result in doubt."""

    product_id: str
    task: str
    sku: str
    supplier_code: str
    name: str
    category: str = Field(default="", description="As the supplier has it.")
    brand_name: str = Field(default="", description="As the supplier has it.")
    description: str = Field(default="", description="Its beginning, as the supplier has it.")
    url: str = ""
    result: dict[str, Any]
    confidence: float
    source: str
    reason: str
    at: datetime | None = None


class ReviewPage(Message):
    """Some of them."""

    items: tuple[ReviewItem, ...]
    next: str | None = Field(description="Where the next page starts; null on the last one.")


class Decision(Message):
    """What somebody decided, and when: an attempt repeated says the same."""

    request: ReviewRequest
    subject: str = Field(min_length=1, description="Who decided, as their token named them.")
    at: datetime


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


class ReviewActivities(ABC):
    """What the workflow asks of the world."""

    @activity.defn(name="list_review")
    @abstractmethod
    async def list_review(self, request: ReviewRequest) -> ReviewPage:
        """Find results in review."""

    @activity.defn(name="decide_review")
    @abstractmethod
    async def decide_review(self, decision: Decision) -> ReviewReport:
        """Store what somebody decided."""
