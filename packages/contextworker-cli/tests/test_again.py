"""A port that is taken between the choice and the bind."""

import socket
from pathlib import Path

import pytest

from contextworker.cli.errors import ChildError
from contextworker.cli.stack.again import until_ports_hold
from contextworker.cli.stack.binary import TemporalBinary
from contextworker.cli.stack.plan import Plan, Ports, make_plan
from contextworker.cli.stack.ports import PortWish, choose_ports


def _plan() -> Plan:
    ports = choose_ports(*(PortWish(what, "") for what in "abc"))
    return make_plan(
        Path("/state"),
        temporal=TemporalBinary(Path("/bin/temporal"), "PATH"),
        ports=Ports(gateway=ports[0], temporal=ports[1], ui=ports[2], workers=[]),
        modules=[],
        suppliers_dir=Path("/suppliers"),
        environ={},
        grace_s=0,
    )


def _fail(plan: Plan) -> ChildError:
    return ChildError("gateway stopped.", log=plan.folders.logs / "gateway.log", tail=[])


@pytest.mark.parametrize("index", [0, 1, 2])
async def test_a_stolen_port_is_replaced(index: int) -> None:
    """Whoever was quicker keeps the port; the stack starts on others."""
    tried: list[Plan] = []
    with socket.socket() as thief:

        async def run(plan: Plan) -> None:
            tried.append(plan)
            if len(tried) == 1:
                thief.bind(("127.0.0.1", plan.ports[index]))
                thief.listen()
                raise _fail(plan)

        await until_ports_hold(_plan, run)
    assert 2 == len(tried)
    assert tried[0].ports[index] not in tried[1].ports


async def test_another_failure_is_not_tried_again() -> None:
    """Where the ports are free, the process failed for a reason of its own."""
    tried: list[Plan] = []

    async def run(plan: Plan) -> None:
        tried.append(plan)
        raise _fail(plan)

    with pytest.raises(ChildError):
        await until_ports_hold(_plan, run)
    assert 1 == len(tried)
