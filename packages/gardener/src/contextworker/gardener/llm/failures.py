"""What can become of one request to a language model, besides an answer.

Exception
├── OverBudgetError     it was not sent: it could have passed the budget
├── PassingError        the same request may succeed in a moment
└── UnansweredError     the same request would fail again
    ├── TooMuchError    fewer products might go through
    ├── RejectedError   the server rejects the request, for one of these products or for any
    └── DeclinedError   the model will not answer

What is wrong with the configuration, such as a key that is refused, is a ConfigurationError.
"""


class OverBudgetError(Exception):
    """The request could have passed the budget."""


class PassingError(Exception):
    """The same request may succeed in a moment."""

    def __init__(self, reason: str, *, pause_s: float | None = None) -> None:
        """Say why, and how long the server wants to be left alone."""
        super().__init__(reason)
        self.pause_s = pause_s


class UnansweredError(Exception):
    """The same request would fail again."""


class TooMuchError(UnansweredError):
    """The products, or the answer about them, are longer than the model takes."""


class RejectedError(UnansweredError):
    """The server rejects the request."""


class DeclinedError(UnansweredError):
    """The model will not answer, or a filter held its answer back."""
