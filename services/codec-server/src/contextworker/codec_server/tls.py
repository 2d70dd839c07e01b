"""TLS with a certificate that may be replaced while the server runs."""

import asyncio
import logging
import ssl

from contextworker.core.errors import ConfigurationError
from contextworker.core.tls import TlsFiles, WatchedTls

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 5.0


class ReloadingTls:
    """Serves with what two files hold, and looks every few seconds whether they changed."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files.

        Raises:
            ConfigurationError: They make no certificate to serve with.
        """
        self._files = files
        self._watched = WatchedTls(files, service="codec server")
        try:
            self.context = self._loaded()
        except OSError as error:  # of OpenSSL, which takes fewer keys than can be read
            raise ConfigurationError(
                f"the codec server cannot serve TLS with {files.certificate}: {error}"
            ) from None

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Take the files anew where they changed; broken ones never replace good ones."""
        if self._watched.changed() is None:
            return
        try:
            self._loaded()  # first: half of what fails would stay in the context that serves
            self._load(self.context)
        except OSError as error:
            _log.error(
                "%s: %s; the codec server goes on with the certificate it has",
                self._files.certificate,
                error,
            )

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        # With a password, or OpenSSL would ask for one at the terminal where a key has one.
        password = ""  # nosec B105 # no password, and none asked for
        context.load_cert_chain(self._files.certificate, self._files.key, password=password)
