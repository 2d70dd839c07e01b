"""An issuer of tokens as the gateway meets them: keys that rotate, and a JWKS on a web server."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://login.example/"
AUDIENCE = "contextworker"
SECRET = "correct horse battery staple, and then some more"


@dataclass(frozen=True)
class SigningKey:
    """A private key, by the name its JWKS gives it."""

    kid: str
    algorithm: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        """The public part, as a JWKS has it."""
        public = self.private.public_key()
        if self.algorithm == "EdDSA":
            jwk = OKPAlgorithm.to_jwk(public, as_dict=True)
        elif self.algorithm.startswith("ES"):
            jwk = ECAlgorithm.to_jwk(public, as_dict=True)
        else:
            jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
        return {**jwk, "kid": self.kid, "use": "sig"}


def rsa_key(kid: str, algorithm: str = "RS256", bits: int = 2048) -> SigningKey:
    """Make an RSA key."""
    return SigningKey(kid, algorithm, rsa.generate_private_key(65537, bits))


def ec_key(kid: str, algorithm: str = "ES256") -> SigningKey:
    """Make an elliptic-curve key."""
    curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[algorithm]
    return SigningKey(kid, algorithm, ec.generate_private_key(curve))


def ed_key(kid: str) -> SigningKey:
    """Make an Ed25519 key."""
    return SigningKey(kid, "EdDSA", ed25519.Ed25519PrivateKey.generate())


def claims(**changed: Any) -> dict[str, Any]:
    """Claims that are let in; a change to None takes a claim out."""
    now = int(time.time())
    whole = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "commerce",
        "iat": now,
        "exp": now + 300,
        "tenants": ["acme"],
        "permissions": ["worker:read"],
    }
    return {name: value for name, value in (whole | changed).items() if value is not None}


def signed(key: SigningKey, body: dict[str, Any] | None = None, **header: Any) -> str:
    """Sign claims with a key; a header of None is left out."""
    headers = {name: value for name, value in ({"kid": key.kid} | header).items() if value}
    return jwt.encode(claims() if body is None else body, key.private, key.algorithm, headers)


@dataclass
class Issuer:
    """A web server with a JWKS, which may be changed, broken, slowed and counted."""

    keys: list[SigningKey] = field(default_factory=list)
    url: str = ""
    fetches: int = 0
    answer: bytes | None = None
    """Sent in place of a whole HTTP answer."""

    holding: asyncio.Event | None = None
    """Waited for before answering."""

    @property
    def jwks(self) -> bytes:
        """The JWKS."""
        return json.dumps({"keys": [key.jwk for key in self.keys]}).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.fetches += 1
            if self.holding is not None:
                await self.holding.wait()
            writer.write(ok(self.jwks) if self.answer is None else self.answer)
            await writer.drain()
        finally:
            writer.close()


def ok(body: bytes) -> bytes:
    """Write an HTTP answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
        len(body),
        body,
    )


@asynccontextmanager
async def issuer(*keys: SigningKey) -> AsyncIterator[Issuer]:
    """Run an issuer's web server."""
    made = Issuer(list(keys))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
    async with server:
        yield made
