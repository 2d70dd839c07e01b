"""What the local stack consists of: folders, addresses and the programs to run. No side effects."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contextworker.cli.stack.binary import RunningTemporal, TemporalBinary
from contextworker.cli.stack.codec import CodecPorts, codec_server
from contextworker.cli.stack.ports import LOOPBACK
from contextworker.cli.stack.process import Program

# The defaults hold a workflow that comes alone for 100 ms at each of these steps, and by a second
# what continues as new, which registering a worker's version does; timers come up to a second late.
# Tenants share a queue fairly only where the server is told so.
_DYNAMIC_CONFIG = {
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    "history.visibilityProcessorMaxPollRPS": "2000",
    "history.workflowIdReuseMinimalInterval": '"0s"',
    "history.timerProcessorMaxTimeShift": '"1ms"',
    "matching.enableFairness": "true",
}
# What is meant for one process: of several, all but one would find the port taken, and every module
# would be a version of one deployment. Nor does a commit say what code is that may be edited.
_NOT_SHARED = frozenset(
    {
        "CONTEXTWORKER_COMMIT",
        "CONTEXTWORKER_METRICS_ADDRESS",
        "TEMPORAL_DEPLOYMENT_NAME",
        "TEMPORAL_WORKER_BUILD_ID",
    }
)
# Of a gateway that others reach: this one is asked for its health, and listens, on loopback only.
_OF_AN_EXPOSED_GATEWAY = ("CONTEXTWORKER_GATEWAY_TLS_", "CONTEXTWORKER_GATEWAY_HEALTH_ADDRESS")
_AUTHENTICATION = (
    "CONTEXTWORKER_GATEWAY_AUTH_",
    "CONTEXTWORKER_CODEC_AUTH_",
    "WORKER_TOKEN",
)
# How the person reaches some gateway over TLS: workers call this one, which has none.
_OF_ANOTHER_GATEWAY = ("WORKER_TLS", "WORKER_INSECURE")
_STOP_S = 5.0  # what a process needs besides the grace of its activities
_SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": "normal"}


@dataclass(frozen=True)
class Folders:
    """Where a stack keeps everything."""

    root: Path

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.root / "logs"

    @property
    def temporal_db(self) -> Path:
        """Temporal's SQLite file."""
        return self.root / "temporal.db"

    @property
    def brain_db(self) -> Path:
        """The Brain's SQLite file."""
        return self.root / "brain.db"

    @property
    def brain_url(self) -> str:
        """The Brain's SQLite file, as a URL."""
        return f"sqlite:///{self.brain_db.as_posix()}"

    @property
    def store_url(self) -> str:
        """The object store's folder, as a URL."""
        return (self.root / "objects").as_uri()


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports of one stack; `workers` has one health port per module."""

    gateway: int
    temporal: int
    ui: int
    workers: Sequence[int]
    codec: CodecPorts | None = None
    """None for no codec server."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A stack that can be started; `first` must be ready before `rest`."""

    folders: Folders
    suppliers_dir: Path
    modules: Sequence[str]
    gateway: str
    temporal: str
    ui: str | None
    codec_server: str | None
    first: Sequence[Program]
    rest: Sequence[Program]

    @property
    def ports(self) -> list[int]:
        """Every port that the stack's own processes listen on."""
        programs = [program.health_address for program in [*self.first, *self.rest]]
        pages = [page for page in (self.ui, self.codec_server) if page]
        return [int(at.rpartition(":")[2]) for at in [*programs, *pages]]


def make_plan(
    root: Path,
    *,
    temporal: TemporalBinary | RunningTemporal,
    ports: Ports,
    modules: Sequence[str],
    suppliers_dir: Path,
    environ: Mapping[str, str],
    grace_s: float,
    throwaway: bool = False,
) -> Plan:
    """Lay out a stack under `root`, which must be absolute.

    Nothing of a `throwaway` stack is read again, so its processes are stopped without a grace. Nor
    does it ask who calls: nobody has a token for what is gone in a moment.
    """
    if throwaway:
        environ = {
            key: value
            for key, value in environ.items()
            if not key.upper().startswith(_AUTHENTICATION)
        }
    stop_s = 0 if throwaway else grace_s + _STOP_S
    folders = Folders(root)
    gateway = f"{LOOPBACK}:{ports.gateway}"
    binary = temporal.path if isinstance(temporal, TemporalBinary) else None
    codec = ports.codec if binary else None
    temporal_address = (
        temporal.address
        if isinstance(temporal, RunningTemporal)
        else f"{LOOPBACK}:{ports.temporal}"
    )
    env = _environment(
        environ, folders, temporal_address, suppliers_dir, embedded=binary is not None
    )
    env["CONTEXTWORKER_SHUTDOWN_GRACE_S"] = f"{grace_s:g}"
    env["WORKER_ADDRESS"] = gateway
    return Plan(
        folders=folders,
        suppliers_dir=suppliers_dir,
        modules=tuple(modules),
        gateway=gateway,
        temporal=temporal_address,
        ui=f"http://{LOOPBACK}:{ports.ui}" if binary else None,
        codec_server=codec.url if codec else None,
        first=[_temporal(binary, ports, folders, env, stop_s)] if binary else [],
        rest=[
            Program(
                name="gateway",
                command=[sys.executable, "-m", "contextworker"],
                log=folders.logs / "gateway.log",
                health_address=gateway,
                env={**env, "WORKER_PORT": str(ports.gateway)},
                grace_s=stop_s,
            ),
            *(
                _worker(name, port, folders, env, stop_s)
                for name, port in zip(modules, ports.workers, strict=True)
            ),
            *(
                [codec_server(codec, ui_port=ports.ui, logs=folders.logs, env=env, grace_s=stop_s)]
                if codec
                else []
            ),
        ],
    )


def _temporal(
    path: Path, ports: Ports, folders: Folders, env: Mapping[str, str], stop_s: float
) -> Program:
    command = [str(path), "server", "start-dev", "--ip", LOOPBACK]
    command += ["--port", str(ports.temporal), "--ui-port", str(ports.ui)]
    command += ["--ui-disable-news-fetch", "--log-level", "warn"]
    if ports.codec:
        command += ["--ui-codec-endpoint", ports.codec.url]
    command += ["--db-filename", str(folders.temporal_db)]
    for key, value in _DYNAMIC_CONFIG.items():
        command += ["--dynamic-config-value", f"{key}={value}"]
    for key, value in _SQLITE_PRAGMAS.items():
        command += ["--sqlite-pragma", f"{key}={value}"]
    return Program(
        name="temporal",
        command=command,
        log=folders.logs / "temporal.log",
        health_address=f"{LOOPBACK}:{ports.temporal}",
        env=env,
        grace_s=stop_s,
    )


def _worker(
    module: str, port: int, folders: Folders, env: Mapping[str, str], stop_s: float
) -> Program:
    health = f"{LOOPBACK}:{port}"
    return Program(
        name=f"{module}-worker",
        command=[sys.executable, "-m", "contextworker", "--temporal", "--modules", module],
        log=folders.logs / f"{module}-worker.log",
        health_address=health,
        env={**env, "CONTEXTWORKER_HEALTH_ADDRESS": health},
        grace_s=stop_s,
    )


def _environment(
    environ: Mapping[str, str],
    folders: Folders,
    temporal_address: str,
    suppliers_dir: Path,
    *,
    embedded: bool,
) -> dict[str, str]:
    env = {
        key: value
        for key, value in environ.items()
        if key.upper() not in _NOT_SHARED
        and not key.upper().startswith((*_OF_AN_EXPOSED_GATEWAY, *_OF_ANOTHER_GATEWAY))
    }
    if embedded:  # a profile, key or certificate of another server must not reach this one
        env = {key: value for key, value in env.items() if not key.startswith("TEMPORAL_")}
        env["TEMPORAL_CONFIG_FILE"] = os.devnull
    # A person reads these logs, unless they say otherwise.
    env.setdefault("CONTEXTWORKER_LOG_FORMAT", "console")
    return env | {
        "TEMPORAL_ADDRESS": temporal_address,
        "BRAIN_URL": folders.brain_url,
        "CONTEXTWORKER_GATEWAY_HOST": LOOPBACK,
        "CONTEXTWORKER_STORE_URL": folders.store_url,
        "CONTEXTWORKER_EXTERNAL_PAYLOADS": "true",  # all have the one folder
        "CONTEXTWORKER_SUPPLIERS_DIR": str(suppliers_dir),
        # A developer edits code without raising its version: whatever starts last is current.
        "CONTEXTWORKER_PROMOTION": "always",
        "CONTEXTWORKER_VERSIONING_BEHAVIOR": "auto_upgrade",
        "PYTHONUNBUFFERED": "1",
    }
