"""Reads a JWKS: the public keys that tokens are signed with, and what each may verify."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jwt import PyJWK, PyJWTError

MIN_RSA_BITS = 2048
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_BY_CURVE = {
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA",),
}
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "k", "oth")


class BrokenJwksError(Exception):
    """It is no JWKS; says why."""


class UnusableKeyError(Exception):
    """A key of a JWKS verifies no token here; says why."""


@dataclass(frozen=True)
class VerifyingKey:
    """A key and the algorithms it may be used with, whatever a token says of itself."""

    material: Any
    algorithms: tuple[str, ...]


@dataclass(frozen=True)
class Jwks:
    """The keys of a JWKS by `kid`, and why the others of it are left out."""

    keys: Mapping[str, VerifyingKey]
    left_out: tuple[str, ...]


def read_jwks(text: bytes) -> Jwks:
    """Read a JWKS; a key that cannot be used is left out, so that it costs no other its use.

    Raises:
        BrokenJwksError: It is no JWKS.
    """
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        raise BrokenJwksError("it is not JSON") from None
    listed = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise BrokenJwksError('it is no JWKS: {"keys": [{…}]}')
    kids = Counter(one["kid"] for one in listed if isinstance(one.get("kid"), str))
    keys: dict[str, VerifyingKey] = {}
    left_out: list[str] = []
    for index, one in enumerate(listed):
        kid = one.get("kid")
        try:
            keys[_own(kid, kids)] = _key(one)
        except UnusableKeyError as error:
            name = f"{kid!r:.80}" if kid else f"number {index + 1}"
            left_out.append(f"key {name} is left out: {error}")
    return Jwks(keys, tuple(left_out))


def _own(kid: object, kids: Counter[str]) -> str:
    if not isinstance(kid, str) or not kid:
        raise UnusableKeyError("it has no kid")
    if kids[kid] > 1:
        raise UnusableKeyError("another key has the same kid")
    return kid


def _key(jwk: Mapping[str, Any]) -> VerifyingKey:
    if any(member in jwk for member in _PRIVATE):
        raise UnusableKeyError("it is private, and whoever can read it can make tokens")
    if jwk.get("use", "sig") != "sig":
        raise UnusableKeyError("it is not for signatures (`use`)")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise UnusableKeyError("it is not for verifying (`key_ops`)")
    algorithms = _algorithms(jwk)
    try:
        public = PyJWK(dict(jwk), algorithms[0]).key
    except (PyJWTError, ValueError, TypeError, OverflowError):
        raise UnusableKeyError("it cannot be read") from None  # the cause may quote the key
    if jwk["kty"] == "RSA" and public.key_size < MIN_RSA_BITS:
        raise UnusableKeyError(f"it is an RSA key of less than {MIN_RSA_BITS} bits")
    return VerifyingKey(public, algorithms)


def _algorithms(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    possible: tuple[str, ...]
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            possible = _RSA
        case "EC" | "OKP", str(curve):
            possible = _BY_CURVE.get(curve, ())
        case _:
            possible = ()
    if not possible:
        raise UnusableKeyError(
            "its type is none of RSA, EC (P-256, P-384, P-521) and OKP (Ed25519)"
        )
    if (named := jwk.get("alg")) is None:
        return possible
    if named not in possible:
        raise UnusableKeyError("its `alg` does not fit its type, or is not accepted here")
    return (named,)
