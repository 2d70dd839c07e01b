"""What can go wrong with suppliers and their feeds; every message is for the shopkeeper.

PermanentError
├── ConfigurationError
│   └── SupplierError         unknown supplier, or its file is wrong: edit the file
└── FeedError                 the feed is not what the supplier file says: ask the supplier
    ├── SchemaDriftError      it lacks a column that is needed: accept its new name, or ask
    ├── FeedTruncatedError    it is cut off: ask the supplier for a whole one
    └── RemovalGuardError     it lacks too much of the catalogue: accept that, or ask
TransientError
└── FeedUnavailableError      the feed could not be had this time: tried again by policy
"""

from contextworker.core.errors import ConfigurationError, PermanentError, TransientError


class SupplierError(ConfigurationError):
    """A supplier is unknown, or its file is wrong."""


class FeedError(PermanentError):
    """A feed is not usable as it is."""


class SchemaDriftError(FeedError):
    """A feed lacks a column that its mapping needs."""


class FeedTruncatedError(FeedError):
    """A feed ends in its middle."""


class RemovalGuardError(FeedError):
    """A feed lacks more of a supplier's products than the supplier's file allows."""


class FeedUnavailableError(TransientError):
    """A feed could not be fetched this time; where its server says when, `retry_after_s` does."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
