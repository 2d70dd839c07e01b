"""Payload encryption: what Temporal stores of a run, only holders of a key can read."""

from contextworker.core.encryption.codec import Encryption
from contextworker.core.encryption.key_ring import KeyRing
from contextworker.core.encryption.keys import Keys, new_key
from contextworker.core.encryption.reading import read_key_ring

__all__ = ["Encryption", "KeyRing", "Keys", "new_key", "read_key_ring"]
