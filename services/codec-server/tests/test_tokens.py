"""Who is let in, and what each token permits."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from codec_calls import SECRET, Caller, encrypted, served, token
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from contextworker.core.errors import ConfigurationError

ISSUER = {"codec_auth_issuer": "https://login.example.com/", "codec_auth_audience": "codec"}


async def asked(caller: Caller, bearer: str | None) -> tuple[int, str]:
    """Return status and error of a request with a token."""
    headers = {"authorization": f"Bearer {bearer}"} if bearer is not None else {}
    caller.http.headers.pop("authorization", None)
    answer = await caller.ask(await encrypted(7), headers=headers)
    return answer.status_code, answer.json().get("error", "")


@pytest.fixture
async def stranger(operator: Caller) -> Any:
    """Ask the codec server that takes tokens, without one."""
    kept = operator.http.headers.pop("authorization")
    yield operator
    operator.http.headers["authorization"] = kept


@pytest.mark.parametrize(
    ("made", "status", "said"),
    [
        (lambda: None, 401, "switch on that Temporal's UI passes the user's access token"),
        (lambda: "abc", 401, "no JSON Web Token that can be read"),
        (lambda: "x" * 9000, 401, "larger than 8,192 bytes"),
        (lambda: token(exp=1), 401, "the token has expired; get a new one"),
        (lambda: token(exp=None), 401, "lacks the claim `exp`"),
        (lambda: token(exp=int(time.time()) + 400 * 86400), 401, "good for more than a year"),
        (lambda: token(sub=None), 401, "lacks the claim `sub`"),
        (lambda: token(sub=""), 401, "does not say who asks"),
        (lambda: token(secret=SECRET[::-1]), 401, "signature is wrong"),
        (lambda: token(aud="other"), 401, "is for an audience"),
        (lambda: token(tenants=None), 401, "the token is for no tenant"),
        (lambda: token(tenants=[]), 401, "the token is for no tenant"),
        (lambda: token(tenants="acme"), 401, "the token is for no tenant"),
        (lambda: token(tenants=["a/b"]), 401, "the token is for no tenant"),
        (
            lambda: token(tenants=["*"]),
            401,
            "every tenant ('*') without the permission 'worker:admin'",
        ),
        (lambda: token(permissions="payloads:decode"), 401, "`permissions` is no list of strings"),
        (
            lambda: token(permissions=["worker:admin"]),
            403,
            "not hold the permission 'payloads:decode'",
        ),
        (lambda: token(permissions=[]), 403, "not hold the permission 'payloads:decode'"),
        (lambda: token(permissions=None), 403, "not hold the permission 'payloads:decode'"),
        (token, 200, ""),
        (lambda: token(permissions=None, scope="openid payloads:decode"), 200, ""),
    ],
    ids=[
        "none",
        "no token",
        "huge",
        "expired",
        "never expires",
        "for years",
        "of nobody",
        "of an empty name",
        "signed by another",
        "for another",
        "without tenants",
        "of no tenant",
        "tenants as text",
        "tenants that are none",
        "every tenant without admin",
        "permissions as text",
        "admin only",
        "without permission",
        "without claim",
        "good",
        "good by scope",
    ],
)
async def test_a_token_is_good_or_told_what_is_wrong(
    stranger: Caller, made: Callable[[], str | None], status: int, said: str
) -> None:
    """The gateway's rules hold, and the permission to decode besides."""
    bearer = made()  # now: tests are collected long before, and it is good for some minutes
    got, error = await asked(stranger, bearer)

    assert status == got
    assert said in error
    assert not bearer or bearer not in error


async def test_a_token_for_every_tenant_reads_every_payload(stranger: Caller) -> None:
    """Also those of no tenant."""
    bearer = token(tenants=["*"], permissions=["worker:admin", "payloads:decode"])
    payloads = [await encrypted(tenant, tenant_id=tenant) for tenant in ("acme", "globex", "")]

    assert ["acme", "globex", ""] == await stranger.values(
        *payloads, headers={"authorization": f"Bearer {bearer}"}
    )


async def test_two_tokens_are_none(stranger: Caller) -> None:
    """Which of them counts would be anybody's guess."""
    answer = await stranger.http.post(
        "/decode",
        json={"payloads": []},
        headers=[("authorization", f"Bearer {token()}"), ("authorization", "Bearer x")],
    )

    assert 401 == answer.status_code
    assert "Bearer" == answer.headers["www-authenticate"]


async def test_an_unsigned_token_is_refused(stranger: Caller) -> None:
    """Whatever algorithm a token names, the key says how it is verified."""
    claims = jwt.decode(token(), options={"verify_signature": False})

    status, error = await asked(stranger, jwt.encode(claims, "", "none"))
    assert (401, "the token is not signed with an algorithm that its key is for") == (status, error)


def signed(key: Any, kid: str, algorithm: str = "ES256") -> str:
    """Return a token of an identity provider."""
    issued = {"iss": ISSUER["codec_auth_issuer"], "aud": ISSUER["codec_auth_audience"]}
    claims = jwt.decode(token(**issued), options={"verify_signature": False})
    return jwt.encode(claims, key, algorithm, {"kid": kid})


def jwks_of(**keys: Any) -> str:
    """Return public keys as a JWKS."""
    told = [
        ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid}
        for kid, key in keys.items()
    ]
    return json.dumps({"keys": told})


def publish(path: Path, **keys: Any) -> None:
    """Write public keys as a file; it is replaced at once, as Kubernetes does."""
    new = path.with_suffix(".new")
    new.write_text(jwks_of(**keys))
    new.replace(path)


@contextmanager
def reserved() -> Iterator[socket.socket]:
    """Take a port where nobody listens yet, and nobody else can."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        yield place


@asynccontextmanager
async def published(place: socket.socket, **keys: Any) -> AsyncIterator[None]:
    """Serve public keys as an identity provider does."""
    body = jwks_of(**keys).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, sock=place):
        yield


async def test_tokens_of_an_identity_provider(tmp_path: Path) -> None:
    """A key that is new in the JWKS is found, and one that has left it is good no longer."""
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    jwks = tmp_path / "jwks.json"
    publish(jwks, old=old)
    async with served(codec_auth_jwks=str(jwks), **ISSUER) as caller:
        assert (200, "") == await asked(caller, signed(old, "old"))
        status, error = await asked(caller, signed(new, "old"))
        assert (401, "the token's signature is wrong; get a new one") == (status, error)
        status, error = await asked(caller, signed(new, "new"))
        assert 401 == status
        assert "a key that this codec server does not know" in error


async def test_a_jwks_holds_public_keys_only(tmp_path: Path) -> None:
    """What else somebody published verifies nothing, nor does a public key taken for a secret."""
    key = ec.generate_private_key(ec.SECP256R1())
    rsa_key = rsa.generate_private_key(65537, 2048)
    jwks = tmp_path / "jwks.json"
    public = RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True)
    jwks.write_text(
        json.dumps(
            {
                "keys": [
                    {"kty": "oct", "kid": "secret", "k": "c2VjcmV0" * 8},
                    ECAlgorithm.to_jwk(key, as_dict=True) | {"kid": "private"},
                    ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
                    | {"kid": "enc", "use": "enc"},
                    public | {"kid": "rsa"},
                ]
            }
        )
    )
    async with served(codec_auth_jwks=str(jwks), **ISSUER) as caller:
        for kid in ("secret", "private", "enc"):
            assert 401 == (await asked(caller, signed(key, kid)))[0]
        assert 401 == (await asked(caller, signed(public["n"], "rsa", "HS256")))[0]
        assert 401 == (await asked(caller, signed(b"secret" * 8, "secret", "HS256")))[0]
        assert 200 == (await asked(caller, signed(rsa_key, "rsa", "RS256")))[0]


async def test_a_jwks_without_a_key_stops_the_start(tmp_path: Path) -> None:
    """A file is there or it is a mistake, unlike a web server, which may come later."""
    jwks = tmp_path / "jwks.json"
    publish(jwks)

    with pytest.raises(ConfigurationError, match="no key of it can be used"):
        async with served(codec_auth_jwks=str(jwks), **ISSUER):
            pass


async def test_while_the_keys_are_away_nobody_is_let_in() -> None:
    """It says that the token may be good, and lets people in once the keys are there."""
    key = ec.generate_private_key(ec.SECP256R1())
    with reserved() as place:
        url = f"http://127.0.0.1:{place.getsockname()[1]}/"
        async with served(codec_auth_jwks=url, codec_auth_refresh_s=0.05, **ISSUER) as caller:
            status, error = await asked(caller, signed(key, "k"))
            assert 503 == status
            assert "the codec server cannot read the keys" in error
            assert "your token may be good" in error
            async with published(place, k=key), asyncio.timeout(60):
                while 503 == status:
                    status, error = await asked(caller, signed(key, "k"))
                    await asyncio.sleep(0.02)
    assert (200, "") == (status, error)


async def test_keys_that_have_left_the_jwks_are_good_no_longer(tmp_path: Path) -> None:
    """Within the time of a look, whatever tokens come."""
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    jwks = tmp_path / "jwks.json"
    publish(jwks, old=old)
    async with served(codec_auth_jwks=str(jwks), codec_auth_refresh_s=0.05, **ISSUER) as caller:
        assert (200, "") == await asked(caller, signed(old, "old"))
        publish(jwks, new=new)
        async with asyncio.timeout(60):
            while 200 == (await asked(caller, signed(old, "old")))[0]:
                await asyncio.sleep(0.02)
        assert (200, "") == await asked(caller, signed(new, "new"))


async def test_the_gateways_tokens_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the codec server has no settings of its own for tokens, it has the gateway's."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_AUTH_SECRET", SECRET)
    async with served() as caller:
        assert (401, 200) == ((await asked(caller, None))[0], (await asked(caller, token()))[0])
