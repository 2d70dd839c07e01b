"""Answers to calls, as the interpreter takes them."""

from typing import Final, cast, get_args

from pydantic_monty import ExcType, ExternalSettledResult

from contextworker.sandbox.engine.snapshots import Suspension
from contextworker.sandbox.messages import Answer

_EXCEPTIONS: Final = frozenset(get_args(ExcType))


def results(suspension: Suspension) -> dict[int, ExternalSettledResult]:
    """Return the answers to the calls that a program awaits."""
    return {
        item.id: result(Answer.model_validate_json(item.answer))
        for item in suspension.pending
        if item.answer
    }


def result(answer: Answer) -> ExternalSettledResult:
    """Return an answer."""
    if answer.error is None:
        return {"return_value": answer.value}
    kind = answer.error.type if answer.error.type in _EXCEPTIONS else "RuntimeError"
    return {"exc_type": cast("ExcType", kind), "message": answer.error.message}
