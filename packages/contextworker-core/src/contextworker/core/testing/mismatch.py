"""Says to a person why today's workflows cannot continue a recorded run."""

import re
from collections.abc import Sequence

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

_MESSAGE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')
_OTHER_NAME = re.compile(r"of scheduled event '(?P<recorded>.*)' does not match .*'(?P<now>.*)'")
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
_PREFIX = "[TMPRL1100] Nondeterminism error: "


class HistoryMismatchError(AssertionError):
    """Today's workflows take another path than a recorded run of a compatible release."""


def explain(error: Exception, events: Sequence[HistoryEvent]) -> str:
    """Say in a line or two what the run did then and what the code does now."""
    messages = [
        re.sub(r"\\(.)", r"\1", message) for message in _MESSAGE.findall(str(error)) if message
    ]
    if not messages:
        return f"  replaying it failed: {error}"
    text = messages[0]
    if not text.startswith(_PREFIX):
        return "  the workflow's code raised: " + ": ".join(messages)
    text = text.removeprefix(_PREFIX)
    if found := _OTHER_NAME.search(text):
        return _lines(repr(found["recorded"]), repr(found["now"]))
    if found := _OTHER_COMMAND.match(text):
        now = _COMMANDS.get(found["now"], found["now"].lower())
        return _lines(_described(events, int(found["event"])), now)
    if found := _NO_COMMAND.match(text):
        return _lines(_described(events, int(found[1])), "nothing: it waits")
    return f"  {text}"


def _lines(recorded: str, now: str) -> str:
    return f"  recorded next: {recorded}\n  the code now:  {now}"


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
