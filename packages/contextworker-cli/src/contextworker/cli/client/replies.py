"""What a gateway replies, as far as the command line reads it; the rest stays in `model_extra`."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from contextworker.core.messages import Progress

OPEN = frozenset({"queued", "running"})


class Reply(BaseModel):
    """A reply's payload; a newer gateway may say more."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def dump(self) -> Any:
        """Return the payload as the gateway sent it, in the order of its keys.

        On the wire the fields have no order, and a reader compares two replies line by line.
        """
        return _sorted(self.model_dump(mode="json", exclude_unset=True, by_alias=True))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


class Started(Reply):
    """The reply to StartWorkflow."""

    workflow_id: str
    run_id: str = ""
    status: str = "started"


class Cause(Reply):
    """One link of what a failure was caused by."""

    type: str = ""
    message: str = ""


class Failure(Cause):
    """Why a run failed, or what its activity fails with at the moment."""

    will_retry: bool = False
    activity: str | None = None
    attempt: int | None = None
    next_attempt_at: str | None = None
    causes: list[Cause] = []

    def deeper(self) -> list[str]:
        """Return the causes that say something new."""
        said = {cause.message: f"{cause.type}: {cause.message}" for cause in self.causes}
        said.pop(self.message, None)
        return list(said.values())

    def sentence(self) -> str:
        """Say what went wrong, and where it is not over, what comes next."""
        text = self.message or self.type or "no reason was given"
        if not self.will_retry:
            return text
        attempt = f"attempt {self.attempt} of {self.activity} failed" if self.attempt else "failed"
        again = f"again at {self.next_attempt_at}" if self.next_attempt_at else "trying again"
        return f"{text} ({attempt}; {again})"


class TaskStatus(Reply):
    """The reply to GetTaskStatus."""

    workflow_id: str
    status: str
    workflow_type: str | None = None
    run_id: str | None = None
    task_queue: str | None = None
    started_at: str | None = None
    closed_at: str | None = None
    reason: str | None = None
    progress: Progress | None = None
    result: dict[str, Any] | None = None
    error: Failure | None = None

    @property
    def open(self) -> bool:
        """Whether the workflow may still change."""
        return self.status in OPEN


class RouteInfo(Reply):
    """One workflow type of a module."""

    workflow_type: str
    description: str = ""
    payload_schema: dict[str, Any] | None = Field(default=None, alias="schema")

    def fields(self) -> Iterator[tuple[str, str]]:
        """Yield each field of the payload with its type and meaning, required ones first."""
        schema = self.payload_schema or {}
        required = set(schema.get("required", []))
        properties = schema.get("properties", {}).items()
        for name, field in sorted(properties, key=lambda item: item[0] not in required):
            if name == "workflow_type":
                continue
            kinds = [field, *field.get("anyOf", [])]
            kind = " or ".join(str(part["type"]) for part in kinds if "type" in part) or "any"
            need = "required" if name in required else f"default {field.get('default')!r}"
            text = field.get("description", "")
            yield name, f"{kind}, {need}" + (f". {text}" if text else "")


class ModuleInfo(Reply):
    """One module."""

    name: str
    task_queue: str = ""
    build_id: str = ""
    workers: int | None = None
    routes: list[RouteInfo] = []
