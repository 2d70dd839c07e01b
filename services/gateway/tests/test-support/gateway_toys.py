"""Toy modules: what they do is told by the payload, so that each test says what happens."""

import asyncio
import os
from datetime import timedelta
from typing import Literal

from pydantic import Field, JsonValue
from temporalio import activity, workflow
from temporalio.common import RetryPolicy

from contextcore import ContextUnit
from contextworker.core.caller import MEMO_KEY, CallerRights
from contextworker.core.errors import PermanentError
from contextworker.core.messages import Message, Progress, RoutePayload, Step, StepStatus
from contextworker.core.process import run_module_worker
from contextworker.core.registry import ModuleConfig, Route


class OutOfTentsError(PermanentError):
    """The toys' own permanent error."""


class ToyCode(RoutePayload):
    """What code a toy execution is to run; it knows a few words."""

    code: str = Field(min_length=1)
    language: Literal["python"] = "python"
    timeout: float | None = Field(default=None, gt=0)
    inputs: dict[str, JsonValue] = Field(default_factory=dict)


class ToyItem(Message):
    """Something nested."""

    sku: str
    quantity: int = Field(ge=0)


class ToyRequest(RoutePayload):
    """What a toy run does."""

    supplier_code: str = Field(min_length=1, max_length=40)
    limit: int | None = Field(default=None, ge=1)
    items: list[ToyItem] = Field(default_factory=list)


@activity.defn(name="toy_fail")
async def fail(kind: str) -> None:
    """Fail for good, with a cause; or until somebody gives up."""
    if kind == "permanent":
        try:
            await asyncio.to_thread(open, "feed.csv")
        except FileNotFoundError as error:
            raise OutOfTentsError("the supplier is out of tents") from error
    raise ConnectionError("the feed's server does not answer")


@activity.defn(name="toy_work")
async def work() -> None:
    """Heartbeat until cancelled."""
    while True:
        activity.heartbeat(Progress(stage="fetch", done=7), {"cursor": 7})
        await asyncio.sleep(0.05)


@activity.defn(name="toy_count")
async def count() -> None:
    """Count to 40, ten a second."""
    for done in range(41):
        activity.heartbeat(Progress(stage="count", done=done, total=40))
        await asyncio.sleep(0.1)


@workflow.defn(name="toy")
class ToyWorkflow:
    """Does what `supplier_code` says, until `finish`."""

    def __init__(self) -> None:
        self._finished = False

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        match unit.payload.get("supplier_code"):
            case "wait":
                await workflow.wait_condition(lambda: self._finished)
            case "work":
                await workflow.execute_activity(
                    work,
                    start_to_close_timeout=timedelta(minutes=1),
                    heartbeat_timeout=timedelta(seconds=5),
                )
            case "count":
                await workflow.execute_activity(
                    count,
                    start_to_close_timeout=timedelta(minutes=1),
                    heartbeat_timeout=timedelta(seconds=5),
                )
            case "permanent" | "transient" as kind:
                await workflow.execute_activity(
                    fail,
                    kind,
                    start_to_close_timeout=timedelta(seconds=10),
                    retry_policy=RetryPolicy(
                        initial_interval=timedelta(minutes=5), maximum_attempts=4
                    ),
                )
            case "child":
                await workflow.execute_child_workflow(
                    ToyWorkflow.run, unit.child({"supplier_code": "permanent"}, provenance="a:b")
                )
            case "bug":
                raise KeyError("price")
            case "continue_and_wait":
                workflow.continue_as_new(unit.child({"supplier_code": "wait"}, provenance="a:b"))
            case "again":
                workflow.continue_as_new(unit.child({"supplier_code": "done"}, provenance="a:b"))
        return unit.child({"done": True, "nothing": None}, provenance="worker:toy")

    @workflow.signal
    def finish(self) -> None:
        """End a waiting run."""
        self._finished = True

    @workflow.query(name="progress")
    def progress(self) -> Progress:
        """Tell the stage."""
        return Progress(stage="fetch", done=1, total=10)


@workflow.defn(name="toy_plain")
class PlainWorkflow:
    """Returns what the payload asks for, which is no unit; it knows no query."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> object:
        """Run."""
        match unit.payload.get("returns"):
            case "text":
                return "x" * 1000
            case "much":
                return [0] * 600_000
            case "bytes":
                return b"\x00"
            case "wait":
                await workflow.wait_condition(lambda: False)
        return {"values": [1, None]}


def rights() -> dict[str, JsonValue]:
    """Return whose rights a run has."""
    held: CallerRights = workflow.memo_value(MEMO_KEY, type_hint=CallerRights)
    return held.model_dump(mode="json")


@workflow.defn(name="execute_code")
class CodeWorkflow:
    """Does what a word of `code` says."""

    def __init__(self) -> None:
        self._finished = False
        self._steps: tuple[Step, ...] = ()

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit | str:
        """Run."""
        result: JsonValue = 2
        match unit.payload["code"]:
            case "wait":
                await workflow.wait_condition(lambda: self._finished)
            case "again":
                workflow.continue_as_new(unit.child({"code": "rights"}, provenance="a:b"))
            case "again and wait":
                workflow.continue_as_new(unit.child({"code": "wait"}, provenance="a:b"))
            case "rights":
                result = rights()
            case "fail":
                raise OutOfTentsError("no interpreter is left")
            case "much":
                result = [0] * 600_000
            case "plain":
                return "no unit"
        return unit.child({"result": result, "stdout": "", "stderr": ""}, provenance="worker:toy")

    @workflow.signal
    def finish(self) -> None:
        """End a waiting run."""
        self._finished = True

    @workflow.signal
    def step(self, detail: str, times: int) -> None:
        """Take some steps."""
        step = Step(name="wait_for", status=StepStatus.RUNNING, detail=detail)
        self._steps += (step,) * times

    @workflow.query(name="progress")
    def progress(self) -> Progress:
        """Tell the steps."""
        return Progress(stage="run", steps=self._steps)


@workflow.defn(name="toy_agent")
class AgentWorkflow:
    """Acts for whoever started it, one at a time for each supplier."""

    def __init__(self) -> None:
        self._finished = False

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        await workflow.wait_condition(lambda: self._finished)
        return unit.child(rights(), provenance="worker:toy")

    @workflow.signal
    def finish(self) -> None:
        """End it."""
        self._finished = True


toys = ModuleConfig(
    name=os.environ.get("TOY_MODULE", "toys"),
    workflows=[
        Route(
            workflow=ToyWorkflow,
            payload=ToyRequest,
            workflow_id="toy-{tenant_id}-{supplier_code}",
            description="Plays",
        ),
        PlainWorkflow,
        Route(workflow=CodeWorkflow, payload=ToyCode, needs_caller=True),
        Route(
            workflow=AgentWorkflow,
            payload=ToyRequest,
            workflow_id="toy_agent-{tenant_id}-{supplier_code}",
            needs_caller=True,
        ),
    ],
    activities=[fail, work, count],
)


if __name__ == "__main__":
    run_module_worker(toys)
