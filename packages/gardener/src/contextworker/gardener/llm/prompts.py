"""What a language model is told: the packaged prompts, or a tenant's own in their place."""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.llm.config import Task

_PLACEHOLDERS: Final[Mapping[Task, str]] = {"taxonomy": "categories", "tech": "terms"}
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_LONGEST: Final = 20_000
_PACKAGED: Final = files("contextworker.gardener") / "llm" / "prompts"


class Prompts:
    """One prompt for each task, and one that comes before them all."""

    def __init__(self, tasks: Sequence[Task], folder: Path | None = None) -> None:
        """Read the prompts of some tasks.

        Args:
            tasks: Those that are asked about.
            folder: Where a tenant's own `<task>.md` are; what is not there is the packaged one.

        Raises:
            ConfigurationError: A file cannot be read, or lacks its placeholder; names it.
        """
        if folder is not None and not folder.is_dir():
            raise ConfigurationError(f"prompts: there is no folder {folder}")
        if folder is not None and not any((folder / f"{task}.md").exists() for task in tasks):
            wanted = ", ".join(f"{task}.md" for task in tasks)
            raise ConfigurationError(f"prompts: {folder} has none of {wanted}")
        self._first = (_PACKAGED / "all.md").read_text("utf-8").strip()
        self._texts = {task: _read(task, folder) for task in tasks}

    def instructions(self, tasks: Sequence[Task], values: Mapping[Task, str]) -> str:
        """Return what a model is told about some tasks.

        Args:
            tasks: Those of this request.
            values: What stands in place of a task's placeholder.
        """
        told = [_PLACEHOLDER.sub(lambda _, t=task: values[t], self._texts[task]) for task in tasks]  # type: ignore[misc]
        return "\n\n".join([self._first, *told])


def _read(task: Task, folder: Path | None) -> str:
    own = folder / f"{task}.md" if folder is not None else None
    source: Path | Traversable = (
        own if own is not None and own.exists() else _PACKAGED / f"{task}.md"
    )
    try:
        text = source.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"cannot read the prompt {source}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"the prompt {source} is no UTF-8 text") from None
    if not 0 < len(text) <= _LONGEST:
        raise ConfigurationError(
            f"the prompt {source} has {len(text)} characters: write 1 to {_LONGEST}"
        )
    known = {_PLACEHOLDERS[task]} if task in _PLACEHOLDERS else set()
    found = {match[1] for match in _PLACEHOLDER.finditer(text)}
    for name in sorted(known - found):
        raise ConfigurationError(f"the prompt {source} lacks {{{{{name}}}}}: say where they stand")
    for name in sorted(found - known):
        what = f"it has {{{{{known.pop()}}}}}" if known else "it has none"
        raise ConfigurationError(
            f"the prompt {source} has {{{{{name}}}}}, which stands for nothing: {what}"
        )
    return text
