"""Workers of real modules on a real Temporal server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import temporalio.bridge.worker
from echo import EchoWorkflow
from errands import Errands, ErrandsWorkflow
from greeter import Greetings, GreetWorkflow, module
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.workflowservice.v1 import (
    CreateWorkerDeploymentRequest,
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentManagerRequest,
)
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Worker

from contextcore import ContextUnit
from contextworker.core import deployment
from contextworker.core.announcement import METADATA_KEY, Announcement
from contextworker.core.errors import ConfigurationError, TransientError
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import Promotion, WorkerSettings
from contextworker.core.testing import TemporalServer, execute, running
from contextworker.core.worker import run_worker


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(temporal_client: Client) -> AsyncIterator[Client]:
    """A client beside a running greeter."""
    async with running(temporal_client, module):
        yield temporal_client


def greet(name: str) -> ContextUnit:
    """Ask for a greeting."""
    return ContextUnit(
        payload={"workflow_type": "greet", "name": name}, provenance=["tests:trigger"]
    )


async def test_a_unit_goes_in_and_its_child_comes_out(client: Client) -> None:
    """One workflow, one activity with a client: the answer continues the request."""
    request = greet("Ada")

    answer = await execute(client, module, request)

    assert {"greeting": "hello, Ada"} == answer.payload
    assert request.trace_id == answer.trace_id
    assert ["tests:trigger", "worker:greeter:step", "worker:greeter"] == answer.provenance


async def test_units_made_by_a_workflow_keep_their_ids_when_it_is_replayed(
    temporal_client: Client,
) -> None:
    """Without a cache every workflow task replays from the start, and makes the same unit again."""
    queue = "replayed-tasks"
    async with Worker(
        temporal_client,
        task_queue=queue,
        workflows=[GreetWorkflow],
        activities=[Greetings("hello").greet],
        max_cached_workflows=0,
    ):
        handle = await temporal_client.start_workflow(
            "greet", greet("Ada"), id="replayed", task_queue=queue, result_type=ContextUnit
        )
        answer: ContextUnit = await handle.result()

    recorded = [
        (await temporal_client.data_converter.decode_wrapper(attributes.input, [ContextUnit]))[0]
        for event in (await handle.fetch_history()).events
        if (attributes := event.activity_task_scheduled_event_attributes).activity_id
    ]
    assert [recorded[0].unit_id] == [answer.parent_unit_id]


async def test_a_permanent_error_is_tried_once(client: Client) -> None:
    """The failure carries the class name and the sentence, and was not retried."""
    with pytest.raises(WorkflowFailureError) as caught:
        await execute(client, module, greet("nobody"))

    activity_error = caught.value.cause
    assert isinstance(activity_error, ActivityError)
    failure = activity_error.cause
    assert isinstance(failure, ApplicationError)
    assert ("PermanentError", "nobody cannot be greeted") == (failure.type, failure.message)
    assert failure.non_retryable


async def test_a_wrong_payload_fails_the_workflow_without_quoting_it(client: Client) -> None:
    """A workflow started past the gateway says which field is wrong, and keeps its value out."""
    unit = ContextUnit(payload={"workflow_type": "greet", "nmae": "secret"})

    with pytest.raises(WorkflowFailureError) as caught:
        await execute(client, module, unit)

    failure = caught.value.cause
    assert isinstance(failure, ApplicationError)
    assert "InvalidInputError" == failure.type
    assert "name: Field required; nmae: Extra inputs are not permitted" == failure.message
    assert failure.cause is None


async def test_many_modules_run_in_one_process_with_one_client(client: Client) -> None:
    """Each has its own queue; both answer."""
    echo = ModuleConfig("echo", [EchoWorkflow], [])
    twin = ModuleConfig(
        "twin", [GreetWorkflow], [Greetings("hi").greet], task_queue="twin-greetings"
    )
    async with running(client, echo, twin):
        unit = ContextUnit(payload={"workflow_type": "echo"})

        assert unit.payload == (await execute(client, echo, unit)).payload
        assert {"greeting": "hi, Ada"} == (await execute(client, twin, greet("Ada"))).payload


async def test_a_worker_announces_its_routes(client: Client) -> None:
    """The current version of the deployment carries what a gateway needs."""
    response = await client.workflow_service.describe_worker_deployment_version(
        DescribeWorkerDeploymentVersionRequest(
            namespace=client.namespace,
            deployment_version=WorkerDeploymentVersion(
                deployment_name="greeter", build_id=module.version
            ),
        )
    )
    entries = response.worker_deployment_version_info.metadata.entries
    announcement = Announcement.from_payload(entries[METADATA_KEY])

    assert Announcement.of(module) == announcement
    (route,) = announcement.routes
    assert ("greet", "greet-{tenant_id}-{name}") == (route.workflow_type, route.workflow_id)
    assert route.payload_schema is not None
    assert ["name"] == route.payload_schema["required"]


@pytest.mark.parametrize(
    ("promotion", "expected", "says"),
    [
        (
            Promotion.NEVER,
            "1",
            "waits: no new run starts on it (1 is current); promote it with: contextworker deploy",
        ),
        (Promotion.FIRST, "1", "contextworker deploy promote versioned-first 2"),
        (Promotion.ALWAYS, "2", "version 2 is the current version now: new runs start on it"),
    ],
    ids=["never", "first", "always"],
)
async def test_a_later_version_becomes_current_only_when_told(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    *,
    promotion: Promotion,
    expected: str,
    says: str,
) -> None:
    """The first version promotes itself; the next one says how it stands and what to do."""
    own = ModuleConfig(f"versioned-{promotion}", [GreetWorkflow], [Greetings("hi").greet])
    for build, setting in (("1", Promotion.FIRST), ("2", promotion)):
        settings = WorkerSettings(build_id=build, promotion=setting, shutdown_grace_s=0)
        caplog.clear()
        with caplog.at_level("INFO"):
            async with running(client, own, settings=settings):
                described = await client.workflow_service.describe_worker_deployment(
                    DescribeWorkerDeploymentRequest(
                        namespace=client.namespace, deployment_name=own.name
                    )
                )
    config = described.worker_deployment_info.routing_config

    assert expected == config.current_deployment_version.build_id
    assert says in caplog.text
    assert f"module {own.name} 2 polls {own.queue}: greet" in caplog.text


async def test_a_worker_of_an_older_version_offers_no_way_back(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """It is started again while its runs finish; its log advises nobody to promote it."""
    own = ModuleConfig("returning", [GreetWorkflow], [Greetings("hi").greet])
    for build in ("1", "2", "1"):
        promotion = Promotion.ALWAYS if build == "2" else Promotion.FIRST
        settings = WorkerSettings(build_id=build, promotion=promotion, shutdown_grace_s=0)
        caplog.clear()
        with caplog.at_level("INFO"):
            async with running(client, own, settings=settings):
                pass

    assert (
        "module returning: version 1 finishes what began on it: no new run does (2 is current)"
        in caplog.messages
    )
    assert "deploy promote" not in caplog.text


async def test_activities_are_spread_over_workers_where_a_module_says_so(
    client: Client, temporal: TemporalServer
) -> None:
    """Else the worker that has the workflow takes each one first, and another stays idle."""
    own, other = (
        ModuleConfig("spread", [ErrandsWorkflow], [Errands(name).who], spread_activities=True)
        for name in ("Ada", "Grace")
    )
    async with running(client, own), running(await temporal.connect(), other):
        unit = ContextUnit(payload={"workflow_type": "errands"})
        answer = await execute(client, own, unit)

    assert {"Ada", "Grace"} == set(answer.payload["names"])


async def test_workers_that_start_together_do_so_quietly(
    temporal: TemporalServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal turns most of them away at first; one promotes, all get ready."""
    monkeypatch.setattr(deployment, "_AT_FIRST_S", 60)
    monkeypatch.setattr(deployment, "_RPC_TIMEOUT", timedelta(seconds=60))
    own = ModuleConfig("crowd", [GreetWorkflow], [Greetings("hi").greet])

    async def start_and_stop() -> None:
        async with running(await temporal.connect(), own):
            pass

    with caplog.at_level("INFO", deployment.__name__):
        await asyncio.gather(*(start_and_stop() for _ in range(8)))

    assert [] == [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert any("version dev is the current version" in words for words in caplog.messages)


async def test_a_managed_deployment_is_left_to_its_manager(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator that promotes by itself is named, and the worker is ready all the same."""
    own = ModuleConfig("managed", [GreetWorkflow], [Greetings("hi").greet])
    await client.workflow_service.create_worker_deployment(
        CreateWorkerDeploymentRequest(
            namespace=client.namespace, deployment_name=own.name, request_id="managed"
        )
    )
    await client.workflow_service.set_worker_deployment_manager(
        SetWorkerDeploymentManagerRequest(
            namespace=client.namespace,
            deployment_name=own.name,
            manager_identity="an operator",
            identity="an operator",
        )
    )
    with caplog.at_level("INFO"):
        async with running(client, own):
            pass

    assert "(no version is current, so runs wait); an operator promotes" in caplog.text


async def test_an_unknown_namespace_is_a_sentence(
    temporal: TemporalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal's refusal ends the worker with the queue and the namespace named."""
    client = await temporal.connect()
    config = client.config()
    config["namespace"] = "nowhere"

    with pytest.raises(ExceptionGroup) as caught:
        await run_worker(Client(**config), [module], WorkerSettings(), stop=asyncio.Event())

    assert caught.group_contains(ConfigurationError, match="namespace 'nowhere'")


@pytest.mark.parametrize("code", ["Unavailable", "Cancelled", "DeadlineExceeded"])
async def test_what_the_sdk_says_of_an_outage_is_no_refusal(
    temporal_client: Client, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """It says so in the words of its refusals, after a quarter of a minute: see the next test."""

    async def fail(_: object) -> None:
        raise RuntimeError(
            "Worker validation failed: Namespace default was not found or otherwise could not be "
            f'described: Status {{ code: {code}, message: "tcp connect error" }}'
        )

    monkeypatch.setattr(temporalio.bridge.worker.Worker, "validate", fail)
    own = ModuleConfig(f"away-{code}".lower(), [GreetWorkflow], [Greetings("hi").greet])
    with pytest.raises(ExceptionGroup) as caught:
        await run_worker(temporal_client, [own], WorkerSettings(), stop=asyncio.Event())

    assert caught.group_contains(TransientError, match="Temporal went away")


@pytest.mark.slow  # the SDK goes on asking for 15 s before it says so
async def test_an_outage_at_the_start_is_no_refusal(tmp_path: Path) -> None:
    """Temporal was there to connect to and is gone a moment later: it will be back."""
    server = TemporalServer(database=tmp_path / "temporal.db")
    server.start()
    client = await server.connect()
    server.kill()

    with pytest.raises(ExceptionGroup) as caught:
        await run_worker(client, [module], WorkerSettings(), stop=asyncio.Event())

    assert caught.group_contains(TransientError, match="Temporal went away")
