"""Compiles `contextcore._native`, the payload codec's fast path. Without it the codec is slower.

An editable install compiles it where there is a C compiler. A wheel is pure Python, and the same
wherever it was built, unless CONTEXTCORE_NATIVE=1 asks for one of this platform.
"""
# ruff: noqa: INP001 - hatchling loads it by its path

import os
import platform
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "src/contextcore/_native.c"
# Limited API: one file for every CPython from 3.11 on. Free-threaded ones have another.
EXTENSION = "contextcore/_native.abi3.so"
TAG = "cp311-abi3"
IS_WANTED = (
    sys.platform != "win32"
    and sys.implementation.name == "cpython"
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
)
OLDEST_MACOS = "11.0"
PATIENCE_S = 120


class NativeHook(BuildHookInterface[Any]):
    """Hatchling's hook."""

    _folder: "TemporaryDirectory[str] | None" = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say so to whoever builds."""
        if version == "editable":
            if IS_WANTED:
                self._compile_in_place(Path(self.root, "src", EXTENSION))
        elif os.environ.get("CONTEXTCORE_NATIVE") == "1":
            # The tree stays as it is: it may be read-only.
            self._folder = TemporaryDirectory()
            target = Path(self._folder.name, Path(EXTENSION).name)
            try:
                self._compile(target)
            except (OSError, subprocess.SubprocessError) as error:
                self.app.abort(
                    f"CONTEXTCORE_NATIVE=1 needs a C compiler and the headers of Python: {error}"
                )
            build_data["pure_python"] = False
            build_data["tag"] = f"{TAG}-{_platform_tag()}"
            build_data["force_include"][str(target)] = EXTENSION

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's signature
        """Clean up once the wheel holds it."""
        if self._folder:
            self._folder.cleanup()

    def _compile_in_place(self, target: Path) -> None:
        # Beside it first: a process may have the old one mapped.
        fresh = target.with_suffix(".so.new")
        try:
            self._compile(fresh)
            fresh.replace(target)
        except (OSError, subprocess.SubprocessError) as error:
            # One of an older source would be worse than none.
            target.unlink(missing_ok=True)
            self.app.display_warning(f"the payload codec's fast path is left out: {error}")

    def _compile(self, target: Path) -> None:
        if sys.platform == "darwin":
            link = ["-bundle", "-undefined", "dynamic_lookup"]
            link.append(f"-mmacosx-version-min={OLDEST_MACOS}")
        else:
            link = ["-shared", "-lm"]
        command = [
            *shlex.split(os.environ.get("CC", "cc")),
            *("-std=c99", "-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden"),
            f"-I{sysconfig.get_path('include')}",
            SOURCE,
            *link,
            *("-o", str(target)),
        ]
        subprocess.run(command, cwd=self.root, check=True, timeout=PATIENCE_S)  # noqa: S603 - our own command


def _platform_tag() -> str:
    if sys.platform == "darwin":
        return f"macosx_{OLDEST_MACOS.replace('.', '_')}_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
