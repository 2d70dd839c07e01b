"""What a container's health check is told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import HealthServicer

from contextworker.core.probe import main
from contextworker.core.testing.server import free_port


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine take its time over an answer."""
    monkeypatch.setattr("contextworker.core.probe._TIMEOUT_S", 60)


@pytest.fixture
def servicer() -> HealthServicer:
    """A health service's answers."""
    return HealthServicer()


@pytest.fixture
def address(servicer: HealthServicer) -> Iterator[str]:
    """Where that health service listens."""
    with ThreadPoolExecutor() as threads:
        server = grpc.server(threads)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(grace=None).wait()


def test_a_serving_process_is_healthy(address: str, servicer: HealthServicer) -> None:
    """Nothing is said, and the exit code is 0."""
    servicer.set("", health_pb2.HealthCheckResponse.SERVING)

    main([address])


def test_a_process_that_cannot_serve_is_unhealthy(address: str, servicer: HealthServicer) -> None:
    """It is there, but says no."""
    servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)

    with pytest.raises(SystemExit) as ended:
        main([address])

    assert f"{address} is NOT_SERVING" == ended.value.code


def test_a_process_that_does_not_answer_is_unhealthy() -> None:
    """The sentence says where nothing answers."""
    address = f"127.0.0.1:{free_port()}"

    with pytest.raises(SystemExit) as ended:
        main([address])

    assert f"no health service answers at {address}: UNAVAILABLE" == ended.value.code


def test_a_process_without_a_health_service_is_left_alone() -> None:
    """An empty CONTEXTWORKER_HEALTH_ADDRESS serves none, which is no fault."""
    main([""])
