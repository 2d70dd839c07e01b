"""A grpc:// or grpcs:// BRAIN_URL, understood: where the service is, and how to reach it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import grpc

from contextworker.brain.settings import BrainSettings
from contextworker.core.client.endpoint import TLS, Endpoint
from contextworker.core.errors import ConfigurationError
from contextworker.core.loopback import is_loopback

_FORM = "write grpc://HOST:PORT, or grpcs://HOST:PORT for TLS"


@dataclass(frozen=True)
class CommerceAddress:
    """Where a CommerceService is, with what a channel to it needs."""

    name: str
    target: str
    credentials: grpc.ChannelCredentials | None
    options: list[tuple[str, Any]]
    token: str | None


def parse_commerce_url(url: str, settings: BrainSettings) -> CommerceAddress:
    """Understand a URL, and read the files of TLS.

    Raises:
        ConfigurationError: It is no address, a file cannot be read, or a token would travel in the
            clear; the message holds no secret.
    """
    host, target = _host_and_target(url)
    secure = url.startswith("grpcs://")
    files = {
        "ca_file": settings.tls_ca_file,
        "cert_file": settings.tls_cert_file,
        "key_file": settings.tls_key_file,
    }
    if any(files.values()) and not secure:
        raise ConfigurationError(
            f"BRAIN_TLS_… names files, but BRAIN_URL is not secured: write grpcs://{target}"
        )
    token = settings.token.get_secret_value() if settings.token else None
    if token is not None:
        _check_token(token, target, in_the_clear=not secure and not is_loopback(host))
    endpoint = Endpoint.of(
        target, tls=TLS(**files) if secure else False, sends_token=False, insecure=False
    )
    scheme = "grpcs" if secure else "grpc"
    return CommerceAddress(
        f"{scheme}://{target}", target, endpoint.credentials, endpoint.options, token
    )


def _host_and_target(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"BRAIN_URL is no address of a service: {_FORM}") from None
    if not host or not port or parts.path.strip("/") or parts.query or any(map(str.isspace, url)):
        raise ConfigurationError(f"BRAIN_URL is no address of a service: {_FORM}")
    if parts.username is not None:
        raise ConfigurationError(
            f"BRAIN_URL: a service takes no user@ in its address ({_FORM}); "
            "a token goes into BRAIN_TOKEN"
        )
    return host, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _check_token(token: str, target: str, *, in_the_clear: bool) -> None:
    if in_the_clear:
        raise ConfigurationError(
            f"BRAIN_TOKEN would travel to {target} unencrypted, for anybody on the way to use: "
            f"write grpcs://{target} in BRAIN_URL"
        )
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(
            "BRAIN_TOKEN is empty, or holds a space, a line break or another character that no "
            "token has"
        )
