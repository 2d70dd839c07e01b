"""A real Brain on SQLite, a real object store, a real Temporal server, a supplier's web server."""

import asyncio
import contextlib
import dataclasses
import ssl
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import trustme
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from contextcore import ContextUnit
from contextworker.brain import Brain, FeedState, open_brain
from contextworker.core.objects import ObjectStore
from contextworker.core.testing import running
from contextworker.core.testing.fixtures import temporal
from contextworker.core.testing.server import TemporalServer
from contextworker.core.worker import shared_modules
from contextworker.harvest.activities import Harvester
from contextworker.harvest.feeds.fetch import Fetcher, FetchLimits, fetch_limits
from contextworker.harvest.feeds.fetch.network import Resolve, resolve
from contextworker.harvest.messages import HarvestReport, HarvestRun
from contextworker.harvest.module import module
from contextworker.harvest.settings import HarvestSettings
from contextworker.harvest.suppliers import Source, SupplierDirectory
from contextworker.harvest.workflows import HarvestWorkflow

__all__ = ["temporal"]

Handler = Callable[[BaseHTTPRequestHandler], None]

MAPPING = """
[mapping]
sku = "sku"
name = "name"
price_retail = "price"
quantity = "stock"
"""


class SupplierFolder:
    """Writes supplier files and their feeds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def write(self, code: str, url: str, *, source: str = "", rest: str = MAPPING) -> None:
        """Write CODE.toml with one source; `source` holds further keys of it."""
        text = f'name = "{code.title()}"\n[[sources]]\nurl = "{url}"\n{source}\n{rest}'
        (self.folder / f"{code}.toml").write_text(text, encoding="utf-8")

    def feed(self, name: str, content: str | bytes) -> str:
        """Write a feed file; returns the url a supplier file beside it gives."""
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)
        return name

    def csv(self, code: str, rows: int, **kinds: str) -> None:
        """Write a supplier with a feed of that many good rows."""
        lines = [f"{code}-{n},Product {n},{n % 90 + 1}.50,{n % 7}" for n in range(rows)]
        self.feed(f"{code}.csv", "\n".join(["sku,name,price,stock", *lines, ""]))
        self.write(code, f"{code}.csv", **kinds)


class Web:
    """A supplier's web server on loopback: what each path answers is up to the test."""

    def __init__(self, address: str, scheme: str) -> None:
        self.address = address
        self.scheme = scheme
        self.paths: dict[str, Handler] = {}
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        """Of each request, by their names in lower case."""
        self.closing = threading.Event()
        self._asked = threading.Condition()

    def note(self, path: str, headers: Mapping[str, str]) -> None:
        """Remember a request."""
        with self._asked:
            self.requests.append(path)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            self._asked.notify_all()

    async def asked(self, *paths: str) -> None:
        """Return when a request has come, or one for each of these paths."""

        def wait() -> bool:
            with self._asked:
                return self._asked.wait_for(
                    lambda: bool(self.requests) and {*paths} <= {*self.requests}, timeout=60
                )

        assert await asyncio.to_thread(wait), self.requests

    def url(self, path: str) -> str:
        """The full address of a path."""
        return f"{self.scheme}://{self.address}{path}"

    def answer(
        self,
        path: str,
        body: str | bytes = b"",
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        announced: bool = True,
    ) -> str:
        """Answer a path like this from now on; returns its full address.

        Without `announced` the answer has no length and ends where the connection does.
        """
        data = body.encode() if isinstance(body, str) else body

        def handle(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            if announced and "Content-Length" not in (headers or {}):
                request.send_header("Content-Length", str(len(data)))
            for name, value in {"Connection": "close", **(headers or {})}.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(data)

        self.paths[path] = handle
        return self.url(path)

    def flaky(
        self,
        path: str,
        body: bytes,
        *,
        cut: int,
        cuts: int,
        headers: dict[str, str] | None = None,
        ranges: bool = True,
    ) -> str:
        """Break the first `cuts` answers off after `cut` bytes; give the rest where asked for."""
        left = [cuts]

        def handle(request: BaseHTTPRequestHandler) -> None:
            asked = request.headers.get("Range", "")
            same = request.headers.get("If-Range") in {None, *(headers or {}).values()}
            start = (
                int(asked.removeprefix("bytes=").split("-")[0]) if asked and ranges and same else 0
            )
            request.send_response(206 if start else 200)
            if start:
                request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            request.send_header("Content-Length", str(len(body) - start))
            for name, value in {"Connection": "close", **(headers or {})}.items():
                request.send_header(name, value)
            request.end_headers()
            left[0] -= 1
            request.wfile.write(body[start : start + cut] if left[0] >= 0 else body[start:])

        self.paths[path] = handle
        return self.url(path)

    def drip(self, path: str, piece: bytes, *, every_s: float) -> str:
        """Send a piece now and then, for ever."""

        def handle(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Connection", "close")
            request.end_headers()
            with contextlib.suppress(OSError):
                while not self.closing.wait(every_s):
                    request.wfile.write(piece)

        self.paths[path] = handle
        return self.url(path)

    def hang(self, path: str, *, start: bytes = b"") -> str:
        """Send the start of a large answer, then stay silent."""

        def handle(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Length", "100000")
            request.end_headers()
            request.wfile.write(start)
            request.wfile.flush()
            self.closing.wait()

        self.paths[path] = handle
        return self.url(path)


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Run a web server."""

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            served.note(path, dict(self.headers))
            if path in served.paths:
                served.paths[path](self)
            else:
                self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of clients that went away, or trusted no certificate."""

    server = Server(("127.0.0.1", 0), Requests)
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    served = Web(f"127.0.0.1:{server.server_port}", "http" if tls is None else "https")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield served
    finally:
        served.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server of this test's own."""
    with serving() as served:
        yield served


@pytest.fixture
def other_web() -> Iterator[Web]:
    """A second one."""
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who signs the certificate of shop.example."""
    return trustme.CA()


@pytest.fixture
def tls_web(authority: trustme.CA) -> Iterator[Web]:
    """A web server with a certificate for shop.example."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example").configure_cert(context)
    with serving(context) as served:
        yield served


@pytest.fixture
def suppliers(tmp_path: Path) -> SupplierFolder:
    """An empty suppliers folder."""
    return SupplierFolder(tmp_path / "suppliers")


@pytest.fixture
def environment(
    tmp_path: Path, suppliers: SupplierFolder, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What a harvest worker's process reads: everything of this test's own."""
    variables = {
        "BRAIN_URL": f"sqlite:///{tmp_path / 'brain.db'}",
        "CONTEXTWORKER_STORE_URL": (tmp_path / "objects").as_uri(),
        "CONTEXTWORKER_SUPPLIERS_DIR": str(suppliers.folder),
        "CONTEXTWORKER_HARVEST_ALLOWED_NETWORKS": "127.0.0.1/32",
        "CONTEXTWORKER_HARVEST_MAX_RESUMES": "1",
        "CONTEXTWORKER_HARVEST_HEARTBEAT_TIMEOUT_S": "10",
        "CONTEXTWORKER_HARVEST_BATCH_ROWS": "100",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest_asyncio.fixture(loop_scope="session")
async def brain(environment: dict[str, str]) -> AsyncIterator[Brain]:
    """An empty Brain on SQLite."""
    async with open_brain(environment["BRAIN_URL"]) as opened:
        yield opened


@pytest.fixture
def objects(environment: dict[str, str]) -> ObjectStore:
    """The object store that workers of this test use."""
    return ObjectStore.from_url(environment["CONTEXTWORKER_STORE_URL"])


@pytest.fixture
def harvester(brain: Brain, objects: ObjectStore, environment: dict[str, str]) -> Harvester:
    """The activities, as a worker of this test would open them."""
    settings = HarvestSettings()
    return Harvester(
        settings=settings,
        suppliers=SupplierDirectory(settings.suppliers_dir),
        fetcher=Fetcher(fetch_limits(settings), environment={}),
        store=objects,
        brain=brain,
    )


class Fetching:
    """Fetches sources into a folder of their own, noting what it is told."""

    _fetchers: ClassVar[dict[Any, Fetcher]] = {}

    def __init__(self, folder: Path, **limits: Any) -> None:
        self.limits = FetchLimits(
            **{
                "max_bytes": 200_000,
                "connect_timeout_s": 10,
                "read_timeout_s": 10,
                "max_resumes": 2,
                "resume_pause_s": 0.01,
                "allowed_networks": (ip_network("127.0.0.1"),),
                **limits,
            }
        )
        self.folder = folder
        self.environment: dict[str, str] = {}
        self.resolve: Resolve = resolve
        self.told: list[tuple[int, int | None]] = []

    async def __call__(self, url: str, known: FeedState | None = None, **keys: Any) -> Any:
        """Fetch one source; `keys` are what its supplier file says besides."""
        fetcher = self._fetcher()
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        source = Source.model_validate({"url": url, **keys})
        return await fetcher.fetch(source, folder, known, lambda *told: self.told.append(told))

    def _fetcher(self) -> Fetcher:
        """Return one for all that are alike: it reads the system's authorities, for a while."""
        alike = self.limits, self.resolve, tuple(self.environment.items())
        if alike not in self._fetchers:
            self._fetchers[alike] = Fetcher(
                self.limits, environment=self.environment, resolve=self.resolve
            )
        return self._fetchers[alike]

    def bounded(self, **limits: Any) -> None:
        """Change the limits."""
        self.limits = dataclasses.replace(self.limits, **limits)


@pytest.fixture
def fetching(tmp_path: Path) -> Fetching:
    """Fetches from loopback too; a test that waits for a timeout shortens it."""
    return Fetching(tmp_path)


@pytest.fixture
def run() -> HarvestRun:
    """A run of the supplier `camp`."""
    return HarvestRun(
        tenant_id="acme", supplier_code="camp", run_id="run-1", workflow_id="harvest-acme-camp"
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(temporal: TemporalServer) -> Client:
    """A client that speaks the harvest's messages."""
    return await temporal.connect(*shared_modules([module]))


Handle = WorkflowHandle[Any, ContextUnit]


class Harvests:
    """Starts harvests as the gateway would."""

    def __init__(self, client: Client, tenant_id: str) -> None:
        self.client = client
        self.tenant_id = tenant_id

    async def start(
        self, supplier_code: str, *, workflow_id: str | None = None, **fields: Any
    ) -> Handle:
        """Start one harvest."""
        unit = ContextUnit(
            payload={
                "workflow_type": "harvest",
                "supplier_code": supplier_code,
                "tenant_id": self.tenant_id,
                **fields,
            },
            provenance=["test:harvest"],
        )
        handle: Handle = await self.client.start_workflow(
            "harvest",
            unit,
            id=workflow_id or f"harvest-{self.tenant_id}-{supplier_code}",
            task_queue=module.queue,
            result_type=ContextUnit,
            task_timeout=timedelta(seconds=5),
        )
        return handle

    def handle(self, supplier_code: str) -> Handle:
        """Return the supplier's latest harvest."""
        return self.client.get_workflow_handle_for(
            HarvestWorkflow.run, f"harvest-{self.tenant_id}-{supplier_code}"
        )

    async def report(self, supplier_code: str, **fields: Any) -> HarvestReport:
        """Harvest one supplier to the end."""
        answer = await (await self.start(supplier_code, **fields)).result()
        assert ["test:harvest", "worker:harvest"] == answer.provenance
        return HarvestReport.model_validate(answer.payload)

    async def failure(self, supplier_code: str, **fields: Any) -> ApplicationError:
        """Harvest a supplier that cannot be, and return why."""
        handle = await self.start(supplier_code, **fields)
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        cause = caught.value.cause
        assert isinstance(cause, ApplicationError), repr(cause)
        return cause

    async def was_asked_to_cancel(self, handle: Handle) -> bool:
        """Tell whether a run knows that it is to stop."""
        wanted = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
        types = [event.event_type async for event in handle.fetch_history_events()]
        done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        return wanted in types and done in types[types.index(wanted) :]

    async def heartbeat_timeouts(self, supplier_code: str) -> dict[str, float]:
        """Return after which silence of its worker each activity is tried again."""
        return {
            scheduled.activity_type.name: scheduled.heartbeat_timeout.ToTimedelta().total_seconds()
            async for event in self.handle(supplier_code).fetch_history_events()
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
            for scheduled in [event.activity_task_scheduled_event_attributes]
        }

    async def attempts(self, supplier_code: str) -> dict[str, int]:
        """Return how often each activity of a finished harvest was tried."""
        handle = self.handle(supplier_code)
        names: dict[int, str] = {}
        tried: dict[str, int] = {}
        async for event in handle.fetch_history_events():
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                scheduled = event.activity_task_scheduled_event_attributes
                names[event.event_id] = scheduled.activity_type.name
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                started = event.activity_task_started_event_attributes
                tried[names[started.scheduled_event_id]] = started.attempt
        return tried


@pytest_asyncio.fixture(loop_scope="session")
async def harvests(
    client: Client, environment: Mapping[str, str], request: pytest.FixtureRequest
) -> AsyncIterator[Harvests]:
    """A running harvest worker, and a tenant of this test's own."""
    tenant = "".join(character if character.isalnum() else "_" for character in request.node.name)
    async with running(client, module):
        yield Harvests(client, tenant[:60].rstrip("_"))
