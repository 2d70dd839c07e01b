"""The codec server of a local stack: it lets Temporal's UI show what is encrypted."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contextworker.cli.stack.ports import LOOPBACK
from contextworker.cli.stack.process import Program

PORT = 8081
_KEYS = ("CONTEXTWORKER_ENCRYPTION_KEYS", "CONTEXTWORKER_ENCRYPTION_KEYS_FILE")


def is_encrypting(environ: Mapping[str, str]) -> bool:
    """Tell whether what Temporal stores is encrypted, so that its UI could show nothing."""
    return any(environ.get(name, "").strip() for name in _KEYS)


@dataclass(frozen=True)
class CodecPorts:
    """Where a stack's codec server listens, and where its health is asked for."""

    http: int
    health: int

    @property
    def url(self) -> str:
        """What Temporal's UI is told."""
        return f"http://{LOOPBACK}:{self.http}"


def codec_server(
    ports: CodecPorts, *, ui_port: int, logs: Path, env: Mapping[str, str], grace_s: float
) -> Program:
    """Return the program that decrypts for the stack's own UI."""
    health = f"{LOOPBACK}:{ports.health}"
    # A person may open the UI by either name, and a browser takes them for two websites.
    origins = ",".join(f"http://{host}:{ui_port}" for host in (LOOPBACK, "localhost"))
    return Program(
        name="codec-server",
        command=[sys.executable, "-m", "contextworker.codec_server"],
        log=logs / "codec-server.log",
        health_address=health,
        env={
            **{k: v for k, v in env.items() if not k.startswith("CONTEXTWORKER_CODEC_TLS_")},
            "CONTEXTWORKER_CODEC_HOST": LOOPBACK,
            "CONTEXTWORKER_CODEC_PORT": str(ports.http),
            "CONTEXTWORKER_CODEC_CORS_ORIGINS": origins,
            "CONTEXTWORKER_HEALTH_ADDRESS": health,
        },
        grace_s=grace_s,
    )
