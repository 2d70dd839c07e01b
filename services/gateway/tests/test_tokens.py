"""Bearer tokens at the gateway's door: which are let in, and how each attack ends."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import time
import uuid
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import grpc
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from gateway_calls import Caller, connected, until
from gateway_deployments import until_announced
from gateway_tokens import (
    AUDIENCE,
    ISSUER,
    SECRET,
    SigningKey,
    claims,
    ec_key,
    ed_key,
    issuer,
    rsa_key,
    signed,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.client import Client

from contextworker.core.client import AsyncWorkerClient
from contextworker.core.tokens.jwks import VerifyingKey, read_jwks
from contextworker.gateway.errors import UnauthenticatedError
from contextworker.gateway.identity.tokens import Tokens
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

RSA = rsa_key("rsa")
EC = ec_key("ec")
ED = ed_key("ed")
OTHERS = [
    ec_key("es384", "ES384"),
    ec_key("es512", "ES512"),
    *(SigningKey(kind.lower(), kind, RSA.private) for kind in ("RS384", "RS512", "PS256")),
]
UNLISTED = rsa_key("unlisted")
WEAK = rsa_key("weak", bits=1024)
TWINS = [ec_key("twin"), ec_key("twin")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(temporal_client: Client) -> AsyncIterator[Caller]:
    """Call a gateway that trusts the keys above."""
    async with issuer(RSA, EC, ED, *OTHERS, WEAK, *TWINS) as trusted:
        configured = GatewaySettings(
            port=0,
            gateway_shutdown_grace_s=1,
            gateway_auth_jwks=trusted.url,
            gateway_auth_issuer=ISSUER,
            gateway_auth_audience=AUDIENCE,
            gateway_temporal_timeout_s=20,  # Temporal answers late where the machine is busy
        )
        async with gateway(temporal_client, configured) as port, connected(port) as caller:
            yield caller


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small_door(temporal_client: Client) -> AsyncIterator[Caller]:
    """Call a gateway that shares a secret with whoever makes tokens."""
    configured = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_auth_secret=SECRET,
        gateway_temporal_timeout_s=20,
    )
    async with gateway(temporal_client, configured) as port, connected(port) as caller:
        yield caller


def part(value: Any) -> str:
    """Write one part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hand(header: dict[str, Any], body: Any, secret: bytes | None) -> str:
    """Write a token that no library would: HMAC with any bytes, or no signature."""
    said = f"{part(header)}.{part(body)}"
    mac = b"" if secret is None else hmac.digest(secret, said.encode(), hashlib.sha256)
    return f"{said}.{part(mac)}"


def public_pem(key: SigningKey) -> bytes:
    """Return what everybody knows of a key."""
    return bytes(
        key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


def later(seconds: float) -> int:
    """Return a time from now."""
    return int(time.time() + seconds)


@pytest.mark.parametrize("key", [RSA, EC, ED, *OTHERS], ids=lambda key: key.algorithm)
async def test_every_accepted_algorithm_is_let_in(door: Caller, key: SigningKey) -> None:
    """RSA, elliptic curves, Ed25519: whatever the JWKS has."""
    assert ["modules"] == list(await door.bearing(signed(key)).ask("ListModules", {}))


def weakly_signed() -> str:
    """Sign with a key that can be broken, which the library warns of."""
    with warnings.catch_warnings(action="ignore"):
        return signed(WEAK)


def by_rsa(body: Any) -> str:
    """Sign what need not be claims."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return jwt.api_jws.encode(raw, RSA.private, "RS256", {"kid": "rsa"})


ATTACKS: dict[str, tuple[str, Callable[[], str]]] = {
    "alg_none": (
        "wrong_algorithm",
        lambda: by_hand({"alg": "none", "kid": "rsa"}, claims(), None),
    ),
    "alg_none_in_capitals": (
        "wrong_algorithm",
        lambda: by_hand({"alg": "NONE", "kid": "rsa"}, claims(), None),
    ),
    "hmac_with_the_public_key": (
        "wrong_algorithm",
        lambda: by_hand({"alg": "HS256", "kid": "rsa"}, claims(), public_pem(RSA)),
    ),
    "hmac_with_nothing": (
        "wrong_algorithm",
        lambda: by_hand({"alg": "HS256", "kid": "rsa"}, claims(), b""),
    ),
    "alg_of_another_type_of_key": (
        "wrong_algorithm",
        lambda: signed(SigningKey("ec", "RS256", RSA.private)),
    ),
    "alg_of_another_curve": (
        "wrong_algorithm",
        lambda: signed(SigningKey("ec", "ES384", OTHERS[0].private)),
    ),
    "alg_missing": ("wrong_algorithm", lambda: by_hand({"kid": "rsa"}, claims(), b"")),
    "alg_no_string": ("wrong_algorithm", lambda: by_hand({"alg": [], "kid": "rsa"}, claims(), b"")),
    "signed_by_another": (
        "bad_signature",
        lambda: signed(SigningKey("rsa", "RS256", UNLISTED.private)),
    ),
    "claims_changed": (
        "bad_signature",
        lambda: ".".join(
            [
                signed(RSA).split(".")[0],
                part(claims(tenants=["other"])),
                signed(RSA).split(".")[2],
            ]
        ),
    ),
    "signature_cut_off": ("bad_signature", lambda: signed(RSA).rpartition(".")[0] + "."),
    "exp_missing": ("missing_claim", lambda: signed(RSA, claims(exp=None))),
    "exp_past": ("expired", lambda: signed(RSA, claims(exp=later(-40)))),
    "exp_no_number": ("malformed", lambda: signed(RSA, claims(exp="soon"))),
    "exp_infinite": ("malformed", lambda: signed(RSA, claims(exp=float("inf")))),
    "exp_in_centuries": ("too_long_lived", lambda: signed(RSA, claims(exp=later(1e10)))),
    "exp_beyond_every_float": ("too_long_lived", lambda: by_rsa(claims(exp=10**400))),
    "nbf_in_the_future": ("not_yet_valid", lambda: signed(RSA, claims(nbf=later(60)))),
    "iat_in_the_future": ("not_yet_valid", lambda: signed(RSA, claims(iat=later(60)))),
    "iat_no_number": ("malformed", lambda: signed(RSA, claims(iat={}))),
    "iss_other": ("wrong_issuer", lambda: signed(RSA, claims(iss="https://evil.example/"))),
    "iss_missing": ("missing_claim", lambda: signed(RSA, claims(iss=None))),
    "iss_no_string": ("wrong_issuer", lambda: by_rsa(claims(iss=[ISSUER]))),
    "aud_other": ("wrong_audience", lambda: signed(RSA, claims(aud="billing"))),
    "aud_missing": ("missing_claim", lambda: signed(RSA, claims(aud=None))),
    "sub_missing": ("missing_claim", lambda: signed(RSA, claims(sub=None))),
    "sub_no_string": ("malformed", lambda: by_rsa(claims(sub=7))),
    "sub_empty": ("malformed", lambda: signed(RSA, claims(sub=""))),
    "sub_of_two_lines": ("malformed", lambda: signed(RSA, claims(sub="me\nERROR all is lost"))),
    "sub_half_a_character": ("malformed", lambda: signed(RSA, claims(sub="\ud800"))),
    "kid_missing": ("unknown_key", lambda: signed(RSA, kid=None)),
    "kid_unknown": ("unknown_key", lambda: signed(UNLISTED)),
    "kid_of_two_keys": ("unknown_key", lambda: signed(TWINS[0])),
    "kid_no_string": ("malformed", lambda: by_hand({"alg": "RS256", "kid": 1}, claims(), b"")),
    "kid_that_is_a_path": ("unknown_key", lambda: signed(RSA, kid="../../etc/passwd")),
    "key_that_is_too_short": ("unknown_key", weakly_signed),
    "key_brought_along": (
        "unknown_key",
        lambda: signed(UNLISTED, jwk=UNLISTED.jwk, jku="https://evil.example/jwks.json"),
    ),
    "crit": ("malformed", lambda: signed(RSA, crit=["x5t"], x5t="1")),
    "crit_of_a_detached_payload": ("malformed", lambda: signed(RSA, crit=["b64"], b64=True)),
    "payload_no_object": ("malformed", lambda: by_rsa(["acme"])),
    "payload_nested_beyond_reason": ("malformed", lambda: by_rsa(b"[" * 4000)),
    "header_nested_beyond_reason": ("malformed", lambda: f"{part(b'[' * 5000)}.e30.e30"),
    "too_large": ("too_large", lambda: signed(RSA, claims(pad="x" * 6200))),
    "no_token": ("malformed", lambda: "hello"),
    "dots": ("malformed", lambda: ".."),
    "four_parts": ("malformed", lambda: signed(RSA) + ".e30"),
    "encrypted": ("malformed", lambda: "e30.e30.e30.e30.e30"),
    "tenants_missing": ("tenants", lambda: signed(RSA, claims(tenants=None))),
    "tenants_none": ("tenants", lambda: signed(RSA, claims(tenants=[]))),
    "tenants_no_list": ("tenants", lambda: signed(RSA, claims(tenants="acme"))),
    "tenants_not_all_strings": ("tenants", lambda: signed(RSA, claims(tenants=["acme", None]))),
    "tenants_that_cannot_be": ("tenants", lambda: signed(RSA, claims(tenants=["a/b"]))),
    "tenants_with_a_line_end": ("tenants", lambda: signed(RSA, claims(tenants=["acme\n"]))),
    "every_tenant_without_admin": ("tenants", lambda: signed(RSA, claims(tenants=["acme", "*"]))),
    "permissions_no_list": ("permissions", lambda: signed(RSA, claims(permissions="worker:admin"))),
    "permissions_not_all_strings": (
        "permissions",
        lambda: signed(RSA, claims(permissions=["worker:read", []])),
    ),
    "scope_no_string": ("permissions", lambda: signed(RSA, claims(permissions=None, scope=["a"]))),
}


@pytest.mark.parametrize(("problem", "token"), ATTACKS.values(), ids=ATTACKS)
async def test_an_attack_is_unauthenticated(
    door: Caller, problem: str, token: Callable[[], str]
) -> None:
    """Each with the same code and reason, a word for programs, and never the token itself."""
    sent = token()

    refusal = await door.bearing(sent).refused("ListModules", {})

    assert (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED") == (refusal.code, refusal.reason)
    assert {"problem": problem} == refusal.metadata
    assert not any(piece in refusal.message for piece in sent.split(".") if len(piece) > 5)


async def test_a_stranger_is_refused_before_its_request_is_read(door: Caller) -> None:
    """Or else those without a token could fill the gateway's memory with messages."""
    begin: Any = door.channel.stream_unary("/contextworker.WorkerService/StartWorkflow")

    call = begin(timeout=20)  # it sends nothing, ever

    assert grpc.StatusCode.UNAUTHENTICATED == await call.code()


async def test_refused_tokens_are_told_of_once_in_a_while(
    temporal_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator sees that something is refused, why, and whence; a stranger fills no log."""
    caplog.set_level(logging.INFO, "contextworker.core.tokens")
    configured = GatewaySettings(port=0, gateway_shutdown_grace_s=0, gateway_auth_secret=SECRET)
    expired = jwt.encode(claims(iss=None, aud=None, exp=later(-40)), SECRET, "HS256")
    async with gateway(temporal_client, configured) as port, connected(port) as caller:
        for _ in range(3):
            await caller.bearing(expired).refused("ListTasks", {})
            await caller.refused("ListModules", {})

    told = [it.getMessage() for it in caplog.records if "unauthenticated" in it.getMessage()]
    assert 2 == len(told)
    assert told[0].startswith("unauthenticated: expired (ListTasks, from ipv4:127.0.0.1:")
    assert told[1].startswith("unauthenticated: missing (ListModules, from ipv4:127.0.0.1:")
    assert not any(piece in caplog.text for piece in expired.split("."))


@pytest.mark.parametrize(
    ("problem", "values"),
    [
        pytest.param("missing", [], id="none"),
        pytest.param("malformed", [""], id="empty"),
        pytest.param("malformed", ["Bearer"], id="no_token"),
        pytest.param("malformed", ["Bearer "], id="blank_token"),
        pytest.param("malformed", ["Basic YWNtZTphY21l"], id="another_scheme"),
        pytest.param("malformed", ["good", "good"], id="twice"),
    ],
)
async def test_the_metadata_is_one_bearer_token(
    door: Caller, problem: str, values: list[str]
) -> None:
    """What is not there once, as `Bearer …`, is refused before anything is looked at."""
    sent = [("authorization", f"Bearer {signed(RSA)}" if it == "good" else it) for it in values]

    refusal = await door.refused("ListModules", {}, metadata=sent)

    assert (grpc.StatusCode.UNAUTHENTICATED, problem) == (refusal.code, refusal.metadata["problem"])
    assert "authorization" in refusal.message


async def test_the_scheme_is_written_in_any_case(door: Caller) -> None:
    """As HTTP has it."""
    sent = [("authorization", f"bEARER {signed(EC)}")]

    assert ["modules"] == list(await door.ask("ListModules", {}, metadata=sent))


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
async def test_a_clock_may_be_off_by_the_leeway(door: Caller, claim: str) -> None:
    """Half of the 30 seconds either way is let in."""
    off = later(-15 if claim == "exp" else 15)
    token = signed(EC, claims(**{claim: off}))

    assert ["modules"] == list(await door.bearing(token).ask("ListModules", {}))


async def test_a_token_comes_before_the_request(door: Caller) -> None:
    """A stranger learns nothing of what would be wrong with the request."""
    refusal = await door.refused("GetTaskStatus", {"nonsense": True})

    assert grpc.StatusCode.UNAUTHENTICATED == refusal.code


async def test_a_standard_scope_permits_too(door: Caller) -> None:
    """Many issuers know `scope` only; where `permissions` is there, it is what counts."""
    scoped = signed(EC, claims(permissions=None, scope="openid worker:read"))
    emptied = signed(EC, claims(permissions=[], scope="worker:read"))

    assert ["modules"] == list(await door.bearing(scoped).ask("ListModules", {}))
    refusal = await door.bearing(emptied).refused("ListModules", {})
    assert grpc.StatusCode.PERMISSION_DENIED == refusal.code


async def test_a_shared_secret_lets_in(small_door: Caller) -> None:
    """For small installations: no JWKS, issuer and audience."""
    token = jwt.encode(claims(iss=None, aud=None), SECRET, "HS256")

    assert ["modules"] == list(await small_door.bearing(token).ask("ListModules", {}))


SMALL_ATTACKS: dict[str, tuple[str, Callable[[], str]]] = {
    "alg_none": ("wrong_algorithm", lambda: by_hand({"alg": "none"}, claims(aud=None), None)),
    "hs512": ("wrong_algorithm", lambda: jwt.encode(claims(aud=None), SECRET * 2, "HS512")),
    "rs256": ("wrong_algorithm", lambda: signed(RSA, claims(aud=None))),
    "another_secret": ("bad_signature", lambda: jwt.encode(claims(), SECRET + ".", "HS256")),
    "for_an_audience": ("wrong_audience", lambda: jwt.encode(claims(), SECRET, "HS256")),
    "exp_missing": (
        "missing_claim",
        lambda: jwt.encode(claims(aud=None, exp=None), SECRET, "HS256"),
    ),
}


@pytest.mark.parametrize(("problem", "token"), SMALL_ATTACKS.values(), ids=SMALL_ATTACKS)
async def test_an_attack_on_the_secret_is_unauthenticated(
    small_door: Caller, problem: str, token: Callable[[], str]
) -> None:
    """One algorithm, one secret."""
    refusal = await small_door.bearing(token()).refused("ListModules", {})

    assert (grpc.StatusCode.UNAUTHENTICATED, problem) == (refusal.code, refusal.metadata["problem"])


async def test_a_remembered_token_expires_all_the_same(temporal_client: Client) -> None:
    """It was let in a moment ago, and is not any more: the memory ends with the token."""
    configured = GatewaySettings(
        port=0, gateway_shutdown_grace_s=0, gateway_auth_secret=SECRET, gateway_auth_leeway_s=0
    )
    async with gateway(temporal_client, configured) as port, connected(port) as caller:
        body = claims(iss=None, aud=None, exp=int(time.time()) + 6)  # to be let in once, in time
        bearing = caller.bearing(jwt.encode(body, SECRET, "HS256"))
        first = await bearing.refused("GetTaskStatus", {})
        await until(lambda: asyncio.sleep(0, time.time()), lambda now: now >= body["exp"])
        refusal = await bearing.refused("GetTaskStatus", {})

    assert "INVALID_REQUEST" == first.reason
    assert "expired" == refusal.metadata["problem"]


async def test_a_watch_ends_with_its_token(temporal_client: Client, toys: None) -> None:
    """However long the run goes on: what was let in is let in no longer than the token says."""
    configured = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=0,
        gateway_auth_secret=SECRET,
        gateway_auth_leeway_s=0,
        gateway_temporal_timeout_s=20,
    )
    tenant = f"t{uuid.uuid4().hex[:8]}"

    def token(seconds: float) -> str:
        body = claims(
            iss=None, aud=None, tenants=[tenant], permissions=["worker:admin"], exp=later(seconds)
        )
        return jwt.encode(body, SECRET, "HS256")

    async with gateway(temporal_client, configured) as port, connected(port) as caller:
        long = caller.bearing(token(300))
        await until_announced(long, name="toys")
        started = await long.ask("StartWorkflow", {"workflow_type": "toy", "supplier_code": "wait"})
        question = {"workflow_id": started["workflow_id"]}

        given: list[str] = []

        def fresh() -> str:
            given.append(token(300 if given else 6))
            return given[-1]

        async with AsyncWorkerClient(f"127.0.0.1:{port}", token=fresh) as client:

            async def followed() -> list[str]:
                task = started["workflow_id"]
                return [it.status async for it in client.watch(task, timeout=60)]

            following = asyncio.create_task(followed())
            refusal = await caller.bearing(token(6)).refused("WatchTask", question)
            await until(lambda: asyncio.sleep(0, len(given)), lambda tokens: tokens > 1)
            await long.ask("CancelTask", question)
            states = await following

    assert (grpc.StatusCode.UNAUTHENTICATED, "expired") == (
        refusal.code,
        refusal.metadata["problem"],
    )
    assert "cancelled" == states[-1]


WORDS = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "RS256", "HS256", "none", "rsa"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=12,
)
PARTS = JSON.map(part) | st.binary(max_size=40).map(part) | st.text(max_size=40)
SIGNED = st.dictionaries(st.sampled_from(list(claims(nbf=0, scope=""))), JSON).map(
    lambda changed: by_rsa({**claims(), **changed})
)


class Fixed:
    """Keys that never change."""

    def __init__(self, *keys: SigningKey) -> None:
        self._jwks = read_jwks(json.dumps({"keys": [key.jwk for key in keys]}).encode())

    def edition(self) -> object:
        """Return the one edition there is."""
        return self._jwks

    async def find(self, kid: str | None) -> VerifyingKey:
        """Return a key, whatever is asked for."""
        assert kid is None or isinstance(kid, str)
        return next(iter(self._jwks.keys.values()))


FIXED = Fixed(RSA)


@given(st.lists(PARTS, max_size=6).map(".".join) | st.text() | SIGNED)
@settings(max_examples=400, deadline=None)
def test_whatever_is_sent_is_let_in_or_refused(token: str) -> None:
    """Garbage, and what an issuer might sign by mistake: never a fault of the gateway's."""
    verifier = Tokens(FIXED, issuer=ISSUER, audience=AUDIENCE, leeway_s=30)
    with suppress(UnauthenticatedError):
        assert isinstance(asyncio.run(verifier.caller(token)).subject, str)
