"""Keys by their ids, checked. No message and no repr shows one, nor what may be one."""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from contextworker.core.errors import ConfigurationError

KEY_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")  # base64 of a key ends in "=", and so is no id


@dataclass(frozen=True)
class Keys:
    """Keys, as they were read at one time.

    Raises:
        ConfigurationError: An id, a length or a reference to a key is wrong.
    """

    by_id: Mapping[str, bytes] = field(repr=False)
    current: str | None = None
    """The id of the key that encrypts; None where this process only decrypts."""

    tenants: Mapping[str, str] = field(default_factory=dict)
    """The ids of tenants' own current keys."""

    def __post_init__(self) -> None:
        """Check what was given."""
        for key_id, key in self.by_id.items():
            check_id(key_id)
            if len(key) != KEY_BYTES:
                raise ConfigurationError(
                    f"the key {key_id!r} has {len(key)} bytes; AES-256 takes {KEY_BYTES} "
                    "(`contextworker keys new` makes one)"
                )
        if self.current is not None and self.current not in self.by_id:
            raise ConfigurationError(
                f"the current key{_shown(self.current)} is not among the keys{self._known}"
            )
        for tenant_id, key_id in self.tenants.items():
            if key_id not in self.by_id:
                raise ConfigurationError(
                    f"the key{_shown(key_id)} of tenant {tenant_id!r} is not among the "
                    f"keys{self._known}"
                )

    @property
    def _known(self) -> str:
        return f" ({', '.join(self.by_id)})" if self.by_id else ": there are none"


def check_id(key_id: str) -> None:
    """Refuse what is no id.

    Raises:
        ConfigurationError: It is none.
    """
    if not _ID.fullmatch(key_id):
        raise ConfigurationError(
            "a key's id is not 1 to 64 letters, digits, '.', '_' or '-' (not shown: it may be "
            "the key)"
        )


def new_key(key_id: str) -> str:
    """Make a key, in base64.

    Raises:
        ConfigurationError: The id is none.
    """
    check_id(key_id)
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def decoded(key_id: str, text: str) -> bytes:
    """Read a key.

    Raises:
        ConfigurationError: It is no base64.
    """
    check_id(key_id)
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(
            f"the key {key_id!r} is not base64 of {KEY_BYTES} bytes (`contextworker keys new` "
            "makes one)"
        ) from None


def _shown(key_id: str) -> str:
    return f" {key_id!r}" if _ID.fullmatch(key_id) else ""
