"""A tenant's language model: the table `llm` of its configuration."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from contextworker.core.errors import ConfigurationError
from contextworker.core.logs.redaction import conceal
from contextworker.gardener.enrichers.problems import problem

Task = Literal["taxonomy", "ner", "params", "tech"]
"""What a language model can be asked."""

_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^\S+$")]
_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
_Price = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
_NEAR_SUFFIXES: Final = (".localhost", ".local", ".internal", ".svc", ".svc.cluster.local")


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _path(value: Any, info: ValidationInfo) -> Any:
    return Path(value) if isinstance(value, str) and info.mode == "python" else value


class LlmConfig(BaseModel):
    """Which model is asked about what, how, and what it costs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    # Before base_url, which is checked against it.
    allow_plain_http: bool = Field(
        default=False, description="Let http:// go beyond the own machine and private networks."
    )
    base_url: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = Field(
        description="Of a server that speaks OpenAI's chat completions, such as https://…/v1."
    )
    model: _Name = Field(description="As the server calls it.")
    input_usd_per_million: _Price = Field(description="Price of tokens sent; 0 on own hardware.")
    output_usd_per_million: _Price = Field(description="Price of tokens answered.")
    api_key_env: _Variable | None = Field(
        default=None,
        description="The variable that holds the key; left out for a server that asks for none.",
    )
    tasks: Annotated[tuple[Task, ...], BeforeValidator(_tuple)] = Field(
        default=("taxonomy", "ner"), min_length=1, description="What it is asked about."
    )
    batch: int = Field(default=10, ge=1, le=50, description="Products in one request.")
    output: Literal["tool", "json_schema", "prompt"] = Field(
        default="tool",
        description="How it is made to answer in shape: by calling a tool, which most servers "
        "know; by response_format; or by being told in words.",
    )
    candidates: int = Field(
        default=12, ge=1, le=100, description="Categories that are offered for each product."
    )
    max_output_tokens: int = Field(
        default=4096, ge=64, le=200_000, description="Of one request's answer."
    )
    output_limit: Literal["max_completion_tokens", "max_tokens"] = Field(
        default="max_completion_tokens",
        description="How the server calls that limit: OpenAI the first, many others the second.",
    )
    timeout_s: float = Field(
        default=120, gt=0, le=600, description="For a whole answer, however slowly it comes."
    )
    attempts: int = Field(
        default=4, ge=1, le=10, description="Requests about the same products, until one answers."
    )
    longest_pause_s: float = Field(
        default=60, ge=0, le=600, description="Between two attempts, whatever the server asks for."
    )
    prompts: Annotated[Path | None, BeforeValidator(_path)] = Field(
        default=None, description="Folder of taxonomy.md, ner.md … in place of the packaged ones."
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str, info: ValidationInfo) -> str:
        try:
            url = urlsplit(value)
            host, _ = url.hostname, url.port
        except ValueError as error:
            raise _wrong(f"it is no address: {error}") from None
        if url.username is not None or url.password is not None:
            # No ValueError: Pydantic, and whoever words its errors, would show the value.
            raise ConfigurationError(
                "the base_url of a language model holds a user or password: leave them out, and "
                "name the variable that holds the key in api_key_env"
            )
        if url.scheme not in {"http", "https"} or not host:
            raise _wrong("it is no address: write https://HOST/v1, or http:// on this machine")
        if url.query or url.fragment:
            raise _wrong("it ends with its path, such as /v1, without ? and #")
        if url.scheme == "http" and not info.data.get("allow_plain_http") and not _is_near(host):
            raise _wrong(
                "the key and the products would travel unencrypted: write https://, or "
                "allow_plain_http = true where the network itself is trusted"
            )
        return value.rstrip("/")

    @field_validator("tasks")
    @classmethod
    def _once_each(cls, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
        return tuple(dict.fromkeys(tasks))

    @property
    def source(self) -> str:
        """Who answers, as it stands in results."""
        return f"llm:{self.model}"

    def api_key(self, environment: Mapping[str, str] = os.environ) -> str | None:
        """Return the key, or None for a server that asks for none.

        Raises:
            ConfigurationError: The variable is not set; names it.
        """
        if self.api_key_env is None:
            return None
        key = environment.get(self.api_key_env, "").strip()
        if not key:
            raise ConfigurationError(
                f"the language model {self.model} needs a key: set {self.api_key_env} in the "
                "worker's environment, or take api_key_env out of the configuration if its server "
                "asks for none"
            )
        if not (key.isascii() and key.isprintable()):
            raise ConfigurationError(
                f"{self.api_key_env} holds no key: it has characters that no HTTP header may carry"
            )
        conceal(key)
        return key


def read_llm(table: Mapping[str, Any]) -> LlmConfig:
    """Validate the table of a tenant's configuration.

    Raises:
        ConfigurationError: A key is unknown, missing or wrong; says which.
    """
    try:
        return LlmConfig.model_validate(dict(table))
    except ValidationError as error:
        if error.errors()[0]["loc"] == ("api_key_env",):  # never shown: it may be the key
            raise ConfigurationError(
                "api_key_env is no name of a variable: write the name, of letters, digits and _, "
                "and set the variable to the key"
            ) from None
        raise ConfigurationError(problem(error, LlmConfig)) from None


def _wrong(reason: str) -> PydanticCustomError:
    # Unlike a ValueError's, its words are shown as they are.
    return PydanticCustomError("base_url", "{reason}", {"reason": reason})


def _is_near(host: str) -> bool:
    """Tell whether a host is on this machine or in a private network, as far as its name says."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name without a dot is a container's or a Kubernetes service's; none is public.
        return "." not in host or host.endswith(_NEAR_SUFFIXES)
    return address.is_loopback or (address.is_private and not address.is_unspecified)
