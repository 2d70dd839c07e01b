"""The shapes that every module shares: what a route's payload starts from, and progress."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TenantId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]

DEFAULT_TENANT = "default"


class Message(BaseModel):
    """A frozen message between workflows, activities and callers; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RoutePayload(Message):
    """The fields every StartWorkflow payload has; a route's own model adds to them."""

    workflow_type: str = Field(default="", description="The route; the gateway reads it.")
    tenant_id: TenantId = Field(default=DEFAULT_TENANT, description="Whose data this is.")


class StepStatus(StrEnum):
    """How a step stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Step(Message):
    """One thing that a run does or did, where it keeps count of them one by one."""

    name: str
    status: StepStatus
    detail: str = Field(default="", description="With what, or what came of it; short.")


class Progress(Message):
    """How far a run is, as the `progress` query and activity heartbeats tell it.

    A workflow answers the query `progress` with the stage it is in. An activity passes a Progress
    as the first heartbeat detail; the gateway lays that over the workflow's answer.
    """

    stage: str
    done: int = Field(default=0, ge=0, description="Items finished in this stage.")
    total: int | None = Field(default=None, ge=0, description="Items in this stage, where known.")
    unit: str = Field(default="rows", description="What an item is.")
    steps: tuple[Step, ...] | None = Field(
        default=None,
        description="What was done so far, the latest last; the earliest may be left out.",
    )


class ObjectRef(Message):
    """Where an object is in the object store, and what it must be: bulk data travels as this."""

    key: str = Field(description="Path inside the store: <prefix>/<sha256>.")
    size: int = Field(ge=0, description="Bytes.")

    @property
    def sha256(self) -> str:
        """Hex digest of the object's bytes."""
        return self.key.rpartition("/")[2]
