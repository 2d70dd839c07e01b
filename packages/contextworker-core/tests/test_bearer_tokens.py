"""Bearer tokens, as every service takes them; the gateway's tests attack the verifier itself."""

import logging
import time

import jwt
import pytest

from contextworker.core.tokens.bearer import bearer_token
from contextworker.core.tokens.errors import RefusedTokenError
from contextworker.core.tokens.keys import SharedSecret
from contextworker.core.tokens.refused import RefusedTokens
from contextworker.core.tokens.verifier import Verifier

SECRET = "a secret of the tests, of 32 bytes and more"


@pytest.mark.parametrize(
    ("sent", "token"),
    [
        pytest.param([], None, id="none"),
        pytest.param([""], None, id="empty"),
        pytest.param(["Bearer"], None, id="no_token"),
        pytest.param(["Bearer  "], None, id="blank_token"),
        pytest.param(["Basic YWNtZTphY21l"], None, id="another_scheme"),
        pytest.param(["Bearer a.b.c", "Bearer a.b.c"], None, id="twice"),
        pytest.param([b"Bearer a.b.c"], None, id="bytes"),
        pytest.param(["Bearer a.b.c"], "a.b.c", id="one"),
        pytest.param(["bEARER  a.b.c "], "a.b.c", id="any_case"),
    ],
)
def test_the_value_is_one_bearer_token(sent: list[str | bytes], token: str | None) -> None:
    """Of two, which one counts would be anybody's guess."""
    assert token == bearer_token(sent)


async def test_a_refusal_names_the_service_that_refuses() -> None:
    """A caller may talk to several, each with settings of its own."""
    verifier = Verifier(
        SharedSecret(SECRET),
        issuer="",
        audience="",
        leeway_s=30,
        service="mill",
        audience_setting="MILL_AUDIENCE",
    )
    token = jwt.encode({"sub": "me", "aud": "other", "exp": time.time() + 60}, SECRET)

    with pytest.raises(RefusedTokenError, match="set MILL_AUDIENCE at the mill") as refused:
        await verifier.verify(token)

    assert "wrong_audience" == refused.value.problem


def test_what_was_not_told_of_is_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next line says how many there were."""
    caplog.set_level(logging.INFO)
    refused = RefusedTokens(interval_s=60)
    for seconds in (0, 1, 2, 61, 62, 122):
        with monkeypatch.context() as patch:
            patch.setattr(time, "monotonic", lambda now=seconds: now)
            refused.tell("expired", "ListTasks", "ipv4:192.0.2.1:7")

    line = "unauthenticated: expired (ListTasks, from ipv4:192.0.2.1:7)"
    more = "more such calls since this was last said"
    assert [line, f"{line}, and 2 {more}", f"{line}, and 1 {more}"] == [
        it.getMessage() for it in caplog.records
    ]
