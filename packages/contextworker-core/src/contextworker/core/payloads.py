"""How a process's values are written, from its settings."""

from dataclasses import replace

from temporalio.converter import DataConverter

from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.encryption import Encryption, read_key_ring
from contextworker.core.external_storage import payload_storage
from contextworker.core.failures import EncryptedFailureConverter
from contextworker.core.objects import ObjectStore
from contextworker.core.settings import RuntimeSettings


def data_converter(settings: RuntimeSettings) -> DataConverter:
    """Return `DATA_CONVERTER`, with what the settings add to it.

    Raises:
        ConfigurationError: The keys cannot be read, or the object store cannot be opened.
    """
    converter = DATA_CONVERTER
    ring = read_key_ring(settings)
    if ring is not None:
        converter = replace(
            converter,
            payload_codec=Encryption(ring),
            failure_converter_class=EncryptedFailureConverter,
        )
    if settings.external_payloads:
        store = ObjectStore.from_url(settings.store_url)
        converter = replace(
            converter,
            external_storage=payload_storage(
                store, threshold_bytes=settings.external_payload_bytes
            ),
        )
    return converter
