"""What says who may call: the keys of tokens, and what tokens must say."""

from functools import partial
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings
from contextworker.core.tokens.settings import (
    check_ages,
    check_expected,
    checked_jwks,
    checked_secret,
)

SECRET = "CONTEXTWORKER_GATEWAY_AUTH_SECRET"  # noqa: S105 - a variable's name
JWKS = "CONTEXTWORKER_GATEWAY_AUTH_JWKS"
ISSUER = "CONTEXTWORKER_GATEWAY_AUTH_ISSUER"
AUDIENCE = "CONTEXTWORKER_GATEWAY_AUTH_AUDIENCE"


class TokenSettings(Settings):
    """What makers of tokens and the gateway both have to know."""

    model_config = SettingsConfigDict(env_prefix="CONTEXTWORKER_", frozen=True)

    gateway_auth_secret: Annotated[
        SecretStr, AfterValidator(partial(checked_secret, jwks_setting=JWKS))
    ] = Field(
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

    gateway_auth_jwks: Annotated[str, AfterValidator(checked_jwks)] = Field(
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
        if self.gateway_auth_jwks:
            check_expected(JWKS, expected)
        given = [variable for variable, value in expected.items() if value]
        if given and not self.is_authenticated:
            raise ValueError(
                f"{' and '.join(given)} says what tokens must say, and neither {JWKS} nor {SECRET} "
                "is set to verify them with; set one, or unset this"
            )
        check_ages(
            "CONTEXTWORKER_GATEWAY_AUTH",
            refresh_s=self.gateway_auth_refresh_s,
            max_age_s=self.gateway_auth_max_age_s,
        )
        return self

    @property
    def is_authenticated(self) -> bool:
        """Whether callers have to bring a token."""
        return bool(self.gateway_auth_jwks or self.gateway_auth_secret.get_secret_value())
