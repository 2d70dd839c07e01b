"""Verifies bearer tokens: signature, issuer, audience, and how long they are good."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from contextworker.core.tokens.errors import KeysAwayError, RefusedTokenError, expired
from contextworker.core.tokens.jwks import VerifyingKey
from contextworker.core.tokens.keys import Keys

MAX_TOKEN_BYTES = 8 * 1024
"""Half of the metadata that gRPC takes: beyond that, it refuses calls without a word of ours."""

MAX_LIFETIME_S = 366 * 24 * 3600
"""A token that outlives a year is one that never expires."""


@dataclass(frozen=True)
class Verified:
    """What a token says, of which `sub` is a string, and when it ends."""

    claims: Mapping[str, Any]
    until: float


class Verifier:
    """Tells what a token says, once it is sure who says it."""

    def __init__(
        self,
        keys: Keys,
        *,
        issuer: str,
        audience: str,
        leeway_s: float,
        service: str,
        audience_setting: str,
    ) -> None:
        """Make a verifier.

        Args:
            keys: What tokens are signed with.
            issuer: Who must have issued them; empty for anybody who can sign.
            audience: Whom they must be for; empty where they must not say.
            leeway_s: How far the issuer's clock may be off.
            service: Who asks for tokens, as callers know it.
            audience_setting: Where its operator sets the audience.
        """
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._leeway_s = leeway_s
        self._service = service
        self._audience_setting = audience_setting

    def edition(self) -> object:
        """Return an object that is another one once the keys have changed.

        Raises:
            KeysAwayError: There are no keys at hand.
        """
        edition = self._keys.edition()
        if edition is None:
            raise KeysAwayError(
                f"the {self._service} cannot read the keys that tokens are checked with, so it "
                "lets nobody in; your token may be good, try again in a moment"
            )
        return edition

    async def verify(self, token: str) -> Verified:
        """Return what a token says; nothing is awaited once its key is found.

        Raises:
            RefusedTokenError: It is not one that says who calls.
            KeysAwayError: The keys to tell with are away.
        """
        if len(token) > MAX_TOKEN_BYTES:
            raise RefusedTokenError(
                "too_large",
                f"the token is larger than {MAX_TOKEN_BYTES:,} bytes; have its issuer put less "
                "into it",
            )
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError:
            raise _malformed() from None
        claims = self._claims(token, await self._key(kid))
        expires_at = int(claims["exp"])
        # A sum of the clock's: a claim may be an integer that no float holds.
        if expires_at > time.time() + MAX_LIFETIME_S + self._leeway_s:
            raise RefusedTokenError(
                "too_long_lived",
                "the token is good for more than a year; get one that expires sooner",
            )
        return Verified(claims, until=expires_at + self._leeway_s)

    async def _key(self, kid: str | None) -> VerifyingKey:
        key = await self._keys.find(kid)
        if key is not None:
            return key
        self.edition()
        raise RefusedTokenError(
            "unknown_key",
            f"the token is signed with a key that this {self._service} does not know; get one from "
            "the issuer that it trusts"
            if kid
            else "the token does not say which key it is signed with (`kid`); get one from the "
            f"issuer that this {self._service} trusts",
        )

    def _claims(self, token: str, key: VerifyingKey) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.material,
                algorithms=list(key.algorithms),
                issuer=self._issuer or None,
                audience=self._audience or None,
                leeway=self._leeway_s,
                options={"require": ["exp", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: jwt.PyJWTError) -> RefusedTokenError:
        match error:
            case jwt.ExpiredSignatureError():
                return expired()
            case jwt.ImmatureSignatureError():
                problem = "not_yet_valid"
                said = (
                    "the token is not valid yet; compare the clocks of its issuer and the "
                    f"{self._service}"
                )
            case jwt.InvalidIssuerError():
                problem, said = "wrong_issuer", f"the token must be issued by {self._issuer!r}"
            case jwt.InvalidAudienceError():
                problem = "wrong_audience"
                said = (
                    f"the token must be for the audience {self._audience!r}"
                    if self._audience
                    else f"the token is for an audience, and this {self._service} has no name; get "
                    f"one without `aud`, or set {self._audience_setting} at the {self._service}"
                )
            case jwt.MissingRequiredClaimError(claim=claim):
                problem = "missing_claim"
                said = f"the token lacks the claim `{claim}`; have its issuer write it"
            case jwt.InvalidAlgorithmError():
                problem = "wrong_algorithm"
                said = "the token is not signed with an algorithm that its key is for"
            case jwt.InvalidSignatureError():
                problem, said = "bad_signature", "the token's signature is wrong; get a new one"
            case _:
                return _malformed()
        return RefusedTokenError(problem, said)


def _malformed() -> RefusedTokenError:
    return RefusedTokenError(
        "malformed", "the bearer token is no JSON Web Token that can be read; send it as issued"
    )
