"""A system run with secrets everywhere: none of them, and no payload, is in a log or an error."""

import base64
import contextlib
import http.server
import itertools
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import grpc
import jwt
import pytest
from running_system import PATIENCE_S, SCRIPTS, System

from contextcore import ContextUnit, worker_pb2, worker_pb2_grpc
from contextworker.core.testing.server import free_port

SECRET = "marker-secret-"
PAYLOAD = "marker-payload-"
AUTH = f"{SECRET}of-the-gateway-with-its-32-bytes-and-more"
OTHER_AUTH = f"{SECRET}of-another-gateway-with-32-bytes-and-more"
HEADER, USER, QUERY, LLM, DSN = (
    f"{SECRET}{of}" for of in ("header", "user", "query", "model", "dsn")
)


class Outside(http.server.BaseHTTPRequestHandler):
    """A supplier and a language model, which repeat what they are sent where it hurts."""

    def do_GET(self) -> None:
        """Serve a feed, a wrong one, or an error that quotes its request."""
        header = str(self.headers.get("authorization"))
        if "broken" in self.path:
            self._answer(500, f"{PAYLOAD}500 for {header} at {self.path}")
        elif "garbage" in self.path:
            # A broken feed is quoted with the few characters where it breaks off, which help.
            self._answer(200, f'{{"products": [broken {"." * 40} {PAYLOAD}, "{header}"')
        else:
            rows = [f"s{n},{PAYLOAD}tent {n},{PAYLOAD if n == 3 else n}.5,1" for n in range(9)]
            self._answer(200, "\n".join(["sku,name,price,stock", *rows, ""]))

    def do_POST(self) -> None:
        """Refuse as OpenAI does, with the key."""
        self.rfile.read(int(self.headers["content-length"]))
        said = f"Incorrect API key provided: {self.headers.get('authorization')}"
        error = {"message": said, "type": "invalid_request_error", "code": "invalid_api_key"}
        self._answer(401, json.dumps({"error": error}))

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/csv" if status == 200 else "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("set-cookie", f"session={SECRET}cookie")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Stay silent."""


@pytest.fixture
def outside() -> Iterator[str]:
    """The world's web server, on loopback; yields host:port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def key(name: str) -> str:
    """An encryption key, and how it is written in a setting."""
    return base64.b64encode(f"{SECRET}{name}".ljust(32, "k").encode()).decode()


def settings(system: System, outside: str) -> dict[str, str]:
    """Secrets wherever a setting takes one; and everything is logged that can be."""
    suppliers = system.folder / "suppliers"
    suppliers.mkdir()
    for code in ("good", "broken", "garbage"):
        (suppliers / f"{code}.toml").write_text(
            f'name = "{code}"\n[[sources]]\n'
            f'url = "http://me:{USER}@{outside}/{code}.csv?api_key={QUERY}&sig={QUERY}"\n'
            'headers = { X-Supplier-Token = { env = "SUPPLIER_TOKEN" } }\n'
            '[mapping]\nsku = "sku"\nname = "name"\nprice_retail = "price"\nquantity = "stock"\n'
            "[retry]\nmaximum_attempts = 2\ninitial_interval_s = 0.1\n"
        )
    gardener = system.folder / "gardener.toml"
    gardener.write_text(
        f'[default.llm]\nbase_url = "http://{outside}/v1"\nmodel = "small"\n'
        'api_key_env = "MODEL_KEY"\ninput_usd_per_million = 1\noutput_usd_per_million = 1\n'
    )
    return {
        "CONTEXTWORKER_LOG_LEVEL": "DEBUG",
        "CONTEXTWORKER_SHUTDOWN_GRACE_S": "1",
        "CONTEXTWORKER_SUPPLIERS_DIR": str(suppliers),
        "CONTEXTWORKER_HARVEST_ALLOWED_NETWORKS": "127.0.0.0/8",
        "SUPPLIER_TOKEN": HEADER,
        "CONTEXTWORKER_GARDENER_CONFIG": str(gardener),
        "MODEL_KEY": LLM,
        "BRAIN_URL": system.brain_url.replace("postgres:@", f"postgres:{DSN}@"),
        "CONTEXTWORKER_GATEWAY_AUTH_SECRET": AUTH,
        "WORKER_TOKEN": token("sandbox"),
        "CONTEXTWORKER_ENCRYPTION_KEYS": f"one:{key('one')}",
    }


def token(subject: str, secret: str = AUTH) -> str:
    """A token that says who somebody is; its signature makes it a secret."""
    permissions = ["worker:execute", "worker:read", "payloads:decode"]
    rights = {"tenants": ["acme"], "permissions": permissions}
    return jwt.encode({"sub": subject, "exp": int(time.time()) + 3600, **rights}, secret)


class Caller:
    """Calls the gateway, and keeps every error that it got."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.errors: list[str] = []

    def call(
        self, method: str, bearer: str, *, deadline_s: float = 60, **payload: object
    ) -> dict[str, Any]:
        """Send one unit; {} where it is refused."""
        unit = ContextUnit(payload=payload, provenance=["test:call"])
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            stub = worker_pb2_grpc.WorkerServiceStub(channel)
            try:
                reply = getattr(stub, method)(
                    unit.to_protobuf(worker_pb2),
                    timeout=deadline_s,
                    metadata=[("authorization", f"Bearer {bearer}")],
                )
            except grpc.RpcError as error:
                told = [error.code(), str(error), error.trailing_metadata()]
                self.errors.append(repr(told))
                return {}
        return dict(ContextUnit.from_protobuf(reply).payload)


def ask_codec_server(port: int, *bearers: str) -> list[str]:
    """Ask for what there is, what is broken, and with each token; returns the refusals."""
    sealed = {"encoding": "YmluYXJ5L2VuY3J5cHRlZA==", PAYLOAD: SECRET}
    bodies = [
        json.dumps({"payloads": [{"metadata": sealed, "data": key("one")}]}),
        json.dumps({"payloads": [{"metadata": {"encoding": PAYLOAD}, SECRET: PAYLOAD}]}),
        f'{{"payloads": [{PAYLOAD}, {SECRET}',
    ]
    paths = ("decode", "download", f"{PAYLOAD}/decode?{SECRET}", "encode", PAYLOAD)
    refusals = []
    for path, body, bearer in itertools.product(paths, bodies, bearers):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/{path}",
            body.encode(),
            {"authorization": f"Bearer {bearer}", "content-type": "application/json"},
        )
        try:
            urllib.request.urlopen(request, timeout=20).close()
        except urllib.error.HTTPError as error:
            with error:
                refusals.append(error.read().decode())
    return refusals


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_says_a_secret_or_a_payload(system: System, outside: str) -> None:
    """Every process at DEBUG, with all the errors that could quote something.

    What a caller is told of their own request and run is theirs: there only secrets are looked for.
    """
    given = settings(system, outside)
    caller, bearer = Caller(system.port), token("tester")
    system.start("gateway", "gateway", says="gateway listening on", **given)
    for name in ("harvest", "gardener", "sandbox"):
        system.start(name, f"{name}-worker", says=f"polls {name}-tasks", **given)

    def finished(**payload: Any) -> dict[str, Any]:
        started = caller.call("StartWorkflow", bearer, tenant_id="acme", **payload)
        return until_closed(caller, bearer, started["workflow_id"])

    statuses = [
        finished(workflow_type="harvest", supplier_code=code)
        for code in ("good", "broken", "garbage")
    ]
    statuses.append(finished(workflow_type="gardener"))
    programs = [
        f"print('{PAYLOAD}'); raise ValueError('{PAYLOAD} {SECRET}')",
        f"'{PAYLOAD}' +",
        f"start_workflow('harvest', supplier_code='none', text='{PAYLOAD}')",
        f"start_workflow('{PAYLOAD}')",
        f"products('{PAYLOAD}', supplier_code=text)",
    ]
    for code in programs:
        caller.call("ExecuteCode", bearer, code=code, inputs={"text": PAYLOAD}, tenant_id="acme")
    wrong = token("tester", OTHER_AUTH)
    for bad in (wrong, f"{SECRET}no-token", "eyJhbGciOiJub25lIn0." + "e30."):
        assert {} == caller.call("StartWorkflow", bad, workflow_type="harvest")
    price: Any = {"supplier_code": [PAYLOAD], PAYLOAD: PAYLOAD}
    assert {} == caller.call("StartWorkflow", bearer, workflow_type="harvest", **price)
    assert {} == caller.call("StartWorkflow", bearer, workflow_type=PAYLOAD[:-1], text=PAYLOAD)
    codec_port = free_port()
    at = {"CONTEXTWORKER_CODEC_PORT": str(codec_port)}
    system.start("codec", "codec-server", says="codec server listening on", **given, **at)
    codec_refusals = ask_codec_server(codec_port, bearer, wrong, f"{SECRET}no-token")
    system.kill("sandbox")
    other_keys = given | {"CONTEXTWORKER_ENCRYPTION_KEYS": f"two:{key('two')}"}
    system.start("other-keys", "sandbox-worker", says="polls sandbox-tasks", **other_keys)
    # Whoever has other keys cannot read it, and it never ends.
    unread = f"'{PAYLOAD}'"
    caller.call("ExecuteCode", bearer, deadline_s=8, code=unread, tenant_id="acme", timeout=5)
    with ThreadPoolExecutor() as threads:
        ended = list(threads.map(lambda each: cannot_start(given | each, system), unusable()))
    silent = [said for said in ended if "error: " not in said and "does not answer" not in said]
    assert [] == silent

    for name in ("gateway", "harvest", "gardener", "codec", "other-keys"):
        system.stop(name)
    logs = {file.name: file.read_text() for file in system.folder.glob("*.log")}
    assert {"gateway.log", "harvest.log", "gardener.log", "sandbox.log", "codec.log"} <= set(logs)
    assert ["completed", "failed", "failed", "failed"] == [one["status"] for one in statuses]
    assert 5 <= len(caller.errors)
    assert 30 <= len(codec_refusals)
    sayings = {
        **logs,
        **{
            f"refusal {number}": said
            for number, said in enumerate([*caller.errors, *codec_refusals])
        },
        **{f"start {number}": said for number, said in enumerate(ended)},
    }
    basic = base64.b64encode(f"me:{USER}".encode()).decode()
    marks = [
        SECRET,
        basic,
        PAYLOAD,
        key("one"),
        key("two"),
        bearer,
        wrong,
        bearer.rpartition(".")[2],
    ]
    found = {
        (name, line[:600])
        for name, said in sayings.items()
        for line in said.splitlines()
        for mark in marks
        # A refusal quotes a wrong value of the request, to whoever sent it.
        if mark in line and not (mark == PAYLOAD and name.startswith("refusal"))
    }
    assert set() == found
    assert SECRET not in json.dumps(statuses)


def until_closed(caller: Caller, bearer: str, workflow_id: str) -> dict[str, Any]:
    """Follow a run to its end; returns its status."""
    closed = {"completed", "failed", "cancelled", "terminated", "timed_out"}
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        status = caller.call("GetTaskStatus", bearer, workflow_id=workflow_id)
        if status.get("status") in closed:
            return status
        threading.Event().wait(0.2)
    raise AssertionError(status)


def unusable() -> list[dict[str, str]]:
    """Settings with which no worker starts, each with a secret in it."""
    return [
        {"BRAIN_URL": f"postgresql://me:{DSN}@127.0.0.1:1/db", "CONTEXTWORKER_VERSIONING": "false"},
        {"BRAIN_URL": f"mysql://me:{DSN}@127.0.0.1/db"},
        {"BRAIN_URL": f"postgresql://me:{DSN}/x@127.0.0.1:port/db"},
        {"CONTEXTWORKER_ENCRYPTION_KEYS": f"one:{SECRET}no-key"},
        {"CONTEXTWORKER_STORE_URL": f"ftp://me:{SECRET}@host/bucket"},
        {"TEMPORAL_ADDRESS": f"me:{SECRET}@host:port"},
    ]


def cannot_start(environment: dict[str, str], system: System) -> str:
    """Start a worker that cannot; returns all that it said until it ended, or some seconds more."""
    with NamedTemporaryFile() as log:
        process = subprocess.Popen(
            [str(SCRIPTS / "harvest-worker")],
            env=system.environment | environment,
            cwd=system.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < deadline:
            if "does not answer" in Path(log.name).read_text():  # it goes on trying
                deadline = min(deadline, time.monotonic() + 10)
            threading.Event().wait(0.2)
        process.kill()
        process.wait()
        return Path(log.name).read_text()
