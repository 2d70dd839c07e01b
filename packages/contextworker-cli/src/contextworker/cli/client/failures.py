"""A client's failure as a sentence: what happened, each problem on its own line, a way out."""

from contextworker.cli.errors import CliError, GatewayError, NoGatewayError, UsageError
from contextworker.cli.output.hints import command
from contextworker.core.client import (
    ClientError,
    DeadlineExceededError,
    InvalidRequestError,
    NotOfferedError,
    UnauthenticatedError,
    UnreachableError,
)


def told(error: ClientError, address: str) -> CliError:
    """Return the error to show for a failure of a client of the gateway at `address`."""
    # The message of each repeats its violations in one line.
    problems = [f"{item.field}: {item.description}" for item in error.violations]
    if isinstance(error, InvalidRequestError) and error.code is None:
        return UsageError("The payload cannot be sent:", problems or [str(error)])
    if isinstance(error, InvalidRequestError) and problems:
        return GatewayError("The request is refused; what is wrong with it:", problems)
    if not error.reason and (unanswered := _unanswered(error, address)):
        return unanswered
    advice = [] if error.retry_after_s is None else [f"Try again in {error.retry_after_s:g} s."]
    if isinstance(error, UnauthenticatedError):
        advice.append("The token to send is read from WORKER_TOKEN.")
    return GatewayError(str(error), advice)


def _unanswered(error: ClientError, address: str) -> CliError | None:
    """Tell what no gateway said: gRPC did, or a server of another kind."""
    match error:
        case UnreachableError():
            tls = ["or, where it expects TLS:  WORKER_TLS=true"] if "TLS" in str(error) else []
            return NoGatewayError(
                f"No gateway answers at {address}.",
                [
                    f"Start one here with:       {command('up')}",
                    "or name another one with:  --address HOST:PORT (or WORKER_ADDRESS)",
                    *tls,
                ],
            )
        case DeadlineExceededError():
            return GatewayError(f"The gateway at {address} did not answer in time; ask again.")
        case NotOfferedError():
            return GatewayError(
                f"What answers at {address} is no gateway, or one that is older than this command.",
                [f"It says: {error}"],
            )
    return None
