"""What settings of tokens may hold, whatever a service calls them."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from jwt import InvalidKeyError
from jwt.algorithms import HMACAlgorithm
from pydantic import SecretStr

from contextworker.core.loopback import is_loopback

MIN_SECRET_BYTES = 32


def checked_secret(given: SecretStr, *, jwks_setting: str) -> SecretStr:
    """Return a shared secret, or nothing where there is none.

    Args:
        given: The secret.
        jwks_setting: Where public keys belong, for who mistakes one for a secret.

    Raises:
        ValueError: It could be guessed, or is a key that is no secret.
    """
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
            f"is a key of its own kind, not a shared secret; public keys belong into {jwks_setting}"
        ) from None
    return given


def checked_jwks(where: str) -> str:
    """Return where a JWKS is, or nothing where there is none.

    Raises:
        ValueError: It is no file, or a URL where keys could be replaced on the way.
    """
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


def check_expected(jwks_setting: str, expected: Mapping[str, str]) -> None:
    """Refuse a JWKS whose tokens may be of anybody, or for anybody.

    Args:
        jwks_setting: The variable that says where it is.
        expected: What `iss` and `aud` must say, by their variables.

    Raises:
        ValueError: One of them is empty.
    """
    missing = [variable for variable, value in expected.items() if not value]
    if missing:
        raise ValueError(
            f"{jwks_setting} is set without {' and '.join(missing)}: tokens of other issuers or "
            "for other services would be taken, too; set what `iss` and `aud` of your tokens say"
        )


def check_ages(prefix: str, *, refresh_s: float, max_age_s: float) -> None:
    """Refuse keys that would be too old before they are read again.

    Args:
        prefix: What the two variables begin with.
        refresh_s: How often keys are read.
        max_age_s: How long they are good.

    Raises:
        ValueError: They would be.
    """
    if max_age_s <= refresh_s:
        raise ValueError(
            f"{prefix}_MAX_AGE_S must be larger than {prefix}_REFRESH_S: keys would be too old "
            "before they are read again"
        )
