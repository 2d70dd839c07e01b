"""Tells whose a token is, and remembers those it has verified: a signature costs more than a look.

What is remembered of a token is its hash, until it expires or the keys change.
"""

import hashlib
import time

from contextworker.core.tokens.errors import KeysAwayError, RefusedTokenError
from contextworker.core.tokens.keys import Keys
from contextworker.core.tokens.verifier import Verifier
from contextworker.gateway.errors import KeysUnavailableError, UnauthenticatedError
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.identity.claims import caller_of
from contextworker.gateway.identity.settings import AUDIENCE


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
        self._verifier = Verifier(
            keys,
            issuer=issuer,
            audience=audience,
            leeway_s=leeway_s,
            service="gateway",
            audience_setting=AUDIENCE,
        )
        self._capacity = capacity
        self._verified: dict[bytes, Caller] = {}
        self._edition: object = None

    async def caller(self, token: str) -> Caller:
        """Return whose a token is.

        Raises:
            UnauthenticatedError: It is not one that says who calls.
            KeysUnavailableError: The keys to tell with are away.
        """
        try:
            return await self._caller(token)
        except RefusedTokenError as refused:
            raise UnauthenticatedError(refused.problem, str(refused)) from None
        except KeysAwayError as away:
            raise KeysUnavailableError(str(away)) from None

    async def _caller(self, token: str) -> Caller:
        self._forget_other_editions()
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and known.until is not None and time.time() < known.until:
            return known
        verified = await self._verifier.verify(token)
        caller = caller_of(verified.claims, until=verified.until)
        # No await from the key's look-up to here: it is a key of the present edition.
        self._forget_other_editions()
        self._verified.pop(digest, None)
        if len(self._verified) >= self._capacity:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = caller
        return caller

    def _forget_other_editions(self) -> None:
        edition = self._verifier.edition()
        if edition is not self._edition:
            self._verified.clear()
            self._edition = edition
