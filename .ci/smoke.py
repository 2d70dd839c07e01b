#!/usr/bin/env python3
# /// script
# dependencies = ["packaging>=26"]
# ///
"""Install a wheel by itself and try it: `.ci/smoke.py WHEEL… [uv pip install's options…]`.

In an environment of its own, outside this repository: each of its packages imports, and each part
of it that is compiled; its module loads under its own name; each of its executables starts without
any setting, says something, and ends well by itself or on SIGTERM. What a wheel has is read from
its metadata, so that this fits any member. Of several wheels, each that fits this machine is tried.
"""

import os
import signal
import subprocess
import sys
import tempfile
from importlib import import_module, metadata
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import takewhile
from pathlib import Path
from threading import Timer

PATIENCE_S = 60
SETTLED_S = 3
# Nothing answers there: a worker says that it waits, and goes on waiting. Any port will do.
NOBODY = {
    "TEMPORAL_ADDRESS": "127.0.0.1:1",
    "WORKER_PORT": "0",
    "CONTEXTWORKER_CODEC_PORT": "0",
}


def main(arguments: list[str]) -> None:
    """Try each wheel that fits this machine."""
    given = list(takewhile(lambda each: not each.startswith("-"), arguments))
    fitting = [wheel for wheel in map(Path, given) if _fits(wheel)]
    if not fitting:
        sys.exit(f"error: none of these wheels fits this machine: {', '.join(given) or 'none'}")
    for wheel in fitting:
        sys.stdout.write(f"# {wheel.name}\n")
        _try(wheel, arguments[len(given) :])


def _fits(wheel: Path) -> bool:
    # Not where it runs inside the environment, which has only what the wheel needs.
    from packaging.tags import sys_tags  # noqa: PLC0415
    from packaging.utils import parse_wheel_filename  # noqa: PLC0415

    return not parse_wheel_filename(wheel.name)[-1].isdisjoint(sys_tags())


def _try(wheel: Path, options: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="smoke-") as folder:
        environment = Path(folder, "environment")
        binaries = environment / ("Scripts" if sys.platform == "win32" else "bin")
        python = binaries / "python"
        _run("uv", "venv", "--quiet", "--no-project", "--python", sys.executable, environment)
        _run("uv", "pip", "install", "--quiet", "--python", python, *options, wheel.resolve())
        name = wheel.name.split("-")[0]
        _run(python, "-I", Path(__file__).resolve(), "--inside", name, cwd=folder)
        scripts = _run(python, "-I", Path(__file__).resolve(), "--scripts", name, cwd=folder)
        for script in scripts.split():
            _start(binaries / script, cwd=folder)
        # With what it was tried.
        sys.stdout.write(_run("uv", "pip", "freeze", "--quiet", "--python", python))


def inside(distribution: str) -> None:
    """Import what the distribution offers."""
    found = metadata.distribution(distribution)
    typed = [path.parent for path in found.files or [] if path.name == "py.typed"]
    assert typed, f"{distribution} has no package with types"
    for package in typed:
        import_module(".".join(package.parts))
    # Who imports one may do without it where it does not load.
    for path in found.files or []:
        if path.name.endswith(tuple(EXTENSION_SUFFIXES)):
            import_module(".".join([*path.parent.parts, path.name.partition(".")[0]]))
    for entry in found.entry_points:
        loaded = entry.load()
        if entry.group == "contextworker.modules":
            assert loaded.name == entry.name, f"{entry.name} announces {loaded.name}"


def scripts(distribution: str) -> None:
    """Print the names of the distribution's executables."""
    entries = metadata.distribution(distribution).entry_points.select(group="console_scripts")
    sys.stdout.write("\n".join(sorted(entry.name for entry in entries)))


def _start(executable: Path, cwd: str) -> None:
    kept = {key: value for key, value in os.environ.items() if key in {"HOME", "PATH", "LANG"}}
    process = subprocess.Popen(
        [executable],
        cwd=cwd,
        env=kept | NOBODY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,  # what readline read ahead would be lost to communicate
    )
    assert process.stdout is not None
    patience = Timer(PATIENCE_S, process.kill)
    patience.start()
    said = process.stdout.readline()
    try:
        # The first line may be that of a traceback: whoever fails at once is given time to.
        more, _ = process.communicate(timeout=SETTLED_S)
    except subprocess.TimeoutExpired:
        if not said.startswith(b"Traceback"):  # it ends by itself, however busy the machine is
            process.terminate()
        more, _ = process.communicate()
    patience.cancel()
    if process.returncode not in {0, -signal.SIGTERM}:
        printed = (said + more).decode(errors="replace")
        sys.exit(f"error: {executable.name} ended with {process.returncode}:\n{printed}")


def _run(*command: str | Path, cwd: str | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"error: {' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(sys.argv[2])
    elif sys.argv[1] == "--scripts":
        scripts(sys.argv[2])
    else:
        main(sys.argv[1:])
