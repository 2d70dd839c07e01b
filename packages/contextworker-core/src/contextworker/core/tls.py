"""PEM files that a service serves TLS with, and that may be replaced while it runs."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from contextworker.core.errors import ConfigurationError

_log = logging.getLogger(__name__)
_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class TlsFiles:
    """PEM files: the certificate with its chain, its key, and whose clients are let in."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def all(self) -> Sequence[Path]:
        """Every file."""
        return [self.certificate, self.key, *([self.client_ca] if self.client_ca else [])]


def check_files(files: Mapping[str, Path | None]) -> None:
    """Refuse files that make no TLS together.

    Args:
        files: By the variables that name them: the certificate, its key, and what else there is.

    Raises:
        ValueError: One is set without the two that it takes, or is not there.
    """
    given = [variable for variable, file in files.items() if file]
    missing = [variable for variable in list(files)[:2] if variable not in given]
    if given and missing:
        raise ValueError(
            f"{' and '.join(given)} is set without {' and '.join(missing)}: TLS takes a "
            "certificate and its key"
        )
    absent = [f"{name}: {file} is no file" for name, file in files.items() if _is_absent(file)]
    if absent:
        raise ValueError("; ".join(absent))


def _is_absent(file: Path | None) -> bool:
    return file is not None and not file.is_file()


class UnusableFilesError(Exception):
    """The files make no certificate to serve with; says why."""


@dataclass(frozen=True)
class TlsPem:
    """What the files hold: checked, and as they stand."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None


class WatchedTls:
    """Files that may be replaced at any time: broken ones never take the place of good ones."""

    def __init__(self, files: TlsFiles, *, service: str) -> None:
        """Read the files.

        Args:
            files: What to serve with.
            service: Who serves, for what is said of the files.

        Raises:
            ConfigurationError: They make no certificate to serve with.
        """
        self._files = files
        self._service = service
        self._told = ""
        try:
            self._seen = self._stamp()
            self.first = self._read()
        except UnusableFilesError as error:
            raise ConfigurationError(f"the {service} cannot serve TLS: {error}") from None

    def changed(self) -> TlsPem | None:
        """Return what the files hold now; None where it is the same as before, or broken."""
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return None
            # Set first: broken files are read again when they change again.
            self._seen = stamp
            pem = self._read(replaces=True)
        except UnusableFilesError as error:
            self._tell_once(str(error))
            return None
        self._told = ""
        return pem

    def _tell_once(self, why: str) -> None:
        if why != self._told:
            _log.error("%s; the %s goes on with the certificate it has", why, self._service)
            self._told = why

    def _stamp(self) -> _Stamp:
        try:
            found = [file.stat() for file in self._files.all]
        except OSError as error:
            raise UnusableFilesError(_unreadable(error)) from None
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)

    def _read(self, *, replaces: bool = False) -> TlsPem:
        files = self._files
        certificate, key = _bytes(files.certificate), _bytes(files.key)
        chain = _certificates(files.certificate, certificate)
        _check_pair(files, chain[0], key)
        if replaces and _has_expired(chain[0]):
            raise UnusableFilesError(
                f"{files.certificate} expired at {chain[0].not_valid_after_utc}"
            )
        authorities = None
        if files.client_ca is not None:
            authorities = _bytes(files.client_ca)
            _certificates(files.client_ca, authorities)
        _tell(files.certificate, chain[0])
        return TlsPem(certificate, key, authorities)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableFilesError(_unreadable(error)) from None


def _unreadable(error: OSError) -> str:
    return f"{error.filename} cannot be read: {error.strerror}"


def _certificates(path: Path, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise UnusableFilesError(f"{path} holds no certificate in PEM format") from None


def _check_pair(files: TlsFiles, certificate: x509.Certificate, pem: bytes) -> None:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise UnusableFilesError(
            f"the key in {files.key} has a password; store it without one"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableFilesError(f"{files.key} holds no private key in PEM format") from None
    if key.public_key() != certificate.public_key():
        raise UnusableFilesError(
            f"the key in {files.key} is not that of the first certificate in {files.certificate}"
        )


def _has_expired(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc < datetime.now(UTC)


def _tell(path: Path, certificate: x509.Certificate) -> None:
    expired = _has_expired(certificate)
    log = _log.warning if expired else _log.info
    until = certificate.not_valid_after_utc
    log("TLS with %s, which %s %s", path, "expired at" if expired else "is good until", until)
