"""Compiles `contextcore._native`, the payload codec's fast path. Without it the codec is slower.

An editable install compiles it where there is a C compiler. A wheel stays pure Python, so that it
is the same wherever it was built, unless CONTEXTCORE_NATIVE=1 asks for one of this platform.
"""
# ruff: noqa: INP001 - hatchling loads it by its path

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("src/contextcore/_native.c")
# Limited API: one file for every CPython from 3.11 on.
EXTENSION = SOURCE.with_suffix(".abi3.so")
TAG = "cp311-abi3"


class NativeHook(BuildHookInterface[Any]):
    """Hatchling's hook."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say so to whoever builds."""
        asked = os.environ.get("CONTEXTCORE_NATIVE") == "1"
        if not asked and (version != "editable" or sys.platform == "win32"):
            return
        try:
            self._compile()
        except (OSError, subprocess.CalledProcessError) as error:
            if asked:
                raise
            self.app.display_warning(f"the payload codec's fast path is left out: {error}")
            return
        if version != "editable":
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"{TAG}-{platform}"
            build_data["artifacts"].append(EXTENSION.as_posix())

    def _compile(self) -> None:
        link = (
            ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
        )
        # Beside it first: a process may have the old one mapped.
        fresh = EXTENSION.with_suffix(".so.new")
        command = [
            *shlex.split(os.environ.get("CC", "cc")),
            *("-std=c99", "-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden"),
            *link,
            f"-I{sysconfig.get_path('include')}",
            str(SOURCE),
            *("-o", str(fresh)),
        ]
        subprocess.run(command, cwd=self.root, check=True)  # noqa: S603 - our own command
        Path(self.root, fresh).replace(Path(self.root, EXTENSION))
