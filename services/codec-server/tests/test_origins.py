"""Which websites may have their visitors' browsers ask."""

from codec_calls import ORIGIN, Caller, encrypted, served

ELSEWHERE = "https://evil.example.com"
ASKED = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-namespace",
    "access-control-request-private-network": "true",
}


async def test_the_ui_is_let_through(anybody: Caller) -> None:
    """A browser asks first whether it may send what the UI sends, and may read the answer."""
    first = await anybody.http.options("/decode", headers=ASKED | {"origin": ORIGIN})
    then = await anybody.ask(await encrypted(7), headers={"origin": ORIGIN})

    assert (200, 200) == (first.status_code, then.status_code)
    assert ORIGIN == first.headers["access-control-allow-origin"]
    assert "true" == first.headers["access-control-allow-private-network"]
    allowed = first.headers["access-control-allow-headers"].lower()
    assert {"authorization", "authorization-extras", "content-type", "x-namespace"} <= {
        name.strip() for name in allowed.split(",")
    }
    assert ORIGIN == then.headers["access-control-allow-origin"]


async def test_other_websites_are_not(anybody: Caller) -> None:
    """Neither asked for nor read, also where the browser does not ask first."""
    first = await anybody.http.options("/decode", headers=ASKED | {"origin": ELSEWHERE})
    then = await anybody.ask(await encrypted("secret"), headers={"origin": ELSEWHERE})

    assert (400, 403) == (first.status_code, then.status_code)
    assert "access-control-allow-origin" not in first.headers
    assert "access-control-allow-origin" not in then.headers
    assert "add it to CONTEXTWORKER_CODEC_CORS_ORIGINS" in then.json()["error"]


async def test_a_website_that_made_its_name_lead_here_is_refused(anybody: Caller) -> None:
    """For the browser it is one origin with this server, so only its name gives it away."""
    host = f"rebound.example.com:{anybody.port}"
    headers = {"origin": f"http://{host}", "host": host}

    assert 403 == (await anybody.ask(await encrypted(7), headers=headers)).status_code


async def test_the_ui_may_read_why_it_was_refused(operator: Caller) -> None:
    """A browser hides errors that do not name its origin."""
    answer = await operator.ask(
        await encrypted(7), headers={"origin": ORIGIN, "authorization": "Bearer nonsense"}
    )

    assert (401, ORIGIN) == (
        answer.status_code,
        answer.headers["access-control-allow-origin"],
    )


async def test_none_is_let_through_unless_named() -> None:
    """Nobody's browser may ask where no origin is set; programs, which send none, may."""
    async with served(codec_cors_origins="") as caller:
        assert 403 == (await caller.ask(headers={"origin": ORIGIN})).status_code
        assert 200 == (await caller.ask()).status_code
