"""A reader who follows a page: in a folder with the examples, beside a stack that runs."""

import ast
import asyncio
import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from code_blocks import ROOT, CodeBlock

_SCRIPTS = Path(sys.executable).parent
# A block may start every worker, one after another, on a machine that does other things.
_PATIENCE_S = 300
# What a page calls the gateway of a stack that has the usual port.
_GATEWAY = re.compile(r"(?:127\.0\.0\.1|localhost):50052")
_UV = """#!/usr/bin/env bash
# `uv run X` is X of the environment that runs the tests, which is in sync.
set -euo pipefail
case "${1:-}" in
  run) shift; while [[ "${1:-}" == --* ]]; do shift; done; exec "$@" ;;
  sync) exit 0 ;;
  *) echo "uv $* is not for the pages to run" >&2; exit 64 ;;
esac
"""
_PIP = "#!/bin/sh\n# uv is there already.\nexit 0\n"
# What serves until somebody stops it is stopped as soon as it serves, as with Ctrl-C.
_SERVE = """#!/usr/bin/env bash
said=$(mktemp)
{program} "$@" 2> "$said" & pid=$!
serves=1
for _ in {{1..1800}}; do
  if grep -qE 'listening on|polls ' "$said"; then serves=0; break; fi
  kill -0 "$pid" 2> /dev/null || break
  sleep 0.1
done
kill "$pid" 2> /dev/null
wait "$pid"
code=$?
cat "$said" >&2
rm "$said"
exit $((code > serves ? code : serves))
"""
_SERVERS = ("codec-server", "gateway", "gardener-worker", "harvest-worker", "sandbox-worker")
_PYTHON = """#!/usr/bin/env bash
case "$*" in
  "-m contextworker" | "-m contextworker --"* | "-m contextworker."*) exec {server} "$@" ;;
  *) exec {program} "$@" ;;
esac
"""


@dataclass
class Reader:
    """Runs the blocks of pages, one after the other, as somebody would who reads them."""

    folder: Path
    stack: "subprocess.Popen[bytes] | None" = None
    environment: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Start the stack, as the first page says, and wait until it serves."""
        shutil.copytree(ROOT / "examples", self.folder / "examples")
        programs = self.folder / "programs"
        programs.mkdir()
        texts = {
            "uv": _UV,
            "pip": _PIP,
            "python": _PYTHON.format(program=sys.executable, server=programs / "serving-python"),
            "serving-python": _SERVE.format(program=sys.executable),
            **{name: _SERVE.format(program=_SCRIPTS / name) for name in _SERVERS},
        }
        for name, text in texts.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        ours = ("BRAIN_", "CONTEXTWORKER_", "TEMPORAL_", "WORKER_")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
            "PATH": os.pathsep.join([str(programs), str(_SCRIPTS), os.environ["PATH"]]),
            "COLUMNS": "250",
        }
        log = self.folder / "up.log"
        with log.open("wb") as output:
            self.stack = subprocess.Popen(
                [
                    *(sys.executable, "-m", "contextworker", "up"),
                    *("--port", "0", "--temporal-port", "0", "--ui-port", "0"),
                ],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _PATIENCE_S
        while "contextworker start harvest" not in log.read_text():
            assert self.stack.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        # For what is started beside the stack: Temporal's own command, a gateway, a worker.
        self.environment |= {
            "TEMPORAL_ADDRESS": self._address("temporal"),
            "CONTEXTWORKER_CODEC_PORT": "0",
            "WORKER_PORT": "0",
        }

    def end(self) -> None:
        """Stop the stack as Ctrl-C does."""
        if self.stack is None:
            return
        self.stack.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.stack.wait(60)
        self.stack.kill()
        self.stack.wait()

    @property
    def gateway(self) -> str:
        """Where the stack's gateway listens."""
        return self._address("gateway")

    def _address(self, process: str) -> str:
        state = json.loads((self.folder / ".contextworker/stack.json").read_text())
        return str(state[process])

    def follow(self, block: CodeBlock, names: dict[str, Any]) -> None:
        """Do what a block says.

        Args:
            block: Of a page; one with a title is written, and left at that.
            names: What the page's Python blocks before it have bound; it adds its own.
        """
        source = _GATEWAY.sub(lambda _: self.gateway, block.source)
        if block.title is not None:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source, encoding="utf-8")
        elif block.language == "python":
            self._python(block, source, names)
        elif block.language == "bash":
            self.shell(source)
        elif block.language == "console":
            self._console(source)

    def _python(self, block: CodeBlock, source: str, names: dict[str, Any]) -> None:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        # The lines of a traceback are those of the page.
        code = compile("\n" * block.line + source, str(block.page), "exec", flags)
        here = Path.cwd()
        os.chdir(self.folder)
        sys.path.insert(0, str(self.folder))
        try:
            result = eval(code, names)
            if inspect.iscoroutine(result):
                asyncio.run(result)
        finally:
            sys.path.remove(str(self.folder))
            os.chdir(here)

    def shell(self, script: str) -> str:
        """Run a script to its end; returns both of its outputs.

        Raises:
            AssertionError: It failed; with what it printed.
        """
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            printed, _ = process.communicate(timeout=_PATIENCE_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert 0 == process.returncode, f"{script}\nended with {process.returncode}:\n{printed}"
        return printed

    def _console(self, source: str) -> None:
        """Run each command behind `$ `, and hold what it prints against what the page shows."""
        for part in re.split(r"^\$ ", source, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            file = self.folder / command.removeprefix("cat ")
            if command.startswith("cat ") and not file.exists():
                file.write_text(shown, encoding="utf-8")  # what `cat` shows is the file
                continue
            printed = self.shell(command)
            missing = not_printed(shown, printed)
            assert not missing, f"{command}\ndid not print {missing!r}, but:\n{printed}"


def not_printed(shown: str, printed: str) -> str:
    """Return the first of the shown lines that was not printed, in their order; else nothing.

    An ellipsis stands for anything; how much space is between words does not count.
    """
    rest = " ".join(printed.split())
    for line in shown.splitlines():
        for piece in line.split("…"):
            words = " ".join(piece.split())
            before, found, rest = rest.partition(words) if words else ("", "", rest)
            if words and not found:
                return line.strip() or before
    return ""
