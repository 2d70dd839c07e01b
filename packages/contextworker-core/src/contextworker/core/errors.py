"""What can go wrong, in two branches: whether trying again may help.

ContextWorkerError
├── PermanentError            the same attempt would fail the same way: never retried
│   ├── ConfigurationError    a setting, file or registration is wrong
│   └── InvalidInputError     what the caller sent is wrong
└── TransientError            the world was in the way: retried by policy
    └── UnreadableError       a value cannot be read yet: its key or its store is missing

Activities simply raise these. The worker turns a PermanentError into a non-retryable Temporal
failure whose type is the class name; a message is one sentence for the person who will read it.
"""


class ContextWorkerError(Exception):
    """Root of every error this project raises on purpose."""


class PermanentError(ContextWorkerError):
    """Trying again without a change would fail the same way."""


class ConfigurationError(PermanentError):
    """A setting, a file or a registration is wrong."""


class InvalidInputError(PermanentError):
    """The caller's request is wrong."""


class TransientError(ContextWorkerError):
    """The world was in the way; a later attempt may succeed."""


class UnreadableError(TransientError):
    """A value that Temporal holds cannot be read: a key is missing, or the store it lies in."""
