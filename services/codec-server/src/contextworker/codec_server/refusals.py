"""Why a request is answered with an error: a status, and a sentence for whoever reads it."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from contextworker.core.errors import PermanentError


class RefusedError(PermanentError):
    """A request that is not served; what is said of it names no token and no payload."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """Refuse with an HTTP status, a sentence, and headers that belong to it."""
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


class UnauthenticatedError(RefusedError):
    """A request without a token that says who asks."""

    def __init__(self, problem: str, message: str) -> None:
        """Say why in one word for the log, and in a sentence for the caller."""
        super().__init__(401, message, headers={"WWW-Authenticate": "Bearer"})
        self.problem = problem


def answer(refused: RefusedError) -> JSONResponse:
    """Write a refusal as a response."""
    return JSONResponse({"error": str(refused)}, refused.status, headers=refused.headers)
