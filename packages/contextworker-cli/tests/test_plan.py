"""What a stack is made of, and what its processes are told."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contextworker.cli.stack.binary import RunningTemporal, TemporalBinary
from contextworker.cli.stack.codec import CodecPorts, is_encrypting
from contextworker.cli.stack.plan import Plan, Ports, make_plan
from contextworker.cli.stack.prepare import module_names
from contextworker.core.registry import WorkerRegistry

BINARY = TemporalBinary(Path("/bin/temporal"), "PATH")


def _plan(
    temporal: TemporalBinary | RunningTemporal = BINARY,
    environ: Mapping[str, str] = {},
    codec: CodecPorts | None = None,
    **options: Any,
) -> Plan:
    return make_plan(
        Path("/state"),
        temporal=temporal,
        ports=Ports(gateway=1, temporal=2, ui=3, workers=[4, 5], codec=codec),
        modules=["gardener", "harvest"],
        suppliers_dir=Path("/suppliers"),
        environ=environ,
        grace_s=7,
        **options,
    )


def test_a_stack_has_a_gateway_and_one_worker_per_module() -> None:
    """Each module runs in a process of its own, with a log of its own."""
    plan = _plan()
    assert ["temporal"] == [program.name for program in plan.first]
    assert ["gateway", "gardener-worker", "harvest-worker"] == [p.name for p in plan.rest]
    expected = [sys.executable, "-m", "contextworker", "--temporal", "--modules", "harvest"]
    assert expected == list(plan.rest[2].command)
    assert 4 == len({program.log for program in [*plan.first, *plan.rest]})


def test_an_encrypting_stack_shows_its_ui_what_it_encrypts() -> None:
    """The UI is told of a codec server, and that of the UI, by both names that it has."""
    plan = _plan(
        environ={"CONTEXTWORKER_CODEC_HOST": "0.0.0.0", "CONTEXTWORKER_CODEC_TLS_CERT_FILE": "x"},
        codec=CodecPorts(6, 7),
    )
    told = list(plan.first[0].command)
    program = plan.rest[-1]

    assert "http://127.0.0.1:6" == told[told.index("--ui-codec-endpoint") + 1] == plan.codec_server
    assert "codec-server" == program.name
    assert (
        "http://127.0.0.1:3,http://localhost:3" == program.env["CONTEXTWORKER_CODEC_CORS_ORIGINS"]
    )
    assert ("127.0.0.1", "6") == (
        program.env["CONTEXTWORKER_CODEC_HOST"],
        program.env["CONTEXTWORKER_CODEC_PORT"],
    )
    assert "CONTEXTWORKER_CODEC_TLS_CERT_FILE" not in program.env
    assert {1, 2, 3, 4, 5, 6, 7} == set(plan.ports)


def test_a_stack_on_somebody_elses_temporal_has_no_codec_server() -> None:
    """Its UI is not this one's to tell."""
    plan = _plan(RunningTemporal("elsewhere:7233"), codec=CodecPorts(6, 7))

    assert plan.codec_server is None
    assert "codec-server" not in [program.name for program in plan.rest]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"CONTEXTWORKER_ENCRYPTION_KEYS": " "}, False),
        ({"CONTEXTWORKER_ENCRYPTION_KEYS": "a:b"}, True),
        ({"CONTEXTWORKER_ENCRYPTION_KEYS_FILE": "keys.toml"}, True),
    ],
    ids=["nothing", "empty", "keys", "file"],
)
def test_keys_make_a_stack_encrypting(environ: dict[str, str], expected: bool) -> None:  # noqa: FBT001 - the expected value
    """However they are given."""
    assert expected == is_encrypting(environ)


def test_every_process_is_told_of_the_same_places() -> None:
    """Temporal, the Brain, the store and the suppliers are one and the same for all."""
    for program in _plan().rest:
        assert "127.0.0.1:2" == program.env["TEMPORAL_ADDRESS"]
        assert "sqlite:////state/brain.db" == program.env["BRAIN_URL"]
        assert "file:///state/objects" == program.env["CONTEXTWORKER_STORE_URL"]
        assert "/suppliers" == program.env["CONTEXTWORKER_SUPPLIERS_DIR"]
        assert "127.0.0.1:1" == program.env["WORKER_ADDRESS"]


def test_settings_for_another_temporal_do_not_reach_an_embedded_one() -> None:
    """A key or profile for a cloud server must not be sent to, or break, the local one."""
    environ = {"TEMPORAL_API_KEY": "secret", "TEMPORAL_PROFILE": "cloud", "HOME": "/home/x"}
    env = _plan(environ=environ).rest[0].env
    assert {"TEMPORAL_ADDRESS", "TEMPORAL_CONFIG_FILE"} == {k for k in env if "TEMPORAL" in k}
    assert (os.devnull, "/home/x") == (env["TEMPORAL_CONFIG_FILE"], env["HOME"])


def test_a_running_temporal_is_used_with_its_settings_and_not_started() -> None:
    """Where there is no binary, the server a person named is connected to as they said."""
    plan = _plan(RunningTemporal("cloud:7233"), {"TEMPORAL_API_KEY": "secret"})
    assert ([], None) == (list(plan.first), plan.ui)
    assert "cloud:7233" == plan.rest[0].env["TEMPORAL_ADDRESS"]
    assert "secret" == plan.rest[0].env["TEMPORAL_API_KEY"]


@pytest.mark.parametrize("temporal", [BINARY, RunningTemporal("cloud:7233")], ids=["own", "named"])
@pytest.mark.parametrize(
    "name",
    [
        "CONTEXTWORKER_COMMIT",
        "CONTEXTWORKER_METRICS_ADDRESS",
        "contextworker_metrics_address",
        "TEMPORAL_DEPLOYMENT_NAME",
        "TEMPORAL_WORKER_BUILD_ID",
    ],
)
def test_what_is_meant_for_one_process_reaches_none_of_several(
    temporal: TemporalBinary | RunningTemporal, name: str
) -> None:
    """One metrics port for all would fail all but one; one version would mix the modules up."""
    plan = _plan(temporal, {name: "x", "HOME": "/home/x"})

    for program in [*plan.first, *plan.rest]:
        assert (False, True) == (name in program.env, "HOME" in program.env)


def test_the_gateway_listens_without_tls() -> None:
    """It is on loopback, and asked for its health there."""
    names = ["TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CLIENT_CA_FILE", "HEALTH_ADDRESS"]
    told = _plan(environ={f"CONTEXTWORKER_GATEWAY_{name}": "x" for name in names}).rest[0].env

    assert ["CONTEXTWORKER_GATEWAY_HOST"] == [name for name in told if "_GATEWAY_" in name]


def test_workers_call_the_gateway_of_their_own_stack() -> None:
    """How a person reaches another one does not get in the way."""
    env = _plan(environ={"WORKER_ADDRESS": "far:1", "WORKER_TLS": "true"}).rest[1].env

    assert {"WORKER_ADDRESS": "127.0.0.1:1"} == {
        name: value for name, value in env.items() if name.startswith("WORKER_")
    }


@pytest.mark.parametrize(
    "name", ["CONTEXTWORKER_GATEWAY_AUTH_SECRET", "WORKER_TOKEN"], ids=["asked", "shown"]
)
@pytest.mark.parametrize("throwaway", [False, True], ids=["kept", "throwaway"])
def test_authentication_reaches_only_a_kept_stack(
    throwaway: bool,  # noqa: FBT001 - a parameter of the test
    name: str,
) -> None:
    """There it may be tried; a demo calls itself, without a token."""
    told = _plan(environ={name: "x"}, throwaway=throwaway).rest[0].env

    assert (name in told) is not throwaway


@pytest.mark.parametrize(("throwaway", "expected"), [(False, {12.0}), (True, {0})])
def test_only_a_kept_stack_is_stopped_with_a_grace(
    throwaway: bool,  # noqa: FBT001 - a parameter of the test
    expected: set[float],
) -> None:
    """Activities may finish where their work is kept; a demo ends at once."""
    plan = _plan(throwaway=throwaway)
    assert expected == {program.grace_s for program in [*plan.first, *plan.rest]}


def test_module_names_are_those_the_modules_go_by() -> None:
    """The entry points are named like the modules, so a worker finds itself by its name."""
    assert [module.name for module in WorkerRegistry.discover()] == list(module_names())
