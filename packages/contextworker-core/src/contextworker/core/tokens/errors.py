"""Why a token is not taken; each service says so to its callers in its own way."""

from contextworker.core.errors import PermanentError, TransientError


class RefusedTokenError(PermanentError):
    """A token that is missing, or does not say who calls."""

    def __init__(self, problem: str, sentence: str) -> None:
        """Refuse a token.

        Args:
            problem: What is wrong in one word, for programs.
            sentence: What is wrong and what to do, without anything secret.
        """
        super().__init__(sentence)
        self.problem = problem


class KeysAwayError(TransientError):
    """The keys that tokens are checked with cannot be read, and none at hand is young enough."""


def expired() -> RefusedTokenError:
    """Refuse a token that was good once."""
    return RefusedTokenError("expired", "the token has expired; get a new one")
