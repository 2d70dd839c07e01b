"""Where the gateway listens, and what it says about who can reach it there."""

import logging

import grpc

from contextworker.core.errors import ConfigurationError
from contextworker.gateway.settings import GatewaySettings
from contextworker.gateway.tls import ReloadingTls

_log = logging.getLogger(__name__)


def bind(server: grpc.aio.Server, settings: GatewaySettings) -> int:
    """Have a server listen where the settings say, and return the port.

    Raises:
        ConfigurationError: It cannot listen there, or not with these certificates.
    """
    files = settings.tls_files
    credentials = ReloadingTls(files).credentials if files else None
    try:
        if credentials:
            return server.add_secure_port(settings.address, credentials)
        return server.add_insecure_port(settings.address)
    except RuntimeError as error:
        raise ConfigurationError(
            f"the gateway cannot listen on {settings.address}: is the port in use? Set WORKER_PORT "
            "to another one, or to 0 for any"
        ) from error


def tell_exposure(settings: GatewaySettings) -> None:
    """Warn where others than the right ones could call, or listen."""
    if not settings.is_exposed:
        if not settings.is_authenticated:
            _log.info("callers are not authenticated: whoever is on this machine may do everything")
        return
    files = settings.tls_files
    if not settings.is_authenticated:
        holders = "holds a client certificate" if files and files.client_ca else "reaches this port"
        _log.warning(
            "INSECURE: callers are not authenticated and %s is not loopback. Whoever %s can start "
            "work and read results for every tenant; let only trusted networks do",
            settings.gateway_host,
            holders,
        )
    elif files is None:
        _log.warning(
            "no TLS: tokens and payloads travel to %s as they are. Let a proxy or a mesh end TLS "
            "before this port, or set CONTEXTWORKER_GATEWAY_TLS_CERT_FILE and "
            "CONTEXTWORKER_GATEWAY_TLS_KEY_FILE",
            settings.gateway_host,
        )
    if settings.is_authenticated and settings.gateway_insecure:
        _log.info("--insecure changes nothing: callers are authenticated")
