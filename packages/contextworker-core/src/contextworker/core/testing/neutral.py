"""Keeps the recording machine out of a recorded history, and the history small."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from temporalio.client import WorkflowHistory

from contextworker.core.errors import ConfigurationError

# What names a host, a process or a path, or differs from recording to recording, and no replay
# reads. Run ids and times stay: a workflow's random numbers and its clock come from them.
_UNREAD = frozenset({"identity", "requestId", "stackTrace", "taskId"})
_UNREAD_PARTS = frozenset({"meteringMetadata", "workerVersion"})
_CREDENTIALS = re.compile(r"://[^/\s\"@:]+:[^/\s\"@]+@")


def neutral_json(history: WorkflowHistory, stand_ins: Mapping[str, str]) -> str:
    """Write a history as JSON, an event a line.

    Args:
        history: What Temporal recorded.
        stand_ins: Paths of this machine, each with the text to put in its place.

    Raises:
        ConfigurationError: Credentials are left in it.
    """
    written = {
        form: neutral for path, neutral in stand_ins.items() for form in _ways_to_write(path)
    }
    # The longest first: one path may begin with another.
    ordered = dict(sorted(written.items(), key=lambda item: len(item[0]), reverse=True))
    events = [_neutral(event, ordered) for event in json.loads(history.to_json())["events"]]
    for event in events:
        _refuse_credentials(event)
    lines = ",\n".join(json.dumps(event, ensure_ascii=False) for event in events)
    return f'{{"events": [\n{lines}\n]}}\n'


def _ways_to_write(path: str) -> set[str]:
    # In text, in a URL, in the JSON of a unit.
    return {path, quote(path), json.dumps(path).strip('"')}


def _neutral(value: Any, stand_ins: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _replaced(value, stand_ins)
    if isinstance(value, list):
        return [_neutral(item, stand_ins) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
        value = {**value, "name": value["normalName"]}  # its own name holds host and process
    if _is_payload(value):
        data = base64.b64decode(value["data"]).decode(errors="surrogateescape")
        value = {**value, "data": _encoded(_replaced(data, stand_ins))}
    if "coreUsedFlags" in value:
        value = {**value, "coreUsedFlags": sorted(value["coreUsedFlags"])}
    return {
        key: _neutral(item, stand_ins)
        for key, item in value.items()
        if not (key in _UNREAD and isinstance(item, str)) and key not in _UNREAD_PARTS
    }


def _replaced(text: str, stand_ins: Mapping[str, str]) -> str:
    for private, neutral in stand_ins.items():
        text = text.replace(private, neutral)
    return text


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode(errors="surrogateescape")).decode()


def _is_payload(value: Mapping[str, Any]) -> bool:
    return "encoding" in value.get("metadata", {}) and isinstance(value.get("data"), str)


def _refuse_credentials(event: Mapping[str, Any]) -> None:
    text = readable(event)
    if found := _CREDENTIALS.search(text):
        raise ConfigurationError(
            f"event {event['eventId']} of the run holds an address with credentials "
            f"(…{text[found.end() : found.end() + 40]}): a history is no place for them"
        )


def readable(value: Any) -> str:
    """Return everything in an event as one text, payloads decoded."""
    if isinstance(value, dict):
        if _is_payload(value):
            try:
                return base64.b64decode(value["data"]).decode(errors="replace")
            except binascii.Error:
                return str(value["data"])
        return " ".join(f"{key} {readable(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(readable(item) for item in value)
    return str(value)
