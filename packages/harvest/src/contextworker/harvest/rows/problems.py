"""Why a row is no product."""


class RowProblemError(ValueError):
    """A code for counting and a sentence for the shopkeeper."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
