"""The keys that a process holds: one to write with, and all that it can read with."""

from collections.abc import Callable

from contextworker.core.encryption.keys import Keys
from contextworker.core.errors import UnreadableError

KEYS_SETTING = "CONTEXTWORKER_ENCRYPTION_KEYS"
FILE_SETTING = "CONTEXTWORKER_ENCRYPTION_KEYS_FILE"


class KeyRing:
    """A process's keys, asked for at every payload; a file's are read again as it changes."""

    def __init__(
        self,
        keys: Keys,
        *,
        setting: str = f"{KEYS_SETTING} or {FILE_SETTING}",
        latest: Callable[[], Keys | None] = lambda: None,
    ) -> None:
        """Hold keys.

        Args:
            keys: What to begin with.
            setting: Where the keys come from, for the words of errors.
            latest: Returns the keys of now; None while they are those returned last.
        """
        self.setting = setting
        self._keys = keys
        self._latest = latest

    def __repr__(self) -> str:
        """Name the keys, and show none."""
        return f"KeyRing({sorted(self._keys.by_id)}, current={self._keys.current!r})"

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all keys."""
        return frozenset(self._now().by_id)

    def current_for(self, tenant_id: str | None) -> tuple[str, bytes] | None:
        """Return the id and the key that encrypt a tenant's payloads; None to encrypt nothing."""
        keys = self._now()
        if keys.current is None:
            return None
        key_id = keys.tenants.get(tenant_id or "", keys.current)
        return key_id, keys.by_id[key_id]

    def key(self, key_id: str) -> bytes:
        """Return a key.

        Raises:
            UnreadableError: This process does not have it.
        """
        found = self._now().by_id.get(key_id)
        if found is None:
            raise UnreadableError(
                f"a payload is encrypted with the key {key_id!r}, which this process does not "
                f"have: add it to {self.setting}; nothing is lost, it is tried again"
            )
        return found

    def _now(self) -> Keys:
        latest = self._latest()
        if latest is not None:
            self._keys = latest
        return self._keys
