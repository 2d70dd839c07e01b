"""The keys at hand: read again in time, and kept for a while where they cannot be."""

import asyncio
import logging
import time
from typing import Protocol

from contextworker.core.shared_task import shared_task
from contextworker.core.tokens.jwks import BrokenJwksError, Jwks, VerifyingKey, read_jwks
from contextworker.core.tokens.sources import JwksSource, UnreadableError

_log = logging.getLogger(__name__)
_RETRY_S = 10.0


class Keys(Protocol):
    """What tokens are verified with."""

    def edition(self) -> object | None:
        """Return an object that is another one once the keys have changed; None without keys."""

    async def find(self, kid: str | None) -> VerifyingKey | None:
        """Return the key that a token names; None where there is no such key, or none at all."""


class SharedSecret:
    """One secret that issuer and service share, whatever key a token names."""

    def __init__(self, secret: str) -> None:
        self._key = VerifyingKey(secret, ("HS256",))

    def edition(self) -> object:
        """Return the one edition there is."""
        return self._key

    async def find(self, kid: str | None) -> VerifyingKey:  # noqa: ARG002 - one key for all
        """Return the secret."""
        return self._key


class KeyRing:
    """The keys of a JWKS that changes: read in the background, and for a key not known yet."""

    def __init__(
        self,
        source: JwksSource,
        *,
        refresh_s: float,
        max_age_s: float,
        min_interval_s: float = 5.0,
    ) -> None:
        """Make a ring without keys.

        Args:
            source: Where the JWKS is.
            refresh_s: How often it is read in the background.
            max_age_s: How long keys are good after the last time they could be read.
            min_interval_s: Least time between two reads that strangers' tokens cause.
        """
        self._source = source
        self._refresh_s = refresh_s
        self._max_age_s = max_age_s
        self._min_interval_s = min_interval_s
        self._text = b""
        self._jwks: Jwks | None = None
        self._read_at = self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why nobody can be let in with what was read last; None where somebody can."""
        if self._trouble is None and self._jwks is not None and not self._jwks.keys:
            return "; ".join(["no key of it can be used", *self._jwks.left_out])
        return self._trouble

    def edition(self) -> Jwks | None:
        """Return the keys at hand; None where they could not be read for too long."""
        is_good = time.monotonic() - self._read_at <= self._max_age_s
        return self._jwks if is_good else None

    async def find(self, kid: str | None) -> VerifyingKey | None:
        """Return the key that a token names, after one more look where it is not known."""
        if not kid or self.edition() is None:
            return None
        if (key := self._at_hand(kid)) is not None:
            return key
        await self._look_again()
        return self._at_hand(kid)

    def _at_hand(self, kid: str) -> VerifyingKey | None:
        jwks = self.edition()
        return jwks.keys.get(kid) if jwks else None

    async def run(self) -> None:
        """Read again and again until cancelled, and then no more."""
        try:
            while True:
                pause = self._refresh_s if self._trouble is None else min(self._refresh_s, _RETRY_S)
                await asyncio.sleep(pause)
                await self.read()
        finally:
            if self._reading is not None:
                self._reading.cancel()

    async def read(self) -> None:
        """Read the JWKS now; who asks meanwhile waits for the same answer."""
        if self._reading is None:
            self._reading = shared_task(self._read())
        await asyncio.shield(self._reading)

    async def _look_again(self) -> None:
        if self._reading or time.monotonic() - self._tried_at >= self._min_interval_s:
            await self.read()

    async def _read(self) -> None:
        try:
            text = await self._source.read()
            if text != self._text or self._jwks is None:
                self._take(read_jwks(text))
                self._text = text
        except (UnreadableError, BrokenJwksError) as error:
            self._fail(str(error))
        else:
            self._read_at = time.monotonic()
            if self._trouble is not None:
                _log.info("the keys of tokens can be read from %s again", self._source)
            self._trouble = None
        finally:
            self._tried_at = time.monotonic()
            self._reading = None

    def _take(self, jwks: Jwks) -> None:
        for reason in jwks.left_out:
            _log.warning("%s: %s", self._source, reason)
        log = _log.info if jwks.keys else _log.error
        log("keys of tokens read from %s: %d", self._source, len(jwks.keys))
        self._jwks = jwks

    def _fail(self, why: str) -> None:
        if self._trouble is None:
            if self._jwks is None:
                outlook = "nobody is let in until they can be"
            else:
                left = max(0.0, self._read_at + self._max_age_s - time.monotonic())
                outlook = f"those at hand are good for {left:,.0f} s more"
            _log.error(
                "the keys of tokens cannot be read from %s: %s; %s", self._source, why, outlook
            )
        self._trouble = why
