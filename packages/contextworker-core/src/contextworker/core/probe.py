"""Asks a process's health service once, for a container's health check.

`python -m contextworker.core.probe HOST:PORT` ends with 0 where it is serving, else with 1 and a
sentence. It runs every few seconds, so it loads gRPC and nothing else of ours.
"""

import sys
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_TIMEOUT_S = 3


def probe(address: str) -> str:
    """Ask the standard gRPC health service; returns what is wrong, nothing where it is serving."""
    question = health_pb2.HealthCheckRequest()
    with grpc.insecure_channel(address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined] # bare stubs
        try:
            answer = check(question, timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            return f"no health service answers at {address}: {error.code().name}"
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return "" if status == "SERVING" else f"{address} is {status}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Probe the one address given; an empty one has no health service, which is no fault."""
    addresses = list(sys.argv[1:] if arguments is None else arguments)
    if len(addresses) != 1:
        sys.exit("usage: python -m contextworker.core.probe HOST:PORT")
    if addresses[0] and (problem := probe(addresses[0])):
        sys.exit(problem)


if __name__ == "__main__":
    main()
