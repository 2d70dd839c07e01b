"""Which enrichers work for whom: the defaults, and each tenant's own, from a TOML file."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from contextworker.core.errors import ConfigurationError
from contextworker.core.messages import TenantId
from contextworker.gardener.enrichers.categories.taxonomy import Taxonomy, load_taxonomy
from contextworker.gardener.enrichers.loading import OURS, installed, known, owner
from contextworker.gardener.enrichers.results import RESULTS, TRAINED
from contextworker.gardener.enrichers.terms.tech_file import TechVocabulary, load_tech
from contextworker.gardener.llm.config import LlmConfig, read_llm

Table = Mapping[str, Any]

PACKAGED: Final[Table] = {
    "tasks": list(RESULTS),
    "taxonomy": {"enrichers": ["classifier", "names"]},
    "ner": {"enrichers": ["tagger", "rules"]},
    "params": {"enrichers": ["measures"]},
    "tech": {"enrichers": ["vocabulary"]},
    "kg": {"enrichers": ["relations"]},
}
"""What holds without a file."""

_FILE_KEYS: Final = ("file", "examples", "prompts")
_ONE_FILE: Final = ("taxonomy", "tech")
_FILE_SUFFIX: Final = "_file"
# Entries say what they were made from by the names of tasks, parted by other signs.
_TASK: Final = re.compile(r"[A-Za-z][\w-]{0,99}", re.ASCII)
_TAKEN: Final = ("tasks", "llm")
_TENANT: TypeAdapter[str] = TypeAdapter(TenantId)
_NAMES: TypeAdapter[list[str]] = TypeAdapter(list[str])


@dataclass(frozen=True, slots=True)
class TaskConfiguration:
    """Who answers a task, in turn, and by what options."""

    task: str
    where: str
    """Its table, for messages: `gardener.toml: tenants.acme.taxonomy`."""
    enrichers: tuple[str, ...]
    options: Table = field(default_factory=dict)
    """Of all its enrichers; a table called like one of them holds that one's own."""

    def options_of(self, enricher: str) -> Table:
        """Return an enricher's options: the task's, and its own before them."""
        shared = {
            key: value
            for key, value in self.options.items()
            if key not in self.enrichers and not (key == "examples" and self.task in TRAINED)
        }
        return MappingProxyType(shared | self.options.get(enricher, {}))


@dataclass(frozen=True, slots=True)
class TenantConfiguration:
    """What holds for one tenant."""

    tasks: tuple[str, ...]
    """In the order they run in."""
    tables: Mapping[str, TaskConfiguration]
    llm: LlmConfig | None = None
    where: str = ""
    """Its table, for messages: `gardener.toml: tenants.acme`."""

    def examples_file(self, task: str) -> Path | None:
        """Return the file of a task's labelled examples, where one is configured."""
        table = self.tables.get(task)
        examples = table.options.get("examples") if table else None
        return Path(examples) if examples else None


class Configuration:
    """The configuration of every tenant."""

    def __init__(
        self,
        default: TenantConfiguration,
        tenants: Mapping[str, TenantConfiguration] | None = None,
    ) -> None:
        self._default = default
        self._tenants = dict(tenants or {})

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants that have tables of their own."""
        return tuple(self._tenants)

    def of(self, tenant_id: str) -> TenantConfiguration:
        """Return what holds for a tenant."""
        return self._tenants.get(tenant_id, self._default)

    def taxonomy(self, tenant_id: str) -> Taxonomy:
        """Return a tenant's taxonomy: its file's, or the packaged one.

        Raises:
            ConfigurationError: The file cannot be used; says where.
        """
        return load_taxonomy(self._file(tenant_id, "taxonomy"))

    def vocabulary(self, tenant_id: str) -> TechVocabulary:
        """Return a tenant's technologies and materials: its file's, or the packaged ones.

        Raises:
            ConfigurationError: The file cannot be used; says where.
        """
        return load_tech(self._file(tenant_id, "tech"))

    def _file(self, tenant_id: str, task: str) -> Path | None:
        table = self.of(tenant_id).tables.get(task)
        file = table.options.get("file") if table else None
        return Path(file) if file else None


def read_configuration(path: Path | None = None) -> Configuration:
    """Read a file; without one, the packaged tasks hold for everyone.

    Raises:
        ConfigurationError: It cannot be read, or a key of it is unknown or wrong; names the key.
    """
    tables = _read(path) if path else {}
    file = path or Path("the packaged configuration")
    reader = _Reader(file)
    if unknown := sorted(tables.keys() - {"default", "tenants"}):
        raise ConfigurationError(
            f"{file}: unknown key {unknown[0]!r}; it has [default] and [tenants.<tenant_id>]"
        )
    own = reader.table("default", tables.get("default", {}))
    default = _merged(PACKAGED, own)
    tenants = {
        reader.tenant(name): (own, _merged(default, own))
        for name, value in reader.table("tenants", tables.get("tenants", {})).items()
        for own in [reader.table(f"tenants.{name}", value)]
    }
    everybody = {"default": default} | {f"tenants.{n}": table for n, (_, table) in tenants.items()}
    used = {
        task
        for where, table in everybody.items()
        for task in reader.names(f"{where}.tasks", table["tasks"])
    }
    return Configuration(
        reader.read("default", default, own, used),
        {
            name: reader.read(f"tenants.{name}", table, own, used)
            for name, (own, table) in tenants.items()
        },
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the gardener's configuration in {path}: {error.strerror}"
        ) from None
    except (ValueError, RecursionError) as error:  # neither UTF-8 nor TOML
        raise ConfigurationError(
            f"the gardener's configuration in {path} is no TOML: {error}"
        ) from None


def _merged(base: Table, own: Table) -> dict[str, Any]:
    """Return the base with each key of its own in place; tables key by key, lists as a whole."""
    merged = dict(base)
    for key, value in own.items():
        before = base.get(key)
        both = isinstance(value, dict) and isinstance(before, dict)
        merged[key] = _merged(before, value) if both and before else value
    return merged


class _Reader:
    """Turns a file's tables into configurations, or says what is wrong in which."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._installed = installed()

    def read(self, where: str, table: Table, own: Table, used: set[str]) -> TenantConfiguration:
        tasks = tuple(self.names(f"{where}.tasks", table["tasks"]))
        if not tasks:
            raise self._wrong(f"{where}.tasks is empty: name one or more of {', '.join(RESULTS)}")
        if len(set(tasks)) < len(tasks):
            raise self._wrong(f"{where}.tasks names a task twice: {', '.join(tasks)}")
        for task in tasks:
            if not _TASK.fullmatch(task) or task in _TAKEN:
                raise self._wrong(
                    f"{where}.tasks: no task can be called {task!r}: write letters, digits, _ and -"
                    f", and not {' or '.join(_TAKEN)}"
                )
        for key, value in own.items():
            if key not in {"tasks", "llm", *RESULTS, *used}:
                hint = "" if not isinstance(value, dict) else "; a task of your own stands in tasks"
                raise self._wrong(
                    f"unknown key {where}.{key}; it has tasks, llm, {', '.join(RESULTS)}{hint}"
                )
        tables = {task: self._task(where, task, table.get(task)) for task in tasks}
        return TenantConfiguration(
            tasks,
            MappingProxyType(tables),
            self._llm(where, table.get("llm"), tasks),
            f"{self._file}: {where}",
        )

    def _task(self, where: str, task: str, value: object) -> TaskConfiguration:
        if value is None:
            raise self._wrong(
                f"{where}.tasks names {task!r}, which has no table: add [{where}.{task}] with its "
                f"enrichers, or choose of {', '.join(RESULTS)}"
            )
        table = self.table(f"{where}.{task}", value)
        if "enrichers" not in table:
            raise self._wrong(f"{where}.{task} has no enrichers; installed are {known()}")
        enrichers = tuple(self.names(f"{where}.{task}.enrichers", table["enrichers"]))
        for name in enrichers:
            if name not in self._installed:
                raise self._wrong(
                    f"{where}.{task}.enrichers: no enricher {name!r} is installed; installed are "
                    f"{known()}"
                )
        if not enrichers or len(set(enrichers)) < len(enrichers):
            raise self._wrong(f"{where}.{task}.enrichers: name one or more, each once")
        for name in enrichers:
            own = self.table(f"{where}.{task}.{name}", table.get(name, {}))
            if task in _ONE_FILE and "file" in own and owner(self._installed[name]) == OURS:
                raise self._wrong(
                    f"{where}.{task}.{name}.file: it is for the whole task, so that people and "
                    f"language models go by it, too: write {where}.{task}.file"
                )
        options = {
            key: self._absolute(f"{where}.{task}.{key}", key, value)
            for key, value in table.items()
            if key != "enrichers"
        }
        examples = options.get("examples") if task in TRAINED else None
        if examples and not Path(str(examples)).is_file():
            raise self._wrong(f"{where}.{task}.examples: there is no file {examples}")
        return TaskConfiguration(
            task, f"{self._file}: {where}.{task}", enrichers, MappingProxyType(options)
        )

    def _llm(self, where: str, value: object, tasks: tuple[str, ...]) -> LlmConfig | None:
        if value is None:
            return None
        table = {
            key: self._absolute(f"{where}.llm.{key}", key, item)
            for key, item in self.table(f"{where}.llm", value).items()
        }
        if table.get("tasks") == []:
            return None  # how a tenant does without the default's
        try:
            config = read_llm(table)
        except ConfigurationError as error:
            raise self._wrong(f"{where}.llm: {error}") from None
        if "tasks" in table and (unknown := sorted(set(config.tasks) - set(tasks))):
            raise self._wrong(
                f"{where}.llm.tasks: {unknown[0]!r} is none of the tasks {', '.join(tasks)}"
            )
        return config

    def table(self, where: str, value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(f"{where} = {value!r} is no table")
        return value

    def names(self, where: str, value: object) -> list[str]:
        try:
            return _NAMES.validate_python(value, strict=True)
        except ValidationError:
            raise self._wrong(f"{where} = {value!r} is no list of names") from None

    def tenant(self, name: str) -> str:
        try:
            return _TENANT.validate_python(name)
        except ValidationError:
            raise self._wrong(f"tenants.{name}: no tenant can be called so") from None

    def _absolute(self, where: str, key: str, value: object) -> object:
        """Return paths as seen from the file, in an enricher's own table, too."""
        if isinstance(value, dict):
            return {
                inner: self._absolute(f"{where}.{inner}", inner, item)
                for inner, item in value.items()
            }
        if key not in _FILE_KEYS and not key.endswith(_FILE_SUFFIX):
            return value
        if not isinstance(value, str) or not value:
            raise self._wrong(f"{where} = {value!r} is no path")
        return str((self._file.parent / value).absolute())

    def _wrong(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self._file}: {problem}")
