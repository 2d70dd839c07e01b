"""The record of the calls that code makes: what GetTaskStatus shows, and the result tells."""

import re
from collections import deque
from reprlib import Repr
from typing import Any, Final

from contextworker.core.messages import Progress, Step, StepStatus
from contextworker.sandbox.messages import Answer, SoFar, ToolCall

STEPS: Final = 100
"""How many calls are told one by one; the earlier ones are only counted."""

_SHOWN: Final = 10
_DETAIL_CHARACTERS: Final = 200
_ARGUMENTS_CHARACTERS: Final = 120
_SECRET: Final = re.compile(r"password|token|secret|key|credential|auth|cookie", re.IGNORECASE)
_CHARACTERS_OF_ONE: Final = 60


class Journal:
    """Calls, one after another; the latest may be under way."""

    def __init__(self, so_far: SoFar | None = None) -> None:
        self.made = so_far.calls_made if so_far else 0
        self._steps = deque(so_far.calls if so_far else (), maxlen=STEPS)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The latest calls, the last one last."""
        return tuple(self._steps)

    def begin(self, call: ToolCall) -> None:
        """Note a call that is being answered."""
        self.made += 1
        self._steps.append(Step(name=call.tool, status=StepStatus.RUNNING, detail=_arguments(call)))

    def answered(self, answer: Answer) -> None:
        """Note what came of the call."""
        if answer.error is None:
            self._end(StepStatus.COMPLETED, _outcome(answer.value))
        else:
            self._end(StepStatus.FAILED, f"{answer.error.type}: {answer.error.message}")

    def stopped(self, why: str) -> None:
        """Note that the call under way, if there is one, was ended without an answer."""
        if self._steps and self._steps[-1].status is StepStatus.RUNNING:
            self._end(StepStatus.FAILED, why)

    def progress(self) -> Progress:
        """Tell how far the code is."""
        if (waiting := self._waiting) is None:
            return Progress(stage="running", done=self.made, unit="calls", steps=self.steps)
        stage = f"waiting for {waiting.name}({waiting.detail})"
        return Progress(stage=stage, done=self.made - 1, unit="calls", steps=self.steps)

    def in_short(self) -> Progress:
        """Tell the same without what was called with what, and what came of it."""
        if (waiting := self._waiting) is None:
            return Progress(stage="running", done=self.made, unit="calls")
        return Progress(stage=f"waiting for {waiting.name}", done=self.made - 1, unit="calls")

    def latest(self) -> dict[str, str]:
        """Return how the latest calls stand, by number and name."""
        shown = list(self._steps)[-_SHOWN:]
        first = self.made - len(shown) + 1
        return {f"{first + i}. {step.name}": step.status.value for i, step in enumerate(shown)}

    @property
    def _waiting(self) -> Step | None:
        latest = self._steps[-1] if self._steps else None
        return latest if latest is not None and latest.status is StepStatus.RUNNING else None

    def _end(self, status: StepStatus, outcome: str) -> None:
        step = self._steps.pop()
        detail = " → ".join(part for part in (step.detail, outcome) if part)
        self._steps.append(
            step.model_copy(update={"status": status, "detail": _clip(detail, _DETAIL_CHARACTERS)})
        )


class _Short(Repr):
    """Python's repr, shortened; what is called like a secret is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = _CHARACTERS_OF_ONE
        self.maxlevel = 3

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        shown = {key: "…" if _SECRET.search(str(key)) else value for key, value in x.items()}
        return super().repr_dict(shown, level)


_SHORT: Final = _Short()


def _arguments(call: ToolCall) -> str:
    named = (
        f"{name}={'…' if _SECRET.search(name) else _SHORT.repr(value)}"
        for name, value in call.kwargs.items()
    )
    return _clip(", ".join([*map(_SHORT.repr, call.args), *named]), _ARGUMENTS_CHARACTERS)


def _outcome(value: Any) -> str:
    match value:
        case None:
            return ""
        case {"workflow_id": str(), "status": str(status)}:
            return status
        case [{"workflow_id": str(), "status": str()}, *_]:
            return ", ".join(str(item.get("status")) for item in value)
        case _:
            return _SHORT.repr(value)


def _clip(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"
