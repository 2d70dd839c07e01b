"""What is asked of training, and what came of it."""

from typing import Any, Literal

from pydantic import Field

from contextworker.core.messages import Message, ObjectRef, RoutePayload


class TrainRequest(RoutePayload):
    """Train a task's model on the tenant's examples, and use it if it is no worse."""

    task: Literal["taxonomy", "ner"] = "taxonomy"
    examples: ObjectRef | None = Field(
        default=None, description="A JSON Lines file of further examples, in the object store."
    )
    force: bool = Field(default=False, description="Use it even where it scores worse.")


class TrainReport(Message):
    """What came of it."""

    task: str
    replaced: bool = Field(description="The new model is the current one.")
    reason: str = Field(description="Why, or why not, in a sentence.")
    version: str
    examples: int
    scores: dict[str, Any] = Field(description="Of the new model, by cross-validation.")
    before: dict[str, Any] | None = Field(
        description="Of the current model on the same examples; null where there was none."
    )
    reopened: int = Field(default=0, description="Products in review that the new one looks at.")
