"""Reads the keys that the settings name."""

from contextworker.core.encryption.key_file import KeyFile
from contextworker.core.encryption.key_ring import FILE_SETTING, KEYS_SETTING, KeyRing
from contextworker.core.encryption.keys import Keys, check_id, decoded
from contextworker.core.errors import ConfigurationError
from contextworker.core.settings import RuntimeSettings


def read_key_ring(settings: RuntimeSettings) -> KeyRing | None:
    """Read the keys that the settings name; None where they name none.

    Raises:
        ConfigurationError: They cannot be read, or something in them is wrong.
    """
    if settings.encryption_keys_file is not None:
        file = KeyFile(settings.encryption_keys_file)
        try:
            return KeyRing(file.read(), setting=FILE_SETTING, latest=file.latest)
        except ConfigurationError as error:
            raise ConfigurationError(f"{FILE_SETTING}: {error}") from None
    text = settings.encryption_keys.get_secret_value().strip()
    if not text:
        return None
    try:
        return KeyRing(_listed(text), setting=KEYS_SETTING)
    except ConfigurationError as error:
        raise ConfigurationError(f"{KEYS_SETTING}: {error}") from None


def _listed(text: str) -> Keys:
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(text.split(","), start=1):
        key_id, colon, key = entry.strip().partition(":")
        if not colon:
            raise ConfigurationError(
                f"entry {number} has no ':' between the key's id and the key in base64"
            )
        check_id(key_id)
        if key_id in keys:
            raise ConfigurationError(f"there are two keys with the id {key_id!r}")
        keys[key_id] = decoded(key_id, key)
    return Keys(keys, current=next(iter(keys)))
