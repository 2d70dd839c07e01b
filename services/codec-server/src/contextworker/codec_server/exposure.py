"""What a starting codec server says about who can read payloads there."""

import logging

from contextworker.codec_server.settings import ORIGINS, CodecServerSettings

_log = logging.getLogger(__name__)


def tell_exposure(settings: CodecServerSettings) -> None:
    """Warn where others than the right ones could read payloads, or nobody can."""
    if not settings.codec_cors_origins:
        _log.info("no website may ask; for Temporal's UI, set %s to its origin", ORIGINS)
    if not settings.is_authenticated and not settings.is_exposed:
        _log.info("callers are not authenticated: whoever is on this machine may read payloads")
    elif not settings.is_authenticated:
        _log.warning(
            "INSECURE: callers are not authenticated and %s is not loopback. Whoever reaches this "
            "port can read every tenant's payloads; let only trusted networks do",
            settings.codec_host,
        )
    elif settings.is_exposed and settings.tls_files is None:
        _log.warning(
            "no TLS: tokens and decrypted payloads travel to %s as they are, and Temporal's UI "
            "sends its token to https only. Let a proxy end TLS before this port, or set "
            "CONTEXTWORKER_CODEC_TLS_CERT_FILE and CONTEXTWORKER_CODEC_TLS_KEY_FILE",
            settings.codec_host,
        )
