"""The contract: what callers send and get, and what the workflow asks of the world.

Code runs in *turns*: each lasts until the code ends or calls a tool. A call suspends it, its state
is stored as a snapshot, the workflow has the call done, and the next turn resumes with the answer,
on whichever worker takes it.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints
from temporalio import activity

from contextcore import ContextUnit
from contextworker.core.caller import CallerRights
from contextworker.core.messages import Message, ObjectRef, RoutePayload, Step

MAX_CODE_CHARACTERS = 262_144
"""What a request may hold at all: no tenant's limit is higher."""

MAX_BYTES = 384 * 1024
"""The highest limit of what travels: an Execution holds that much output and a result beside it.

Quotes and line ends take two bytes each as JSON, and a turn's end and the run's may have to reach
Temporal in one message, which takes 4 MiB.
"""

InputName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]


class ExecuteRequest(RoutePayload):
    """Run a program."""

    code: str = Field(
        min_length=1, max_length=MAX_CODE_CHARACTERS, description="The program, in Python."
    )
    language: Literal["python"] = Field(default="python", description="What it is written in.")
    timeout: float | None = Field(
        default=None,
        gt=0,
        description="Seconds that it may compute, waiting for tools aside; capped by the limits.",
    )
    inputs: dict[InputName, JsonValue] = Field(
        default_factory=dict,
        description="Variables that it finds set, by name.",
        # Otherwise the schema says nothing of keys that are no names.
        json_schema_extra={"additionalProperties": False},
    )


class Limits(Message):
    """What one execution may use."""

    timeout_s: float = Field(
        gt=0, allow_inf_nan=False, description="Seconds of computing, waiting for tools aside."
    )
    memory_mib: int = Field(ge=1, description="MiB of its objects.")
    recursion: int = Field(ge=1, description="Calls within calls.")
    output_bytes: int = Field(
        ge=1, le=MAX_BYTES, description="Of stdout and stderr together; and of the result."
    )
    code_bytes: int = Field(ge=1, le=MAX_CODE_CHARACTERS)
    input_bytes: int = Field(ge=1, le=MAX_BYTES)
    calls: int = Field(ge=0, description="Calls of tools.")
    answer_bytes: int = Field(
        ge=1, le=MAX_BYTES, description="Of one tool's arguments, and of its answer."
    )
    lifetime_s: float = Field(
        gt=0, allow_inf_nan=False, description="From the start to the end, waiting included."
    )


class CodeError(Message):
    """Why code did not come to its end."""

    type: str = Field(description="The exception's class, or LimitExceeded, InterpreterCrashed.")
    message: str
    line: int | None = Field(default=None, description="Where in the code, from 1.")
    limit: str | None = Field(default=None, description="Which limit, as Limits names it.")


class ToolCall(Message):
    """A call that code makes."""

    tool: str
    args: tuple[JsonValue, ...] = ()
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)


SLEEP = "sleep"
"""The tool that `time.sleep(s)` and `asyncio.sleep(s)` are: a timer of the workflow's."""

PLATFORM_TOOLS = frozenset({"start_workflow", "task_status", "wait_for", SLEEP})
"""What the workflow itself answers; no package may offer a tool of such a name."""

AnswerBytes = Annotated[int, Field(ge=1, description="Limits.answer_bytes.")]


class ToolError(Message):
    """What a call raises in the code: RuntimeError, ValueError, TypeError, PermissionError, …."""

    type: str = "RuntimeError"
    message: str


class Answer(Message):
    """What a call returns, or raises."""

    value: JsonValue = None
    error: ToolError | None = None


class Finished(Message):
    """How code ended: with the value of its last expression, or with an error."""

    result: JsonValue = None
    result_is_repr: bool = Field(
        default=False, description="Whether the value cannot travel, and this is its repr."
    )
    error: CodeError | None = None


class Suspended(Message):
    """Where code stands: a call to be answered, and its state."""

    call: ToolCall
    snapshot: ObjectRef


class Turn(Message):
    """What a turn came to; neither where it was not done in time for the fast lane."""

    stdout: str = ""
    stderr: str = ""
    finished: Finished | None = None
    suspended: Suspended | None = None
    limits: Limits | None = Field(default=None, description="Of the tenant, with a first turn.")


class StartTurn(Message):
    """The first turn."""

    execution: str = Field(description="Names the execution's snapshots: the first run's id.")
    request: ExecuteRequest
    within_s: float | None = Field(
        default=None, description="The fast lane: give up after so many seconds."
    )


class ResumeTurn(Message):
    """A further turn."""

    execution: str
    tenant_id: str
    snapshot: ObjectRef
    answer: Answer
    output_left: int = Field(description="Bytes that it may still write.")
    discard: tuple[ObjectRef, ...] = Field(
        default=(), description="Snapshots before this one, needed no more."
    )
    within_s: float | None = None


class TaskStart(Message):
    """Start a workflow in the caller's name: the unit is the same at every attempt."""

    rights: CallerRights
    unit: ContextUnit


class StartedTask(Message):
    """What was started."""

    workflow_id: str
    run_id: str


class TaskQuestion(Message):
    """How a task stands, in the caller's name."""

    rights: CallerRights
    workflow_id: str
    run_id: str | None = None
    answer_bytes: AnswerBytes


class ToolRequest(Message):
    """A call of a tool that a package offers."""

    rights: CallerRights
    call: ToolCall
    key: str = Field(description="The same for every attempt of this call, and for no other.")
    trace_id: str
    answer_bytes: AnswerBytes


class Execution(Message):
    """The result: what the code came to."""

    result: JsonValue = None
    result_is_repr: bool = False
    stdout: str = ""
    stderr: str = ""
    error: CodeError | None = None
    calls_made: int = 0
    calls: tuple[Step, ...] = Field(default=(), description="The latest calls of tools.")


class Waited(Message):
    """How far a wait for tasks is."""

    deadline: float | None = Field(default=None, description="Seconds since 1970.")
    closed: dict[str, dict[str, JsonValue]] = Field(
        default_factory=dict, description="How tasks ended, by workflow id."
    )


class SoFar(Message):
    """What a long execution carries from one run of the workflow to the next."""

    started_at: float = Field(description="When it began, in seconds since 1970.")
    limits: Limits
    stdout: str
    stderr: str
    suspended: Suspended
    waited: Waited | None = Field(default=None, description="Where the call in hand has begun.")
    calls_made: int
    calls: tuple[Step, ...]
    tasks: dict[str, str] = Field(description="What it started: run ids by workflow id.")


class ExecuteRun(ExecuteRequest):
    """What a run of the workflow is given; callers cannot send what the last one came to."""

    so_far: SoFar | None = None


class SandboxActivities(ABC):
    """What the workflow asks of the world. Each may run twice: see each for why that is safe."""

    @activity.defn(name="start_turn")
    @abstractmethod
    async def start_turn(self, turn: StartTurn) -> Turn:
        """Run code from its beginning."""

    @activity.defn(name="resume_turn")
    @abstractmethod
    async def resume_turn(self, turn: ResumeTurn) -> Turn:
        """Run code on from a snapshot, with the answer that it waits for."""

    @activity.defn(name="discard_snapshots")
    @abstractmethod
    async def discard_snapshots(self, execution: str, tenant_id: str) -> None:
        """Delete every snapshot of an execution that has ended."""


class ToolActivities(ABC):
    """What code asks of the platform. A refusal is an Answer with an error, and not retried."""

    @activity.defn(name="start_task")
    @abstractmethod
    async def start_task(self, start: TaskStart) -> Answer:
        """Start a workflow; the answer's value is a StartedTask."""

    @activity.defn(name="task_status")
    @abstractmethod
    async def task_status(self, question: TaskQuestion) -> Answer:
        """Tell how a task stands: {workflow_id, status, result?, error?, …}."""

    @activity.defn(name="call_tool")
    @abstractmethod
    async def call_tool(self, request: ToolRequest) -> Answer:
        """Call a function that a package offers."""
