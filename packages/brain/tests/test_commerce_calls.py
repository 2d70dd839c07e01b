"""How the service is called: deadlines, few at once, again where that may help, TLS."""

import asyncio
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import grpc
import pytest
import stamina
import trustme
from commerce_service import CommerceService, Orders

from contextworker.brain import Brain, ProductRecord, UpsertCounts, open_brain
from contextworker.core.errors import (
    ConfigurationError,
    ContextWorkerError,
    PermanentError,
    TransientError,
)

NewProduct = Callable[..., ProductRecord]
_UPSERTER = Path(__file__).parent / "programs" / "upserter.py"


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a ledger of its own, and calls without pauses between their attempts."""
    monkeypatch.setenv("BRAIN_LEDGER_URL", f"sqlite:///{tmp_path}/ledger.db")


@pytest.fixture
def impatient() -> Iterator[None]:
    """Make attempts follow each other without a pause."""
    with stamina.set_testing(True, attempts=3, cap=True):  # stamina's own
        yield


@pytest.fixture(scope="module")
def running() -> Iterator[CommerceService]:
    """Return a service for the file."""
    with CommerceService() as running:
        yield running


@pytest.fixture
def service(running: CommerceService) -> CommerceService:
    """Return the service, with nothing ordered."""
    running.orders = Orders()
    return running


@pytest.fixture
async def brain(service: CommerceService) -> AsyncIterator[Brain]:
    """Open the Brain behind the service."""
    async with open_brain(service.url) as opened:
        yield opened


async def count(brain: Brain, tenant: str) -> int:
    """Count the ledger's products."""
    return sum((await brain.count_products(tenant)).values())


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trouble", ["unavailable", "exhausted"])
async def test_passing_trouble(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService, trouble: str
) -> None:
    """A call that the service has no time for is made again, and its caller hears nothing of it."""
    setattr(service.orders, trouble, 2)
    assert UpsertCounts(inserted=1) == await brain.upsert_products(tenant, [product()], run_id="1")
    assert 4 == service.orders.calls  # one to open


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trouble", ["unavailable", "exhausted"])
async def test_lasting_trouble(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService, trouble: str
) -> None:
    """A service that has no time for long is left to the activity's retry; nothing is in doubt."""
    setattr(service.orders, trouble, 3)
    with pytest.raises(
        TransientError, match=r"does not answer now.*'T-1' of camping-trade"
    ) as told:
        await brain.upsert_products(tenant, [product()], run_id="1")
    # A cause would make it too long for Temporal to show while it is tried again.
    assert told.value.__cause__ is None
    assert 0 == await count(brain, tenant)


@pytest.mark.usefixtures("impatient")
async def test_deadline(
    tenant: str, product: NewProduct, service: CommerceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that takes a call and never answers holds nobody up for longer than said."""
    # As long as a busy machine may need for the calls that are answered.
    monkeypatch.setenv("BRAIN_CALL_TIMEOUT_S", "3")
    async with open_brain(service.url) as brain:
        service.orders.silent = True
        with pytest.raises(TransientError, match="DEADLINE_EXCEEDED"):
            await brain.upsert_products(tenant, [product()], run_id="1")
        service.orders.silent = False
        counts = await brain.upsert_products(tenant, [product()], run_id="1")
        assert UpsertCounts(inserted=1) == counts


async def test_few_at_once(
    tenant: str, product: NewProduct, service: CommerceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is to be sent, by however many callers, the service has few calls at once."""
    monkeypatch.setenv("BRAIN_CONCURRENT_CALLS", "5")
    async with open_brain(service.url) as brain:
        service.orders.together = 5
        service.orders.delay_s = 0.005
        await asyncio.gather(
            *(
                brain.upsert_products(
                    tenant, [product(f"{n}-{m}") for m in range(40)], run_id=str(n)
                )
                for n in range(3)
            )
        )
    assert 5 == service.orders.most_at_once
    assert 120 == len(service.stored(tenant))


async def test_refused_with_a_message(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """A `success: false` is said in the service's words, and of which product."""
    service.orders.refused["bad"] = "no such dealer"
    batch = [product(str(n)) for n in range(30)] + [product("bad")]
    with pytest.raises(PermanentError, match="refuses product 'bad' of camping-trade: no such dea"):
        await brain.upsert_products(tenant, batch, run_id="1")
    assert 0 == await count(brain, tenant)


@pytest.mark.parametrize(
    ("code", "kind", "sentence"),
    [
        ("INVALID_ARGUMENT", PermanentError, "refuses product 'bad' of camping-trade"),
        ("FAILED_PRECONDITION", PermanentError, "refuses product 'bad' of camping-trade"),
        ("PERMISSION_DENIED", PermanentError, "refuses product 'bad' of camping-trade"),
        ("UNAUTHENTICATED", ConfigurationError, "check BRAIN_TOKEN"),
        ("UNIMPLEMENTED", ConfigurationError, "is no CommerceService"),
        ("INTERNAL", TransientError, "fails, asked for product 'bad' of camping-trade"),
    ],
)
async def test_statuses(
    brain: Brain,
    product: NewProduct,
    service: CommerceService,
    *,
    code: str,
    kind: type[ContextWorkerError],
    sentence: str,
) -> None:
    """A status is an error of its kind at once, in one sentence with the service's own words."""
    service.orders.aborted["bad"] = grpc.StatusCode[code]
    with pytest.raises(kind, match=sentence) as told:
        await brain.upsert_products("t", [product("bad")], run_id="1")
    assert type(told.value) is kind
    assert f"({code}: not that one)" in str(told.value)
    assert 2 == service.orders.calls


@pytest.mark.usefixtures("impatient")
async def test_dead_service(tenant: str, product: NewProduct) -> None:
    """Where nobody answers, opening and calling say so and may be tried again."""
    with CommerceService() as service:
        async with open_brain(service.url) as brain:
            service.stop()
            with pytest.raises(TransientError, match=f"{service.url} does not answer now"):
                await brain.ping()
            with pytest.raises(TransientError, match=f"{service.url} does not answer now"):
                await brain.upsert_products(tenant, [product()], run_id="1")
            assert 0 == await count(brain, tenant)
            with pytest.raises(TransientError, match=f"{service.url} does not answer now"):
                async with open_brain(service.url):
                    pass


async def test_gone_in_the_middle(tenant: str, product: NewProduct) -> None:
    """A batch that a dying service cut off is finished when it is back: none lost, few repeated."""
    batch = [product(str(n)) for n in range(200)]
    with CommerceService() as service:
        async with open_brain(service.url) as brain:
            service.orders.dies_after = 90
            with stamina.set_testing(True, attempts=2, cap=True), pytest.raises(TransientError):
                await brain.upsert_products(tenant, batch, run_id="1")
            await asyncio.to_thread(service.gone)
            assert 90 <= len(service.stored(tenant)) < 200
            assert 0 == await count(brain, tenant)
            service.start()
            counts = await brain.upsert_products(tenant, batch, run_id="1")
        assert UpsertCounts(inserted=200) == counts
        assert {item.sku for item in batch} == service.stored(tenant).keys()
        assert 200 == len(service.products)
        # Only what was on its way when the service died was sent again.
        assert service.orders.upserts.total() <= 200 + 16


async def test_back_in_time(tenant: str, product: NewProduct) -> None:
    """A service that restarts while a batch is on its way is waited for."""
    batch = [product(str(n)) for n in range(200)]
    with CommerceService() as service:
        async with open_brain(service.url) as brain:
            service.orders.dies_after = 90
            storing = asyncio.create_task(brain.upsert_products(tenant, batch, run_id="1"))
            await asyncio.to_thread(service.gone)
            service.start()
            assert UpsertCounts(inserted=200) == await storing
        assert 200 == len(service.stored(tenant))


@pytest.mark.timeout(300)  # a busy machine takes half a minute to start the process
async def test_killed_worker(
    environment: dict[str, str], tmp_path: Path, service: CommerceService
) -> None:
    """A worker killed between service and ledger leaves a batch that its repetition completes."""
    service.orders.silent_after = 550
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(_UPSERTER), service.url, "1", "1", "700", "forward"),
        stdout=PIPE,
        stderr=PIPE,
        env={**environment, "BRAIN_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.db"},
    )
    async with asyncio.timeout(120):
        while len(service.stored("shared")) < 550:
            await asyncio.sleep(0.005)
    process.kill()
    await process.communicate()
    assert -9 == process.returncode
    service.orders.silent_after = None
    batch = [
        ProductRecord(sku=f"{number:06}", name=f"1 {number}", dealer_code="d")
        for number in range(700)
    ]
    async with open_brain(service.url) as brain:
        assert 0 == await count(brain, "shared")
        counts = await brain.upsert_products("shared", batch, run_id="1")
        assert UpsertCounts(inserted=700) == counts
        assert 700 == await count(brain, "shared")
    assert 700 == len(service.stored("shared"))
    # What was noted before the kill was not sent again.
    assert service.orders.upserts.total() < 700 + 500


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an authority."""
    return trustme.CA()


@pytest.fixture(scope="module")
def secured(authority: trustme.CA) -> Iterator[CommerceService]:
    """Return a service that speaks TLS."""
    leaf = authority.issue_cert("localhost")
    chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(leaf.private_key_pem.bytes(), chain)])
    with CommerceService(credentials) as service:
        yield service


async def test_tls(
    product: NewProduct,
    secured: CommerceService,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With grpcs:// everything is encrypted, and a token goes along."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("BRAIN_TLS_CA_FILE", str(tmp_path / "ca.pem"))
    secured.orders.token = "s3cret"
    with pytest.raises(ConfigurationError, match="check BRAIN_TOKEN"):
        async with open_brain(secured.url):
            pass
    monkeypatch.setenv("BRAIN_TOKEN", "s3cret")
    async with open_brain(secured.url) as brain:
        counts = await brain.upsert_products("t", [product()], run_id="1")
        assert UpsertCounts(inserted=1) == counts


async def test_tls_of_a_stranger(
    secured: CommerceService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate of an unknown authority is the operator's to mend, not to wait for."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("BRAIN_TLS_CA_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(ConfigurationError, match=r"no secure connection .* BRAIN_TLS_CA_FILE"):
        async with open_brain(secured.url):
            pass


@pytest.mark.parametrize(
    ("url", "environment", "sentence"),
    [
        ("grpc://", {}, "no address of a service: write grpc://HOST:PORT"),
        ("grpc://host", {}, "no address of a service"),
        ("grpc://host:0", {}, "no address of a service"),
        ("grpc://host:99999", {}, "no address of a service"),
        ("grpc://host:1/path", {}, "no address of a service"),
        ("grpc://user:s3cret@host:1", {}, "a token goes into BRAIN_TOKEN"),
        ("grpc://host:1", {"TOKEN": "s3cret"}, "unencrypted.*write grpcs://host:1"),
        ("grpcs://host:1", {"TOKEN": "s3cret\n"}, "a line break"),
        ("grpc://host:1", {"TLS_CA_FILE": "ca.pem"}, "not secured: write grpcs://host:1"),
        ("grpcs://host:1", {"TLS_CA_FILE": "no.pem"}, "no.pem cannot be read"),
        ("grpc://host:1", {"LEDGER_URL": "grpc://host:2"}, "BRAIN_LEDGER_URL has the unknown"),
        ("grpc://host:1", {"LEDGER_URL": "sqlite://"}, "BRAIN_LEDGER_URL names no file"),
    ],
    ids=str,
)
async def test_settings_refused(
    url: str, environment: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that cannot be are refused before anything is sent, without showing a secret."""
    for name, value in environment.items():
        monkeypatch.setenv(f"BRAIN_{name}", value)
    with pytest.raises(ConfigurationError, match=sentence) as told:
        async with open_brain(url):
            pass
    assert "s3cret" not in str(told.value)


def test_deployment_step(environment: dict[str, str], tmp_path: Path) -> None:
    """The deployment step brings the ledger's schema to head; the service is not asked."""
    ran = subprocess.run(
        [sys.executable, "-m", "contextworker.brain"],
        check=True,
        capture_output=True,
        text=True,
        env={
            **environment,
            "BRAIN_URL": "grpc://127.0.0.1:1",
            "BRAIN_LEDGER_URL": f"sqlite:///{tmp_path}/other.db",
        },
    )
    assert ran.stdout.startswith("the Brain's schema is at revision ")
    assert (tmp_path / "other.db").exists()
