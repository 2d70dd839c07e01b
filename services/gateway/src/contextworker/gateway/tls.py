"""TLS of the gateway's port: certificates that may be replaced while it runs."""

import threading

import grpc

from contextworker.core.tls import TlsFiles, TlsPem, WatchedTls


class ReloadingTls:
    """Serves with what the files hold: looked at before every handshake, read when changed."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files.

        Raises:
            ConfigurationError: They make no certificate to serve with.
        """
        self._takes_clients = files.client_ca is not None
        self._watched = WatchedTls(files, service="gateway")
        self._lock = threading.Lock()  # gRPC asks from threads of its own

    @property
    def credentials(self) -> grpc.ServerCredentials:
        """What a server's secure port takes."""
        return grpc.dynamic_ssl_server_credentials(
            _configuration(self._watched.first),
            self._changed,  # type: ignore[arg-type] # the stubs forget None, which is no change
            require_client_authentication=self._takes_clients,
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        with self._lock:
            pem = self._watched.changed()
        return _configuration(pem) if pem else None


def _configuration(pem: TlsPem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pem.key, pem.certificate)], pem.client_ca)
