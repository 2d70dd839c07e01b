"""What operators see of a codec server's requests in Prometheus."""

import base64

from codec_calls import PLAIN, SECRET, encrypted, served, token

from contextworker.core.testing.metrics import exported_metrics


async def test_requests_and_payloads_are_counted_by_what_became_of_them() -> None:
    """A reader who sends nonsense is no member that lacks a key: nobody is called for that."""
    changed = await encrypted(1)
    changed["data"] = base64.b64encode(b"x" * 100).decode()
    with exported_metrics() as exported:
        async with served(codec_auth_secret=SECRET, bearer=token()) as caller:
            await caller.ask(PLAIN, await encrypted(1), await encrypted(2, tenant_id="other"))
            await caller.ask(await encrypted(3, key=b"2" * 32, key_id="k2"), changed)
            await caller.ask(PLAIN, path="/default/download")
            await caller.ask(path="/encode")
            await caller.ask(PLAIN, headers={"authorization": "Bearer abc"})
            await caller.ask(PLAIN, headers={"origin": "https://elsewhere.example.com"})

        prefix = "contextworker_codec_server"
        requests = exported.samples(f"{prefix}_requests_total")
        payloads = exported.samples(f"{prefix}_payloads_total")
        refused = exported.samples(f"{prefix}_refused_tokens_total")
        assert {
            ("decode", "200"): 2,
            ("decode", "401"): 1,
            ("decode", "403"): 1,
            ("download", "400"): 1,
            ("encode", "405"): 1,
        } == {(labels["operation"], labels["status"]): count for labels, count in requests}
        assert {"plain": 1, "opened": 1, "forbidden": 1, "no_key": 1, "unreadable": 1} == {
            labels["outcome"]: count for labels, count in payloads
        }
        assert [("malformed", 1)] == [(labels["problem"], count) for labels, count in refused]
        assert 0 == exported.total("contextworker_decryption_failures_total")
