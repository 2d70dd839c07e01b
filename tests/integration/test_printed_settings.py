"""No settings class shows a secret, however it is printed."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

import contextworker
from contextworker.core.logs import redaction

MARK = "marker-b41c0de7-and-long-enough-for-a-secret"
_SPEAKS_OF = re.compile(
    r"secret|token|key|password|credential|url|address|endpoint|jwks", re.IGNORECASE
)


def settings_classes() -> Iterator[type[BaseSettings]]:
    """Every class of every installed member that reads the environment."""
    names = [
        module.name
        for module in pkgutil.walk_packages(contextworker.__path__, "contextworker.")
        if module.name.endswith("settings") and ".templates." not in module.name
    ]
    found = set()
    for name in names:
        for each in vars(importlib.import_module(name)).values():
            if isinstance(each, type) and issubclass(each, BaseSettings) and each.model_fields:
                found.add(each)
    return iter(sorted(found, key=lambda each: each.__name__))


def kinds(info: FieldInfo) -> set[Any]:
    """The types that a field may have."""
    return {info.annotation, *get_args(info.annotation)}


def marked(name: str, info: FieldInfo) -> Any:
    """A secret where this field may hold one; None where it holds none."""
    if SecretStr in kinds(info):
        return SecretStr(f"postgresql://me:{MARK}@db/x" if "url" in name else MARK)
    if str in kinds(info) and _SPEAKS_OF.search(f"{name} {info.description}"):
        return f"https://me:{MARK}@host/x?token={MARK}"
    return None


CLASSES = list(settings_classes())


def test_every_settings_class_is_looked_at() -> None:
    """The scan finds those of every member."""
    assert {
        "BrainSettings",
        "CliSettings",
        "ClientSettings",
        "CodecServerSettings",
        "GardenerSettings",
        "GatewaySettings",
        "HarvestSettings",
        "SandboxSettings",
        "TracingSettings",
        "WorkerSettings",
    } <= {each.__name__ for each in CLASSES}


@pytest.mark.parametrize("settings", CLASSES, ids=lambda each: each.__name__)
def test_printed_settings_show_no_secret(settings: type[BaseSettings]) -> None:
    """`repr`, `str` and a dump; what is a secret as a whole is declared as one."""
    fields = settings.model_fields.items()
    values = {name: value for name, info in fields if (value := marked(name, info)) is not None}

    # Without validation, so that each field holds it whatever else it would ask for.
    made = settings.model_construct(**values)

    shown = [repr(made), str(made), made.model_dump_json(), repr(made.model_dump())]
    assert [] == [text for text in shown if MARK in text]
    plain = [
        name
        for name, info in fields
        if re.search(r"secret|token|password|(^|_)keys?$", name) and str in kinds(info)
    ]
    assert [] == plain


def test_the_log_knows_what_was_read_as_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it comes from afterwards, it stands in no record."""
    from contextworker.brain import BrainSettings  # noqa: PLC0415 - after the scan

    monkeypatch.setenv("BRAIN_URL", f"postgresql://me:{MARK.replace('-', '%2D')}@db/x")

    BrainSettings()

    assert f"no: {redaction.REDACTED}" == redaction.redacted(f"no: {MARK}")
    assert Path(__file__).name == redaction.redacted(Path(__file__).name)
