"""AES-256-GCM over one payload's bytes.

Each payload gets a key of its own, derived by HKDF from the ring's key and a random salt. A key
that encrypted all payloads itself, under random 96-bit nonces, would have to be replaced before it
encrypted 2^32 of them, which a busy system does within weeks; with derived ones nobody counts.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CIPHER = "HKDF-SHA256+AES-256-GCM"
_PURPOSE = b"contextworker payload "
_SALT_BYTES = 16
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEAD_BYTES = _SALT_BYTES + _NONCE_BYTES


class CannotOpenError(Exception):
    """The bytes were not sealed with this key and id, or are not what was sealed."""


def seal(plain: bytes, key: bytes, key_id: str, tenant_id: str) -> bytes:
    """Return salt, nonce, and the encrypted bytes with their tag."""
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    return salt + nonce + _derived(key, salt).encrypt(nonce, plain, _bound(key_id, tenant_id))


def unseal(sealed: bytes, key: bytes, key_id: str, tenant_id: str) -> bytes:
    """Return what was sealed.

    Raises:
        CannotOpenError: With another key, id or tenant, or it was changed since.
    """
    if len(sealed) < _HEAD_BYTES + _TAG_BYTES:
        raise CannotOpenError
    salt, nonce = sealed[:_SALT_BYTES], sealed[_SALT_BYTES:_HEAD_BYTES]
    try:
        bound = _bound(key_id, tenant_id)
        return _derived(key, salt).decrypt(nonce, sealed[_HEAD_BYTES:], bound)
    except InvalidTag:
        raise CannotOpenError from None


def _derived(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), len(key), salt, _PURPOSE).derive(key))


def _bound(key_id: str, tenant_id: str) -> bytes:
    """Return what the tag covers besides, so that none of it can be exchanged unnoticed."""
    return f"{CIPHER}\0{key_id}\0{tenant_id}".encode()
