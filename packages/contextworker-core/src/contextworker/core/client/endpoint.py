"""Where a gateway is, how the connection to it is secured, and who calls: checked at once."""

import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from contextworker.core.errors import ConfigurationError
from contextworker.core.loopback import is_loopback

DEFAULT_ADDRESS: Final = "127.0.0.1:50052"
_HOST_AND_PORT: Final = re.compile(r"(?P<host>[^\s/:@]+|\[[0-9a-fA-F:.]+\]):(?P<port>\d{1,5})")
_MAX_PORT: Final = 65_535
_UNIX: Final = ("unix:", "unix-abstract:")
_SCHEMES: Final = re.compile(r"dns:(///)?|ipv[46]:")
_OPTIONS: Final = (
    # A gateway permits a ping every 10 seconds, also on an idle connection.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC would let up to two minutes pass before it looks for a gateway that was away.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 3_000),
    # Not to inherit the pause that gRPC makes after an earlier channel could not connect.
    ("grpc.use_local_subchannel_pool", 1),
)


class UnencryptedTokenError(ConfigurationError):
    """A token would travel in the clear."""


@dataclass(frozen=True, kw_only=True)
class TLS:
    """How to secure the connection.

    Attributes:
        ca_file: PEM file of the authorities that the gateway's certificate may come from; the
            system's where none is given.
        cert_file: PEM file of the client's own certificate, for a gateway that asks for one.
        key_file: PEM file of its key.
    """

    ca_file: Path | str | None = None
    cert_file: Path | str | None = None
    key_file: Path | str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files.

        Raises:
            ConfigurationError: One cannot be read, or a certificate comes without its key.
        """
        if bool(self.cert_file) != bool(self.key_file):
            given, missing = ("cert_file", "key_file")[:: 1 if self.cert_file else -1]
            raise ConfigurationError(f"TLS {given} is given without {missing}: both are needed")
        return grpc.ssl_channel_credentials(
            root_certificates=_pem(self.ca_file) if self.ca_file else _system_roots(),
            certificate_chain=_pem(self.cert_file) if self.cert_file else None,
            private_key=_pem(self.key_file) if self.key_file else None,
        )


@dataclass(frozen=True)
class Endpoint:
    """A gateway's address with what a channel to it needs."""

    address: str
    credentials: grpc.ChannelCredentials | None

    @classmethod
    def of(cls, address: str, *, tls: TLS | bool, sends_token: bool, insecure: bool) -> "Endpoint":
        """Check an address and read the files of TLS.

        Raises:
            ConfigurationError: The address is none, or a file cannot be read.
            UnencryptedTokenError: A token would travel in the clear.
        """
        host = _host(address)
        if tls is False:
            if sends_token and not insecure and not _is_near(host):
                raise UnencryptedTokenError(
                    f"the token would travel to {address} unencrypted, for anybody on the way to "
                    "use: connect with TLS (tls=True, or tls=TLS(ca_file=…)), or say "
                    "insecure=True where the network itself is trusted"
                )
            return cls(address, None)
        return cls(address, (TLS() if tls is True else tls).credentials())

    @property
    def options(self) -> list[tuple[str, Any]]:
        """Return the channel's options."""
        near = _is_near(_host(self.address))
        return [*_OPTIONS, *([("grpc.enable_http_proxy", 0)] if near else [])]


def _host(address: str) -> str:
    """Return the host of an address, nothing for a Unix socket.

    Raises:
        ConfigurationError: It is no address: gRPC would only say, much later, that nobody answers.
    """
    if address.startswith(_UNIX):
        if address.partition(":")[2].strip("/"):
            return ""
    else:
        match = _HOST_AND_PORT.fullmatch(_SCHEMES.sub("", address, count=1))
        if match and 0 < int(match["port"]) <= _MAX_PORT:
            return match["host"].strip("[]")
    raise ConfigurationError(
        f"{address!r} is no address of a gateway: write HOST:PORT, such as {DEFAULT_ADDRESS} or "
        "[::1]:50052, or unix:PATH"
    )


def _is_near(host: str) -> bool:
    return not host or is_loopback(host)  # no host: a Unix socket


def _pem(file: Path | str) -> bytes:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the TLS file {file} cannot be read: {error.strerror}") from error
    if b"-----BEGIN " not in content:
        raise ConfigurationError(f"the TLS file {file} is no PEM file: it has no -----BEGIN line")
    return content


def _system_roots() -> bytes | None:
    """Return the system's authorities; None, for gRPC's own list, where Python finds none."""
    roots = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, roots)).encode() or None
