"""What an execution may use: the defaults, and each tenant's own, from a TOML file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contextworker.core.errors import ConfigurationError
from contextworker.core.messages import TenantId
from contextworker.sandbox.messages import Limits

DEFAULT = Limits(
    timeout_s=10,
    memory_mib=64,
    recursion=500,
    output_bytes=256 * 1024,
    code_bytes=64 * 1024,
    input_bytes=256 * 1024,
    calls=1000,
    answer_bytes=256 * 1024,
    lifetime_s=24 * 60 * 60,
)

_TENANT: TypeAdapter[str] = TypeAdapter(TenantId)


class TenantLimits:
    """The limits of every tenant."""

    def __init__(
        self, default: Limits = DEFAULT, tenants: Mapping[str, Limits] | None = None
    ) -> None:
        self._default = default
        self._tenants = dict(tenants or {})

    def of(self, tenant_id: str, *, timeout: float | None = None) -> Limits:
        """Return a tenant's limits, with the caller's own timeout where it is the shorter one."""
        limits = self._tenants.get(tenant_id, self._default)
        if timeout is None or timeout >= limits.timeout_s:
            return limits
        return limits.model_copy(update={"timeout_s": timeout})

    @property
    def longest_s(self) -> float:
        """The longest time that anybody's code may compute."""
        return max(limits.timeout_s for limits in (self._default, *self._tenants.values()))

    @property
    def largest_mib(self) -> int:
        """The most memory that anybody's code may take."""
        return max(limits.memory_mib for limits in (self._default, *self._tenants.values()))


def read_limits(path: Path | None) -> TenantLimits:
    """Read a file of limits; without one, the defaults hold for everyone.

    Raises:
        ConfigurationError: It cannot be read, or holds what is no limit; names the key.
    """
    if path is None:
        return TenantLimits()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read the limits in {path}: {error.strerror}") from None
    except ValueError as error:  # neither UTF-8 nor TOML
        raise ConfigurationError(f"the limits in {path} are no TOML: {error}") from None
    if unknown := sorted(tables.keys() - {"default", "tenants"}):
        raise ConfigurationError(
            f"{path}: unknown key {unknown[0]!r}; it has [default] and [tenants.<tenant_id>]"
        )
    default = _limits(path, "default", DEFAULT, tables.get("default", {}))
    tenants = _table(path, "tenants", tables.get("tenants", {}))
    return TenantLimits(
        default,
        {
            _tenant(path, name): _limits(path, f"tenants.{name}", default, table)
            for name, table in tenants.items()
        },
    )


def _limits(path: Path, where: str, base: Limits, table: object) -> Limits:
    values = base.model_dump() | _table(path, where, table)
    try:
        # Not strict about 10 and 10.0, but "10" is no number in TOML.
        return Limits.model_validate(values, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = f"{where}.{'.'.join(map(str, first['loc']))}"
        if first["type"] == "extra_forbidden":
            known = ", ".join(Limits.model_fields)
            raise ConfigurationError(f"{path}: unknown key {key}; limits are {known}") from None
        raise ConfigurationError(f"{path}: {key} = {first['input']!r}: {first['msg']}") from None


def _table(path: Path, where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: {where} is no table of limits")
    return value


def _tenant(path: Path, name: str) -> str:
    try:
        return _TENANT.validate_python(name)
    except ValidationError:
        raise ConfigurationError(f"{path}: tenants.{name}: no tenant can be called so") from None
