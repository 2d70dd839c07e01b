"""The name of a new module, in the forms that Python, packages and Kubernetes ask for."""

import keyword
import re
import sys
from dataclasses import dataclass
from typing import Self

from contextworker.cli.errors import UsageError

# Long enough to say what it is; names of images, pods and task queues are made of it.
MAX_LENGTH = 30
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_OURS = ("contextworker", "contextcore")
_CONFUSING = {"test", "tests"}


@dataclass(frozen=True)
class ModuleName:
    """A module's name: `price_watch` for Python and Temporal, `price-watch` for everything else."""

    package: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name as a person types it; `-` and `_` mean the same.

        Raises:
            UsageError: It is no name, or one that would be mistaken for something else.
        """
        if not _NAME.fullmatch(text):
            raise UsageError(
                f"{text!r} is no name for a module: write lower-case letters and digits, a letter "
                f"first, words joined by a dash{_suggestion(text)}"
            )
        if len(text) > MAX_LENGTH:
            raise UsageError(
                f"{text!r} is too long for a module's name: {len(text)} characters, and "
                f"{MAX_LENGTH} are allowed."
            )
        package = text.replace("-", "_")
        if package.startswith(_OURS):
            raise UsageError(
                f"{text!r}: a module is named after what it does, without ContextWorker's own name"
                f"{_suggestion(re.sub('^context(worker|core)[-_]?', '', text))}"
            )
        if keyword.iskeyword(package):
            raise UsageError(f"{text!r} is a word of Python's own, which no package can be named.")
        if package in sys.stdlib_module_names or package in _CONFUSING:
            raise UsageError(
                f"{text!r} is the name of a module of Python itself; choose one that nobody "
                f"mistakes for it, such as {text}-jobs."
            )
        return cls(package)

    @property
    def dashed(self) -> str:
        """The name in executables, distributions and Kubernetes."""
        return self.package.replace("_", "-")


def _suggestion(text: str) -> str:
    likely = re.sub(r"[^a-z0-9]+", "-", re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", text).lower())
    likely = likely.strip("-0123456789")
    return f". How about {likely!r}?" if _NAME.fullmatch(likely) else "."
