"""Says to a person why today's workflows cannot continue a recorded run."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

_MESSAGE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')
_OTHER_NAME = re.compile(
    r"(?P<kind>Activity|Child workflow) \w+ of scheduled event '(?P<recorded>.*)' "
    r"does not match .*'(?P<now>.*)'"
)
_OTHER_COMMAND = re.compile(
    r"(?P<now>.+) machine does not handle this event: HistoryEvent\W+(?:event_)?id: (?P<event>\d+)",
)
_NO_COMMAND = re.compile(r"No command scheduled for event HistoryEvent\W+(?:event_)?id: (\d+)")
_COMMANDS = {
    "Activity": "an activity",
    "Cancel workflow": "the end: it is cancelled",
    "Child workflow": "a child workflow",
    "Complete workflow": "the end: it completes",
    "Continue as new workflow": "the end: it continues as new",
    "Fail workflow": "the end: it fails",
    "Timer": "a timer",
}
_KEEP_BOTH = (
    'keep both paths: the new one where `workflow.patched("what-changed")` says so, the recorded '
    "one elsewhere"
)
_KEEP_READING = (
    "let the code read and do what was recorded, too: a new field, for one, needs a default"
)
_PREFIX = "[TMPRL1100] Nondeterminism error: "


@dataclass(frozen=True)
class Mismatch:
    """What went wrong, in a few indented lines, and how the code can keep up with it."""

    said: str
    remedy: str


class HistoryMismatchError(AssertionError):
    """Today's workflows take another path than a recorded run of a compatible release."""

    def __init__(self, message: str, mismatch: Mismatch) -> None:
        super().__init__(message)
        self.mismatch = mismatch


def explain(error: Exception, events: Sequence[HistoryEvent]) -> Mismatch:
    """Say what the run did then and what the code does now."""
    messages = [_unescaped(message) for message in _MESSAGE.findall(str(error)) if message]
    if not messages:
        return Mismatch(f"  replaying it failed: {error}", _KEEP_READING)
    text = messages[0]
    if not text.startswith(_PREFIX):
        said = "\n".join(messages).replace("\n", "\n    ")
        return Mismatch(f"  the workflow's code raised: {said}", _KEEP_READING)
    text = text.removeprefix(_PREFIX)
    if found := _OTHER_NAME.match(text):
        kind = found["kind"].lower()
        return _paths(f"the {kind} {found['recorded']!r}", f"the {kind} {found['now']!r}")
    if found := _OTHER_COMMAND.match(text):
        now = _COMMANDS.get(found["now"], found["now"].lower())
        return _paths(_described(events, int(found["event"])), now)
    if found := _NO_COMMAND.match(text):
        return _paths(_described(events, int(found[1])), "nothing: it waits")
    return Mismatch(f"  {text}", _KEEP_BOTH)


def _paths(recorded: str, now: str) -> Mismatch:
    return Mismatch(f"  recorded next: {recorded}\n  the code now:  {now}", _KEEP_BOTH)


def _unescaped(text: str) -> str:
    """Undo how Temporal's core quotes a message."""
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": " "}.get(found[1], found[1]), text)


def _described(events: Sequence[HistoryEvent], event_id: int) -> str:
    event = next((event for event in events if event.event_id == event_id), None)
    if event is None:
        return f"event {event_id}"
    match event.event_type:
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            activity = event.activity_task_scheduled_event_attributes
            what = f"the activity {activity.activity_type.name!r}"
        case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            child = event.start_child_workflow_execution_initiated_event_attributes
            what = f"the child workflow {child.workflow_type.name!r}"
        case EventType.EVENT_TYPE_TIMER_STARTED:
            timer = event.timer_started_event_attributes.start_to_fire_timeout
            what = f"a timer of {timer.ToTimedelta().total_seconds():g} s"
        case kind:
            what = EventType.Name(kind).removeprefix("EVENT_TYPE_").replace("_", " ").lower()
    return f"{what} (event {event_id})"
