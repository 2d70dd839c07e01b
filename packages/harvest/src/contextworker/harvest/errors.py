"""What can go wrong with suppliers and their feeds; every message is for the shopkeeper.

PermanentError
├── ConfigurationError
│   └── SupplierError         unknown supplier, or its file is wrong: edit the file
└── FeedError                 the feed is not what the supplier file says: ask the supplier
TransientError
└── FeedUnavailableError      the feed could not be had this time: tried again by policy
"""

from contextworker.core.errors import ConfigurationError, PermanentError, TransientError


class SupplierError(ConfigurationError):
    """A supplier is unknown, or its file is wrong."""


class FeedError(PermanentError):
    """A feed is not usable as it is."""


class FeedUnavailableError(TransientError):
    """A feed could not be fetched this time."""
