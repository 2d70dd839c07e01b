"""What says who may call: the keys of tokens, and what tokens must say."""

import ipaddress
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from jwt import InvalidKeyError
from jwt.algorithms import HMACAlgorithm
from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings

MIN_SECRET_BYTES = 32
SECRET = "CONTEXTWORKER_GATEWAY_AUTH_SECRET"  # noqa: S105 - a variable's name
JWKS = "CONTEXTWORKER_GATEWAY_AUTH_JWKS"
ISSUER = "CONTEXTWORKER_GATEWAY_AUTH_ISSUER"
AUDIENCE = "CONTEXTWORKER_GATEWAY_AUTH_AUDIENCE"


def _secret(given: SecretStr) -> SecretStr:
    secret = given.get_secret_value()
    if not secret:
        return given
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise ValueError(
            f"is shorter than {MIN_SECRET_BYTES} bytes, so that it could be guessed; make one with "
            "`openssl rand -base64 48`"
        )
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except InvalidKeyError:
        raise ValueError(
            f"is a key of its own kind, not a shared secret; public keys belong into {JWKS}"
        ) from None
    return given


def _jwks(where: str) -> str:
    if "://" not in where:
        if where and not Path(where).is_file():
            raise ValueError(f"{where} is no file; give the path of a JWKS, or its https URL")
        return where
    url = urlsplit(where)
    if url.username or url.password:
        raise ValueError("must be a URL without a user or password: it is written into logs")
    if not url.hostname or url.scheme not in ("https", "http"):
        raise ValueError("must be a file's path or an https URL")
    if url.scheme == "http" and not is_loopback(url.hostname):
        raise ValueError(
            "must be an https URL: over http, whoever is on the way could put keys of their own "
            "there"
        )
    return where


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its address or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class TokenSettings(Settings):
    """What makers of tokens and the gateway both have to know."""

    model_config = SettingsConfigDict(env_prefix="CONTEXTWORKER_", frozen=True)

    gateway_auth_secret: Annotated[SecretStr, AfterValidator(_secret)] = Field(
        default=SecretStr(""),
        description=(
            "Callers bring tokens signed (HS256) with this secret of at least 32 bytes; for small "
            "installations."
        ),
    )
    gateway_auth_issuer: str = Field(
        default="", description="Who must have issued a token: its `iss`. Required with a JWKS."
    )
    gateway_auth_audience: str = Field(
        default="", description="Whom a token must be for: its `aud`. Required with a JWKS."
    )


class AuthSettings(TokenSettings):
    """How the gateway tells who calls."""

    gateway_auth_jwks: Annotated[str, AfterValidator(_jwks)] = Field(
        default="",
        description=(
            "Callers bring tokens signed with a key of this JWKS: a file's path, or an https URL."
        ),
    )
    gateway_auth_leeway_s: float = Field(
        default=30, ge=0, le=300, description="How far the clock of a token's issuer may be off."
    )
    gateway_auth_refresh_s: float = Field(
        default=60,
        gt=0,
        le=86_400,
        description=(
            "How often the JWKS is read again; a key that has left it is good no longer than this."
        ),
    )
    gateway_auth_max_age_s: float = Field(
        default=86_400,
        gt=0,
        description="How long its keys are good while the JWKS cannot be read.",
    )

    @model_validator(mode="after")
    def _one_kind_of_token(self) -> Self:
        expected = {ISSUER: self.gateway_auth_issuer, AUDIENCE: self.gateway_auth_audience}
        if self.gateway_auth_jwks and self.gateway_auth_secret.get_secret_value():
            raise ValueError(
                f"{JWKS} and {SECRET} are both set, and a gateway takes one kind of token only; "
                "unset one of them"
            )
        missing = [variable for variable, value in expected.items() if not value]
        if self.gateway_auth_jwks and missing:
            raise ValueError(
                f"{JWKS} is set without {' and '.join(missing)}: tokens of other issuers or for "
                "other services would be taken, too; set what `iss` and `aud` of your tokens say"
            )
        if not self.is_authenticated and len(missing) < len(expected):
            given = " and ".join(variable for variable in expected if variable not in missing)
            raise ValueError(
                f"{given} says what tokens must say, and neither {JWKS} nor {SECRET} is set to "
                "verify them with; set one, or unset this"
            )
        if self.gateway_auth_max_age_s <= self.gateway_auth_refresh_s:
            raise ValueError(
                "CONTEXTWORKER_GATEWAY_AUTH_MAX_AGE_S must be larger than "
                "CONTEXTWORKER_GATEWAY_AUTH_REFRESH_S: keys would be too old before they are read "
                "again"
            )
        return self

    @property
    def is_authenticated(self) -> bool:
        """Whether callers have to bring a token."""
        return bool(self.gateway_auth_jwks or self.gateway_auth_secret.get_secret_value())
