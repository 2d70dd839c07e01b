"""Verifies bearer tokens, and remembers those it has verified: a signature costs more than a look.

What is remembered of a token is its hash, until it expires or the keys change.
"""

import hashlib
import time
from typing import Any, NoReturn

import jwt

from contextworker.gateway.errors import UnauthenticatedError
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.identity.claims import caller_of
from contextworker.gateway.identity.expiry import expired
from contextworker.gateway.identity.jwks import VerifyingKey
from contextworker.gateway.identity.keys import Keys

MAX_TOKEN_BYTES = 8 * 1024
"""Half of the metadata that gRPC takes: beyond that, it refuses calls without a word of ours."""

MAX_LIFETIME_S = 366 * 24 * 3600
"""A token that outlives a year is one that never expires."""


class Tokens:
    """Tells whose a token is."""

    def __init__(
        self, keys: Keys, *, issuer: str, audience: str, leeway_s: float, capacity: int = 10_000
    ) -> None:
        """Make a verifier.

        Args:
            keys: What tokens are signed with.
            issuer: Who must have issued them; empty for anybody who can sign.
            audience: Whom they must be for; empty where they must not say.
            leeway_s: How far the issuer's clock may be off.
            capacity: How many verified tokens are remembered.
        """
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._leeway_s = leeway_s
        self._capacity = capacity
        self._verified: dict[bytes, Caller] = {}
        self._edition: object = None

    async def caller(self, token: str) -> Caller:
        """Return whose a token is.

        Raises:
            UnauthenticatedError: It is not one that says who calls.
            KeysUnavailableError: The keys to tell with are away.
        """
        self._forget_other_editions()
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and known.until is not None and time.time() < known.until:
            return known
        verified = await self._verify(token)
        # No await from the key's look-up to here: it is a key of the present edition.
        self._forget_other_editions()
        self._verified.pop(digest, None)
        if len(self._verified) >= self._capacity:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = verified
        return verified

    def _forget_other_editions(self) -> None:
        edition = self._keys.edition()
        if edition is not self._edition:
            self._verified.clear()
            self._edition = edition

    async def _verify(self, token: str) -> Caller:
        if len(token) > MAX_TOKEN_BYTES:
            raise UnauthenticatedError(
                "too_large",
                f"the token is larger than {MAX_TOKEN_BYTES:,} bytes; have its issuer put less "
                "into it",
            )
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            _malformed()
        claims = self._claims(token, await self._keys.find(header.get("kid")))
        expires_at = int(claims["exp"])
        # A sum of the clock's: a claim may be an integer that no float holds.
        if expires_at > time.time() + MAX_LIFETIME_S + self._leeway_s:
            raise UnauthenticatedError(
                "too_long_lived",
                "the token is good for more than a year; get one that expires sooner",
            )
        return caller_of(claims, until=expires_at + self._leeway_s)

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

    def _refusal(self, error: jwt.PyJWTError) -> UnauthenticatedError:
        match error:
            case jwt.ExpiredSignatureError():
                return expired()
            case jwt.ImmatureSignatureError():
                problem = "not_yet_valid"
                said = (
                    "the token is not valid yet; compare the clocks of its issuer and the gateway"
                )
            case jwt.InvalidIssuerError():
                problem, said = "wrong_issuer", f"the token must be issued by {self._issuer!r}"
            case jwt.InvalidAudienceError():
                problem = "wrong_audience"
                said = (
                    f"the token must be for the audience {self._audience!r}"
                    if self._audience
                    else "the token is for an audience, and this gateway has no name; get one "
                    "without `aud`, or set CONTEXTWORKER_GATEWAY_AUTH_AUDIENCE at the gateway"
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
                _malformed()
        return UnauthenticatedError(problem, said)


def _malformed() -> NoReturn:
    raise UnauthenticatedError(
        "malformed", "the bearer token is no JSON Web Token that can be read; send it as issued"
    ) from None
