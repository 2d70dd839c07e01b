"""Start one of the gardener's workflows, and wait for what it answers."""

from collections.abc import Mapping
from typing import Any, Final

from contextworker.cli.client.reaching import Gateway
from contextworker.cli.errors import CliError, StalledError
from contextworker.cli.output.hints import command
from contextworker.core.client import (
    PermissionDeniedError,
    TaskNotCompletedError,
    TaskNotDoneError,
    TaskStatus,
)
from contextworker.core.client.outcome import result_of

_PATIENCE_S: Final = 60.0


def given(**fields: Any) -> dict[str, Any]:
    """Return a payload of the fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}


async def answer(gateway: Gateway, workflow_type: str, payload: Mapping[str, Any]) -> Any:
    """Return what a workflow answers that is over in a moment.

    Raises:
        CliError: It refused, or does not end.
    """
    async with gateway.client() as client:
        task = await client.start(workflow_type, payload)
        try:
            return await task.result(timeout=_PATIENCE_S)
        except TaskNotCompletedError as error:
            raise CliError(why(error)) from error
        except PermissionDeniedError as error:
            raise CliError(
                f"Your token may start this, but not read what becomes of it: {error}.",
                [f"It is done all the same, as {task.workflow_id}."],
            ) from error
        except TaskNotDoneError as error:
            raise StalledError(
                f"No gardener has answered within {_PATIENCE_S:g} s; is its worker running?",
                [
                    f"See with:  {command('modules')}",
                    f"or:        {command(f'status {task.workflow_id}')}",
                ],
            ) from error


def result_or_raise(status: TaskStatus) -> Any:
    """Return what a closed workflow answered.

    Raises:
        CliError: It did not complete; says why.
    """
    try:
        return result_of(status)
    except TaskNotCompletedError as error:
        raise CliError(why(error)) from error


def why(error: TaskNotCompletedError) -> str:
    """Say why a workflow did not complete, in the words of what stopped it."""
    if error.status is not None and error.status.error is not None:
        sentence = error.status.error.sentence()
        return sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith(".") else ".")
    return str(error)
