"""What is asked of training, and what came of it."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from temporalio import activity

from contextworker.core.messages import Message, ObjectRef, RoutePayload


class TrainRequest(RoutePayload):
    """Train a task's model on the tenant's examples, and use it if it is no worse."""

    task: Literal["taxonomy", "ner"] = "taxonomy"
    examples: ObjectRef | None = Field(
        default=None, description="A JSON Lines file of further examples, in the object store."
    )
    force: bool = Field(default=False, description="Use it even where it scores worse.")
    use: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="Train nothing, and bring this earlier version back.",
    )


class TrainReport(Message):
    """What came of it."""

    task: str
    replaced: bool = Field(description="The model is the current one now.")
    reason: str = Field(description="Why, or why not, in a sentence.")
    version: str
    examples: int
    scores: dict[str, Any] = Field(description="Of the new model, by cross-validation.")
    before: dict[str, Any] | None = Field(
        description="Of the current model on the same examples; null where there was none."
    )
    reopened: int = Field(default=0, description="Products in review that the new one looks at.")


class TrainJob(Message):
    """A training, in the name of whoever asked for it: an attempt repeated trains the same."""

    request: TrainRequest
    subject: str = Field(min_length=1, description="Who asked, as their token named them.")
    at: datetime


class Candidate(Message):
    """A trained model that is to be used."""

    version: str
    artefact: ObjectRef
    examples: int
    scores: dict[str, Any]


class Trained(Message):
    """What a training came to."""

    report: TrainReport
    candidate: Candidate | None = Field(
        default=None, description="Where it is to be used; null where the current one stays."
    )


class UseJob(TrainJob):
    """Make a model the current one: a new one, or the earlier one that the request names."""

    candidate: Candidate | None = None


class Used(Message):
    """A model that is the current one now."""

    version: str
    examples: int
    scores: dict[str, Any]
    was_current: bool = Field(description="It was before, too.")
    reopened: int


class TrainActivities(ABC):
    """What the workflow asks of the world."""

    @activity.defn(name="train_model")
    @abstractmethod
    async def train_model(self, job: TrainJob) -> Trained:
        """Train and score a model, and keep it in the object store where it is to be used."""

    @activity.defn(name="use_model")
    @abstractmethod
    async def use_model(self, job: UseJob) -> Used:
        """Make a model the current one, and have it look at what is in review."""
