"""The keys of tokens: rotated, away, broken, asked for by strangers."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from gateway_tokens import (
    AUDIENCE,
    ISSUER,
    Issuer,
    SigningKey,
    ec_key,
    ed_key,
    issuer,
    ok,
    rsa_key,
    signed,
)

from contextworker.core.errors import ConfigurationError
from contextworker.core.testing.server import free_port
from contextworker.core.tokens.jwks import BrokenJwksError, read_jwks
from contextworker.core.tokens.keys import KeyRing
from contextworker.core.tokens.sources import FileSource, UnreadableError, UrlSource
from contextworker.gateway.errors import KeysUnavailableError, UnauthenticatedError
from contextworker.gateway.identity.settings import AuthSettings
from contextworker.gateway.identity.setup import authentication
from contextworker.gateway.identity.tokens import Tokens

OLD, NEW = ec_key("old"), ed_key("new")


@asynccontextmanager
async def ring_of(issued: Issuer, **options: Any) -> AsyncIterator[KeyRing]:
    """Run a ring over an issuer's JWKS; it has read it once."""
    intervals = {"refresh_s": 3600, "max_age_s": 7200} | options
    ring = KeyRing(UrlSource(issued.url), **intervals)
    await ring.read()
    running = asyncio.create_task(ring.run())
    try:
        yield ring
    finally:
        running.cancel()
        await asyncio.wait([running])


def tokens(ring: KeyRing, **options: Any) -> Tokens:
    """Verify with a ring."""
    return Tokens(ring, issuer=ISSUER, audience=AUDIENCE, leeway_s=30, **options)


async def problem(verifier: Tokens, token: str) -> str:
    """Return what is wrong with a token; nothing where it is let in."""
    try:
        await verifier.caller(token)
    except UnauthenticatedError as error:
        return error.metadata["problem"]
    return ""


async def eventually(wanted: str, verifier: Tokens, token: str) -> None:
    """Ask again until a token ends as wanted."""
    async with asyncio.timeout(20):
        while await problem(verifier, token) != wanted:
            await asyncio.sleep(0.02)


async def test_a_new_key_is_taken_when_a_token_names_it() -> None:
    """No restart, and no wait for the background: the first token with it causes a look."""
    async with issuer(OLD) as issued, ring_of(issued, min_interval_s=0) as ring:
        verifier = tokens(ring)
        issued.keys.append(NEW)

        assert "" == await problem(verifier, signed(NEW))
        assert "" == await problem(verifier, signed(OLD))
    assert 2 == issued.fetches


async def test_a_removed_key_ends_the_tokens_it_signed() -> None:
    """Also those that were verified and remembered."""
    async with issuer(OLD, NEW) as issued, ring_of(issued, refresh_s=0.05) as ring:
        verifier, token = tokens(ring), signed(OLD)
        assert "" == await problem(verifier, token)

        issued.keys.remove(OLD)
        await eventually("unknown_key", verifier, token)

        assert "" == await problem(verifier, signed(NEW))


async def test_a_key_that_changes_under_its_name_ends_the_tokens_of_the_former() -> None:
    """A kid may be used again; what counts is the key."""
    async with issuer(OLD) as issued, ring_of(issued, refresh_s=0.05) as ring:
        verifier, token = tokens(ring), signed(OLD)
        assert "" == await problem(verifier, token)

        issued.keys[:] = [ec_key("old")]

        await eventually("bad_signature", verifier, token)


async def test_no_key_at_all_lets_nobody_in() -> None:
    """An empty JWKS is an answer, unlike none."""
    async with issuer(OLD) as issued, ring_of(issued, refresh_s=0.05) as ring:
        verifier, token = tokens(ring), signed(OLD)
        assert "" == await problem(verifier, token)

        issued.keys.clear()

        await eventually("unknown_key", verifier, token)


async def test_a_hundred_strangers_cause_one_fetch() -> None:
    """Whoever asks for a key that is not there waits for one and the same answer."""
    async with issuer(OLD) as issued, ring_of(issued, min_interval_s=0) as ring:
        verifier = tokens(ring)
        issued.holding = asyncio.Event()
        strangers = [
            asyncio.create_task(problem(verifier, signed(NEW, kid=f"made-up-{number}")))
            for number in range(100)
        ]
        while issued.fetches < 2:
            await asyncio.sleep(0.01)
        issued.holding.set()

        assert ["unknown_key"] * 100 == await asyncio.gather(*strangers)
    assert 2 == issued.fetches


async def test_strangers_one_after_another_cause_one_fetch() -> None:
    """Made-up keys do not hammer the issuer: one look in a while, for all of them."""
    async with issuer(OLD) as issued, ring_of(issued, min_interval_s=3600) as ring:
        verifier = tokens(ring)
        for number in range(100):
            assert "unknown_key" == await problem(verifier, signed(NEW, kid=f"made-up-{number}"))
    assert 1 == issued.fetches


async def test_a_caller_who_gives_up_takes_nothing_from_the_others() -> None:
    """The look goes on for those who wait with it."""
    async with issuer(OLD) as issued, ring_of(issued, min_interval_s=0) as ring:
        verifier = tokens(ring)
        issued.keys.append(NEW)
        issued.holding = asyncio.Event()
        impatient = asyncio.create_task(problem(verifier, signed(NEW)))
        patient = asyncio.create_task(problem(verifier, signed(NEW)))
        while issued.fetches < 2:
            await asyncio.sleep(0.01)

        impatient.cancel()
        issued.holding.set()

        assert "" == await patient
    assert 2 == issued.fetches


OTHER = Issuer([NEW]).jwks
BROKEN_ANSWERS = {
    "error": (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "it answers 503"),
    # With a JWKS in it, which must not be taken.
    "redirect": (ok(OTHER).replace(b"200 OK", b"302 Found"), "it answers 302"),
    "no_json": (ok(b"<html>"), "it is not JSON"),
    "no_jwks": (ok(b'{"keys": 7}'), "it is no JWKS"),
    "too_large": (ok(b" " * 300_000 + OTHER), "it is larger than"),
    "cut_off": (ok(OTHER)[:-9], "closed"),
    "no_http": (b"220 mail.example ESMTP\r\n\r\n", "illegal"),
    "closed": (b"", "disconnected"),
}


@pytest.mark.parametrize(("answer", "why"), BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS)
async def test_an_outage_is_survived_with_the_keys_at_hand(
    answer: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """However the issuer fails: told once when it begins, and once when it is over."""
    async with issuer(OLD) as issued, ring_of(issued) as ring:
        caplog.set_level(logging.INFO)
        verifier = tokens(ring)
        issued.answer = answer
        for _ in range(3):
            await ring.read()
        during = await problem(verifier, signed(OLD)), await problem(verifier, signed(NEW))
        issued.answer = None
        await ring.read()

    assert ("", "unknown_key") == during
    told = [record.getMessage() for record in caplog.records if "keys of tokens" in record.message]
    assert 2 == len(told)
    assert f"cannot be read from {issued.url}" in told[0]
    assert why in told[0]
    assert "those at hand are good for" in told[0]
    assert f"can be read from {issued.url} again" in told[1]


async def test_a_redirect_leads_nowhere() -> None:
    """Least of all to what only the gateway can reach."""
    async with issuer(NEW) as inside, issuer(OLD) as issued, ring_of(issued) as ring:
        issued.answer = (
            b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % inside.url.encode()
        )
        await ring.read()

        assert "unknown_key" == await problem(tokens(ring), signed(NEW))
    assert 0 == inside.fetches


async def test_keys_at_hand_are_not_good_for_ever() -> None:
    """Past their age nobody is let in, not even with a remembered token, until the issuer is back.

    That is UNAVAILABLE: the token may be good.
    """
    async with issuer(OLD) as issued, ring_of(issued, refresh_s=0.05, max_age_s=3) as ring:
        verifier, token = tokens(ring), signed(OLD)
        assert "" == await problem(verifier, token)

        issued.answer = BROKEN_ANSWERS["error"][0]
        with pytest.raises(KeysUnavailableError) as refused:
            await eventually("never", verifier, token)
        issued.answer = None
        while ring.trouble:  # the first of these may share a read that is being refused already
            await ring.read()

        assert "" == await problem(verifier, token)
    assert "let" in str(refused.value)


async def test_an_issuer_that_comes_later_is_waited_for() -> None:
    """Whatever starts first: until the keys are there, nobody is let in."""
    async with issuer(OLD) as issued:
        issued.answer = BROKEN_ANSWERS["error"][0]
        async with ring_of(issued, refresh_s=0.05) as ring:
            with pytest.raises(KeysUnavailableError):
                await tokens(ring).caller(signed(OLD))
            issued.answer = None
            async with asyncio.timeout(20):
                while ring.trouble:
                    await asyncio.sleep(0.02)

            assert "" == await problem(tokens(ring), signed(OLD))


async def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte in time, and the whole never: the limit is on the whole."""
    monkeypatch.setattr("contextworker.core.tokens.sources._FETCH_S", 1)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with closing(writer):
            while not reader.at_eof() and not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UnreadableError, match="no whole answer within"):
            await UrlSource(f"http://127.0.0.1:{port}/").read()
        server.close()


async def test_a_server_that_is_not_there_is_said_so() -> None:
    """As the operator reads it in the log."""
    with pytest.raises(UnreadableError, match="connect"):
        await UrlSource(f"http://127.0.0.1:{free_port()}/").read()


async def test_a_file_is_read_again(tmp_path: Path) -> None:
    """Replaced in place, or by another file under its name, as Kubernetes does."""
    path = tmp_path / "jwks.json"
    path.write_bytes(Issuer([OLD]).jwks)
    ring = KeyRing(FileSource(path), refresh_s=60, max_age_s=120, min_interval_s=0)
    await ring.read()
    other = tmp_path / "other"
    other.write_bytes(Issuer([NEW]).jwks)
    other.rename(path)

    assert "" == await problem(tokens(ring), signed(NEW))
    assert "unknown_key" == await problem(tokens(ring), signed(OLD))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("-----BEGIN PUBLIC KEY-----", "it is not JSON", id="pem"),
        pytest.param("[]", "it is no JWKS", id="list"),
        pytest.param('{"keys": []}', "no key of it can be used", id="empty"),
        pytest.param('{"keys": [{"kty": "oct", "kid": "a", "k": "AA"}]}', "private", id="secret"),
    ],
)
async def test_a_file_without_a_key_stops_the_start(tmp_path: Path, text: str, said: str) -> None:
    """A mistake, unlike a server that is away."""
    path = tmp_path / "jwks.json"
    path.write_text(text)
    settings = AuthSettings(
        gateway_auth_jwks=str(path), gateway_auth_issuer="i", gateway_auth_audience="a"
    )

    with pytest.raises(ConfigurationError, match=said) as refused:
        async with authentication(settings):
            pass

    assert str(refused.value).startswith("CONTEXTWORKER_GATEWAY_AUTH_JWKS: ")


def jwk_of(key: SigningKey, **changed: Any) -> dict[str, Any]:
    """Return a key's JWK, changed; None takes a member out."""
    return {name: value for name, value in (key.jwk | changed).items() if value is not None}


@pytest.mark.parametrize(
    ("jwk", "why"),
    [
        pytest.param(jwk_of(OLD, kid=None), "it has no kid", id="kid_missing"),
        pytest.param(jwk_of(OLD, d="AAAA"), "it is private", id="private"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0", "kid": "x"}, "it is private", id="secret"),
        pytest.param(jwk_of(OLD, use="enc"), "not for signatures", id="for_encryption"),
        pytest.param(jwk_of(OLD, key_ops=["encrypt"]), "not for verifying", id="key_ops"),
        pytest.param(jwk_of(OLD, alg="HS256"), "does not fit its type", id="alg_of_another_type"),
        pytest.param(jwk_of(OLD, alg="none"), "does not fit its type", id="alg_none"),
        pytest.param(jwk_of(OLD, alg=["ES256"]), "does not fit its type", id="alg_list"),
        pytest.param(jwk_of(OLD, crv="secp256k1"), "its type is none of", id="curve"),
        pytest.param(jwk_of(OLD, crv=None), "its type is none of", id="curve_missing"),
        pytest.param(jwk_of(OLD, x="AAAA"), "it cannot be read", id="point_not_on_the_curve"),
        pytest.param({"kty": "RSA", "kid": "x"}, "it cannot be read", id="rsa_without_numbers"),
        pytest.param(rsa_key("x", bits=1024).jwk, "less than 2048 bits", id="rsa_short"),
        pytest.param({"kid": "x"}, "its type is none of", id="type_missing"),
    ],
)
def test_a_key_that_cannot_be_used_is_left_out(jwk: dict[str, Any], why: str) -> None:
    """It costs the others nothing, and the log says why."""
    read = read_jwks(json.dumps({"keys": [jwk, NEW.jwk]}).encode())

    assert ["new"] == list(read.keys)
    assert 1 == len(read.left_out)
    assert why in read.left_out[0]


def test_a_named_algorithm_is_the_only_one() -> None:
    """An RSA key that says RS256 verifies no PS256."""
    both = [jwk_of(rsa_key("any")), jwk_of(rsa_key("one"), alg="RS256")]

    keys = read_jwks(json.dumps({"keys": both}).encode()).keys

    assert ("RS256",) == keys["one"].algorithms
    assert {"RS256", "PS512"} < set(keys["any"].algorithms)


def test_a_jwks_nested_beyond_reason_is_broken() -> None:
    """Whatever the web server sends."""
    with pytest.raises(BrokenJwksError):
        read_jwks(b"[" * 100_000)


async def test_the_memory_of_tokens_is_bounded() -> None:
    """The oldest is forgotten, and verified anew when it comes again."""
    async with issuer(OLD) as issued, ring_of(issued) as ring:
        verifier = tokens(ring, capacity=3)
        sent = [signed(OLD, None, number=str(number)) for number in range(10)]
        for token in [*sent, *sent]:
            assert "" == await problem(verifier, token)

        assert 3 == len(verifier._verified)
        assert not any(token.encode() in verifier._verified for token in sent)
