"""Keys that tokens are signed with: made, read, and told to the gateway as a JWKS."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from contextworker.cli.errors import TokenError

KEY_FILE = "key.pem"
JWKS_FILE = "jwks.json"
_MIN_RSA_BITS = 2048
_BY_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_NOT_IN_A_THUMBPRINT = {"alg", "use", "kid", "key_ops"}


@dataclass(frozen=True)
class SigningKey:
    """What signs a token: a secret or private key, how, and under which name."""

    material: Any
    algorithm: str
    kid: str | None = None


def read_key(path: Path) -> SigningKey:
    """Read a private key; its type says the algorithm, its thumbprint (RFC 7638) the `kid`.

    Raises:
        TokenError: The file holds no private key that can sign.
    """
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise TokenError(f"The key {path} cannot be read: {error.strerror}") from None
    except TypeError:
        raise TokenError(f"The key {path} has a password; give one without.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise TokenError(
            f"{path} holds no private key in PEM format. `contextworker token keygen` makes one."
        ) from None
    algorithm = _algorithm(private)
    if algorithm is None:
        raise TokenError(
            f"The key {path} signs no token: it must be RSA of {_MIN_RSA_BITS} bits or more, an "
            "elliptic curve's (P-256, P-384, P-521), or Ed25519."
        )
    return SigningKey(private, algorithm, _thumbprint(_public_jwk(private)))


def make_key(folder: Path) -> tuple[Path, Path]:
    """Make a private key that only its owner can read, and the JWKS with its public part.

    Raises:
        TokenError: One of the files is there already, or cannot be written.
    """
    key, jwks = folder / KEY_FILE, folder / JWKS_FILE
    private = ec.generate_private_key(ec.SECP256R1())
    jwk = _public_jwk(private)
    public = {**jwk, "kid": _thumbprint(jwk), "use": "sig", "alg": "ES256"}
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_new(jwks, (json.dumps({"keys": [public]}, indent=2) + "\n").encode(), mode=0o644)
        _write_new(key, pem, mode=0o600)
    except FileExistsError as error:
        raise TokenError(
            f"{error.filename} is there already; name another folder, so that no key is lost."
        ) from None
    except OSError as error:
        raise TokenError(f"{folder} cannot be written: {error.strerror}") from None
    return key, jwks


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def _algorithm(private: object) -> str | None:
    if isinstance(private, rsa.RSAPrivateKey):
        return "RS256" if private.key_size >= _MIN_RSA_BITS else None
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return _BY_CURVE.get(private.curve.name)
    return "EdDSA" if isinstance(private, ed25519.Ed25519PrivateKey) else None


def _public_jwk(private: Any) -> dict[str, Any]:
    public = private.public_key()
    if isinstance(private, rsa.RSAPrivateKey):
        jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        jwk = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        jwk = OKPAlgorithm.to_jwk(public, as_dict=True)
    return {name: value for name, value in jwk.items() if name not in _NOT_IN_A_THUMBPRINT}


def _thumbprint(jwk: dict[str, Any]) -> str:
    said = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(said).digest()).rstrip(b"=").decode()
