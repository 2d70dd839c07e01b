"""What the codec server reads from its environment."""

import re
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from contextworker.core.loopback import is_loopback
from contextworker.core.settings import RuntimeSettings
from contextworker.core.tls import TlsFiles, check_files
from contextworker.core.tokens.settings import (
    check_ages,
    check_expected,
    checked_jwks,
    checked_secret,
)

SECRET = "CONTEXTWORKER_CODEC_AUTH_SECRET"  # noqa: S105 - a variable's name
JWKS = "CONTEXTWORKER_CODEC_AUTH_JWKS"
ISSUER = "CONTEXTWORKER_CODEC_AUTH_ISSUER"
AUDIENCE = "CONTEXTWORKER_CODEC_AUTH_AUDIENCE"
ORIGINS = "CONTEXTWORKER_CODEC_CORS_ORIGINS"
_MIB = 1024 * 1024
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]+)?")


def _or_of_the_gateway(name: str) -> AliasChoices:
    """Take the gateway's setting where there is none of the codec server: its tokens fit here."""
    return AliasChoices(f"CONTEXTWORKER_CODEC_{name}", f"CONTEXTWORKER_GATEWAY_{name}")


def _origins(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    origins = tuple(word.strip().rstrip("/") for word in value.split(",") if word.strip())
    for origin in origins:
        if origin == "*":
            raise ValueError(
                "is every website ('*'), each of which could then read payloads in a visitor's "
                "name; name the origins of your UIs"
            )
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is no origin; write what a browser shows before the path, such as "
                "https://temporal.example.com or http://localhost:8233, with commas"
            )
    return origins


class CodecServerSettings(RuntimeSettings):
    """The codec server's settings."""

    model_config = SettingsConfigDict(populate_by_name=True)

    codec_host: str = Field(
        default="127.0.0.1",
        description=(
            "Address to bind. Only loopback, unless callers are authenticated "
            "(CONTEXTWORKER_CODEC_AUTH_…) or CONTEXTWORKER_CODEC_INSECURE is set."
        ),
    )
    codec_port: int = Field(
        default=8081,
        ge=0,
        le=65535,
        description="Where the codec server listens; 0 takes a free port and logs it.",
    )
    codec_insecure: bool = Field(
        default=False, description="Bind beyond loopback although callers are not authenticated."
    )
    codec_cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        default=(),
        description=(
            "Websites whose visitors' browsers may ask, with commas: the origins of your "
            "Temporal UIs, such as http://localhost:8233."
        ),
    )
    codec_auth_secret: Annotated[
        SecretStr, AfterValidator(partial(checked_secret, jwks_setting=JWKS))
    ] = Field(
        default=SecretStr(""),
        validation_alias=_or_of_the_gateway("AUTH_SECRET"),
        description=(
            "Callers bring tokens signed (HS256) with this secret of at least 32 bytes. This and "
            "the next six: where not set, the gateway's."
        ),
    )
    codec_auth_jwks: Annotated[str, AfterValidator(checked_jwks)] = Field(
        default="",
        validation_alias=_or_of_the_gateway("AUTH_JWKS"),
        description=(
            "Callers bring tokens signed with a key of this JWKS: a file's path, or an https URL."
        ),
    )
    codec_auth_issuer: str = Field(
        default="",
        validation_alias=_or_of_the_gateway("AUTH_ISSUER"),
        description="Who must have issued a token: its `iss`. Required with a JWKS.",
    )
    codec_auth_audience: str = Field(
        default="",
        validation_alias=_or_of_the_gateway("AUTH_AUDIENCE"),
        description="Whom a token must be for: its `aud`. Required with a JWKS.",
    )
    codec_auth_leeway_s: float = Field(
        default=30,
        ge=0,
        le=300,
        validation_alias=_or_of_the_gateway("AUTH_LEEWAY_S"),
        description="How far the clock of a token's issuer may be off.",
    )
    codec_auth_refresh_s: float = Field(
        default=60,
        gt=0,
        le=86_400,
        validation_alias=_or_of_the_gateway("AUTH_REFRESH_S"),
        description=(
            "How often the JWKS is read again; a key that has left it is good no longer than this."
        ),
    )
    codec_auth_max_age_s: float = Field(
        default=86_400,
        gt=0,
        validation_alias=_or_of_the_gateway("AUTH_MAX_AGE_S"),
        description="How long its keys are good while the JWKS cannot be read.",
    )
    codec_tls_cert_file: Path | None = Field(
        default=None,
        description="PEM file of the codec server's certificate and its chain; serves TLS with it.",
    )
    codec_tls_key_file: Path | None = Field(
        default=None, description="PEM file of the certificate's private key, without a password."
    )
    codec_max_request_bytes: int = Field(
        default=8 * _MIB, ge=1024, description="Largest request: payloads as JSON."
    )
    codec_max_answer_bytes: int = Field(
        default=16 * _MIB,
        ge=1024,
        description="Payloads of one request, once decrypted; what is beyond stays as it was.",
    )
    codec_max_requests: int = Field(
        default=16, ge=1, description="Requests in hand at once; others wait for their turn."
    )
    codec_request_timeout_s: float = Field(
        default=15,
        gt=0,
        le=600,
        description="How long one request may take, its body included; and its answer to be taken.",
    )
    codec_shutdown_grace_s: float = Field(
        default=10, ge=0, description="How long running requests may finish after SIGTERM."
    )
    health_address: str = Field(
        default="", description="host:port of the gRPC health service; empty for none."
    )

    @model_validator(mode="after")
    def _one_kind_of_token(self) -> Self:
        if self.codec_auth_jwks and self.codec_auth_secret.get_secret_value():
            raise ValueError(
                f"{JWKS} and {SECRET} (or the gateway's of these names) are both set, and a codec "
                "server takes one kind of token only; set the other one to nothing"
            )
        if self.codec_auth_jwks:
            expected = {ISSUER: self.codec_auth_issuer, AUDIENCE: self.codec_auth_audience}
            check_expected(JWKS, expected)
        check_ages(
            "CONTEXTWORKER_CODEC_AUTH",
            refresh_s=self.codec_auth_refresh_s,
            max_age_s=self.codec_auth_max_age_s,
        )
        return self

    @model_validator(mode="after")
    def _whole_tls(self) -> Self:
        check_files(
            {
                "CONTEXTWORKER_CODEC_TLS_CERT_FILE": self.codec_tls_cert_file,
                "CONTEXTWORKER_CODEC_TLS_KEY_FILE": self.codec_tls_key_file,
            }
        )
        return self

    @model_validator(mode="after")
    def _only_loopback(self) -> Self:
        if self.is_exposed and not self.is_authenticated and not self.codec_insecure:
            raise ValueError(
                "the codec server does not authenticate its callers, so it binds to loopback only, "
                f"not to {self.codec_host!r}: set {JWKS} or {SECRET} to let in callers with "
                "tokens; or, where the network keeps strangers out, start it with --insecure or "
                "CONTEXTWORKER_CODEC_INSECURE=true"
            )
        return self

    @property
    def is_authenticated(self) -> bool:
        """Whether callers have to bring a token."""
        return bool(self.codec_auth_jwks or self.codec_auth_secret.get_secret_value())

    @property
    def is_exposed(self) -> bool:
        """Whether other machines, or other containers, may reach the codec server."""
        return not is_loopback(self.codec_host)

    @property
    def tls_files(self) -> TlsFiles | None:
        """The certificate and its key; None to serve without TLS."""
        if self.codec_tls_cert_file is None or self.codec_tls_key_file is None:
            return None
        return TlsFiles(self.codec_tls_cert_file, self.codec_tls_key_file)
