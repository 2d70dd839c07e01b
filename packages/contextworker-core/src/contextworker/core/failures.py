"""How errors become Temporal's failures: what cannot be read now is never the end of a run."""

from datetime import timedelta

from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, PayloadConverter

from contextworker.core.encrypted_payload import ENCODING, refuse
from contextworker.core.errors import UnreadableError

# Longer than a policy's first pauses: somebody has to bring a key, or a store back.
_PAUSE = timedelta(seconds=30)


class PatientFailureConverter(DefaultFailureConverter):
    """Makes an attempt fail that met an unreadable payload, with the reason, and be repeated.

    The SDK would say that decoding failed, and fail for good an activity whose last heartbeat it
    cannot read.
    """

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        """Convert an exception."""
        found = [it for it in (exception, exception.__cause__) if isinstance(it, UnreadableError)]
        if not found:
            super().to_failure(exception, payload_converter, failure)
            return
        # Readable, even where other failures are encrypted: the reader may lack the same key.
        failure.message = str(found[0])
        failure.application_failure_info.type = type(found[0]).__name__
        failure.application_failure_info.next_retry_delay.FromTimedelta(_PAUSE)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """Convert a failure.

        Raises:
            UnreadableError: Its message is encrypted; the SDK would take `Encoded failure` for it.
        """
        if failure.encoded_attributes.metadata.get("encoding") == ENCODING:
            refuse(failure.encoded_attributes)
        return super().from_failure(failure, payload_converter)


class EncryptedFailureConverter(PatientFailureConverter):
    """Keeps messages and stack traces where the codec encrypts them."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)
