"""Tokens for development: what is minted is let in, and what would not be is refused here."""

import asyncio
import json
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from contextworker.cli.errors import UsageError
from contextworker.cli.tokens.keys import read_key
from contextworker.cli.tokens.lifetime import parse_lifetime
from contextworker.gateway.identity.authenticator import Authenticator
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.identity.settings import AuthSettings
from contextworker.gateway.identity.setup import authentication

Call = Callable[..., Any]
SECRET = "0123456789abcdef0123456789abcdef"
MINT = ["token", "mint", "--tenant", "acme", "--permission", "worker:read"]
NAMED = ["--issuer", "dev", "--audience", "contextworker"]


def let_in(token: str, **settings: Any) -> Caller:
    """Bring a token to a gateway with these settings."""

    async def ask() -> Caller:
        async with authentication(AuthSettings(**settings)) as authenticator:
            return await caller(authenticator)

    async def caller(authenticator: Authenticator) -> Caller:
        return await authenticator.caller("ListTasks", [("authorization", f"Bearer {token}")])

    return asyncio.run(ask())


def pem(private: Any, encryption: KeySerializationEncryption | None = None) -> bytes:
    """Write a private key."""
    return bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    )


def test_a_token_of_the_secret_is_let_in(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on stdout is the token and nothing else, for `$(…)`."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_AUTH_SECRET", SECRET)
    done = call(*MINT, "--tenant", "other", "--permission", "prices:write", "--subject", "ci")

    assert (0, "", 1) == (done.code, done.err, len(done.out.splitlines()))
    caller = let_in(done.out.strip(), gateway_auth_secret=SECRET)
    assert ("ci", frozenset({"acme", "other"})) == (caller.subject, caller.tenants)
    assert frozenset({"worker:read", "prices:write"}) == caller.permissions


def test_what_keygen_says_can_be_pasted(call: Call, tmp_path: Path) -> None:
    """Also where the folder's name is an odd one."""
    done = call("token", "keygen", str(tmp_path / "my [bold] keys"))

    assert (0, "") == (done.code, done.out)
    assert f"--key '{tmp_path}/my [bold] keys/key.pem'" in " ".join(done.err.split())


def test_a_long_token_stays_on_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the width of the terminal."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_AUTH_SECRET", SECRET)
    tenants = [word for number in range(40) for word in ("--tenant", f"tenant-{number}")]

    assert 1 == len(call(*MINT, *tenants).out.splitlines())


def test_a_token_of_a_made_key_is_let_in(call: Call, tmp_path: Path) -> None:
    """`keygen` and `mint --key` fit each other and the gateway; only the owner reads the key."""
    made = call("token", "keygen", "keys")
    done = call(*MINT, "--key", "keys/key.pem", *NAMED)

    assert (0, 0) == (made.code, done.code)
    assert 0o600 == stat.S_IMODE((tmp_path / "keys/key.pem").stat().st_mode)
    caller = let_in(
        done.out.strip(),
        gateway_auth_jwks=str(tmp_path / "keys/jwks.json"),
        gateway_auth_issuer="dev",
        gateway_auth_audience="contextworker",
    )
    assert frozenset({"acme"}) == caller.tenants
    assert "PRIVATE" not in (tmp_path / "keys/jwks.json").read_text()


def test_a_made_key_replaces_none(call: Call, tmp_path: Path) -> None:
    """A key that is gone takes every token with it."""
    call("token", "keygen", "keys")
    before = (tmp_path / "keys/key.pem").read_bytes()

    again = call("token", "keygen", "keys")

    assert (1, before) == (again.code, (tmp_path / "keys/key.pem").read_bytes())
    assert "is there already; name another folder" in again.err


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        pytest.param(rsa.generate_private_key(65537, 2048), "RS256", id="rsa"),
        pytest.param(ec.generate_private_key(ec.SECP256R1()), "ES256", id="p256"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), "ES384", id="p384"),
        pytest.param(ec.generate_private_key(ec.SECP521R1()), "ES512", id="p521"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), "EdDSA", id="ed25519"),
    ],
)
def test_a_keys_type_says_the_algorithm(
    call: Call, tmp_path: Path, private: Any, algorithm: str
) -> None:
    """The `kid` is the thumbprint, or what is given."""
    (tmp_path / "key.pem").write_bytes(pem(private))

    minted = [call(*MINT, "--key", "key.pem", *NAMED, *more) for more in ([], ["--kid", "mine"])]
    headers = [jwt.get_unverified_header(done.out.strip()) for done in minted]

    assert [algorithm] * 2 == [header["alg"] for header in headers]
    assert [read_key(tmp_path / "key.pem").kid, "mine"] == [header["kid"] for header in headers]


def test_the_thumbprint_is_the_standards(tmp_path: Path) -> None:
    """The example of RFC 8037, appendix A.3: others compute the same name."""
    raw = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    private = ed25519.Ed25519PrivateKey.from_private_bytes(raw)
    path = tmp_path / "key.pem"
    path.write_bytes(pem(private))

    assert "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" == read_key(path).kid


def test_json_tells_what_it_says(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """For programs."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_AUTH_SECRET", SECRET)
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_AUTH_ISSUER", "dev")
    told = json.loads(call(*MINT, "--expires-in", "90s", "--json").out)

    assert ("HS256", "dev", 90) == (
        told["algorithm"],
        told["claims"]["iss"],
        told["claims"]["exp"] - told["claims"]["iat"],
    )
    assert jwt.decode(told["token"], SECRET, ["HS256"]) == told["claims"]


def test_a_long_life_is_warned_of(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apart from the token: on stderr."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_AUTH_SECRET", SECRET)
    done = call(*MINT, "--expires-in", "7d")

    assert (0, 1) == (done.code, len(done.out.splitlines()))
    assert "cannot be taken back before then" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["--tenant", "a b"], 2, "cannot be a tenant", id="tenant"),
        pytest.param(["--tenant", "*"], 2, "takes --permission worker:admin", id="every_tenant"),
        pytest.param(["--subject", ""], 2, "cannot be printed", id="no_subject"),
        pytest.param(["--subject", "a\nb"], 2, "cannot be printed", id="two_lines"),
        pytest.param(["--permission", "worker:red"], 2, "is not one of worker:admin", id="typo"),
        pytest.param(["--permission", "two words"], 2, "one word each", id="two_words"),
        pytest.param(["--expires-in", "soon"], 2, "is no time: write 90s", id="no_time"),
        pytest.param(["--expires-in", "0s"], 2, "is no time", id="no_time_at_all"),
        pytest.param(["--expires-in", "367d"], 2, "more than a year", id="too_long"),
        pytest.param(["--tenant", "x" * 65], 2, "cannot be a tenant", id="long_tenant"),
        pytest.param(["--permission", "x" * 9000], 2, "would be larger", id="too_large"),
        pytest.param(["--key", "no.pem", *NAMED], 1, "cannot be read: No such", id="no_key"),
        pytest.param(["--key", "no.pem"], 2, "give --issuer and --audience", id="no_issuer"),
    ],
)
def test_what_no_gateway_would_take_is_not_minted(
    call: Call, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, says: str
) -> None:
    """Better told here than by a refusal there."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_AUTH_SECRET", SECRET)
    done = call(*MINT, *arguments)

    assert (code, "") == (done.code, done.out)
    assert says in done.err


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("", "There is nothing to sign with: set CONTEXTWORKER_GATEWAY_AUTH_SECRET"),
        ("short", "CONTEXTWORKER_GATEWAY_AUTH_SECRET: is shorter than 32 bytes"),
    ],
    ids=["none", "short"],
)
def test_without_a_secret_it_says_where_to_get_one(
    call: Call, monkeypatch: pytest.MonkeyPatch, secret: str, says: str
) -> None:
    """The first thing a newcomer meets."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_AUTH_SECRET", secret)
    done = call(*MINT)

    assert (1, "") == (done.code, done.out)
    assert says in done.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"nonsense", "holds no private key in PEM format", id="nonsense"),
        pytest.param(
            pem(ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(b"pw")),
            "has a password",
            id="locked",
        ),
        pytest.param(pem(rsa.generate_private_key(65537, 1024)), "2048 bits", id="rsa_short"),
        pytest.param(pem(ec.generate_private_key(ec.SECP256K1())), "P-256", id="curve"),
    ],
)
def test_a_key_that_cannot_sign_is_a_sentence(
    call: Call, tmp_path: Path, content: bytes, says: str
) -> None:
    """Which file, what is wrong with it."""
    (tmp_path / "key.pem").write_bytes(content)
    done = call(*MINT, "--key", "key.pem", *NAMED)

    assert (1, "") == (done.code, done.out)
    assert "key.pem" in done.err
    assert says in done.err


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604_800)]
)
def test_lifetimes_are_read(text: str, seconds: int) -> None:
    """As people write them."""
    assert timedelta(seconds=seconds) == parse_lifetime(text)


@pytest.mark.parametrize("text", ["", "h", "-1h", "1.5h", "1w", "1h30m", "9999999999d"])
def test_other_times_are_not(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError):
        parse_lifetime(text)
