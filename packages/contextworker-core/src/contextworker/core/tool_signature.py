"""What a tool takes: its arguments, checked against its function's annotations."""

import builtins
import inspect
import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any, Final, Self

from pydantic import JsonValue, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic_core import to_json

from contextworker.core.errors import ConfigurationError
from contextworker.core.tools import LONGEST_TIMEOUT_S, Tool, ToolContext

_NOT_FIRST: Final = (Parameter.VAR_POSITIONAL, Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class BoundCall:
    """What a tool's function is called with, the context aside."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class ToolSignature:
    """A tool's own parameters, the context left out, and what checks a value of each."""

    name: str
    signature: Signature
    checks: Mapping[str, TypeAdapter[Any]]

    @classmethod
    def of(cls, tool: Tool) -> Self:
        """Read a tool's signature.

        Raises:
            ConfigurationError: Code could not call it: its name is none or Python's, it is not
                async, it does not take a ToolContext first, or has a parameter that no JSON value
                can be.
        """
        name = tool.called
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ConfigurationError(
                f"the tool of {tool.function!r} is called {name!r}, which is no name that code "
                "could call; give it another one by Tool(…, name=…)"
            )
        if getattr(getattr(builtins, name, None), "__module__", "") == builtins.__name__:
            raise ConfigurationError(
                f"the tool {name} is called like a function of Python's own, which code would call "
                "instead; give it another name by Tool(…, name=…)"
            )
        if not 0 < tool.timeout_s <= LONGEST_TIMEOUT_S:
            raise ConfigurationError(
                f"the tool {name} has a timeout_s of {tool.timeout_s:g}; it may be anything above "
                f"0 and up to {LONGEST_TIMEOUT_S:g}"
            )
        if not inspect.iscoroutinefunction(tool.function):
            raise ConfigurationError(
                f"the tool {name} is not async: define it with `async def`, and await in it what "
                "takes time"
            )
        own = _parameters(name, tool)
        first = own.pop(0) if own else None
        if first is None or first.annotation is not ToolContext or first.kind in _NOT_FIRST:
            found = f"is {str(first)!r}" if first else "is missing"
            raise ConfigurationError(
                f"the first parameter of the tool {name} {found}; make it `context: ToolContext`, "
                "by which the tool knows its tenant"
            )
        checks = {one.name: _check(name, one) for one in own}
        return cls(name, Signature(own), checks)

    def bind(self, args: Sequence[JsonValue], kwargs: Mapping[str, JsonValue]) -> BoundCall:
        """Check the arguments of a call.

        Raises:
            TypeError: One is missing, is not known, or has a wrong type; the sentence names it.
            ValueError: One has a value that it may not have.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}(): {error}") from None
        for name, value in bound.arguments.items():
            check = self.checks[name]
            match self.signature.parameters[name].kind:
                case Parameter.VAR_POSITIONAL:
                    bound.arguments[name] = tuple(
                        self._checked(f"{name}[{index}]", item, check)
                        for index, item in enumerate(value)
                    )
                case Parameter.VAR_KEYWORD:
                    bound.arguments[name] = {
                        key: self._checked(key, item, check) for key, item in value.items()
                    }
                case _:
                    bound.arguments[name] = self._checked(name, value, check)
        return BoundCall(bound.args, bound.kwargs)

    def _checked(self, argument: str, value: JsonValue, check: TypeAdapter[Any]) -> Any:
        # As JSON: there, strict still takes a text for a date or a choice, but none for a number.
        try:
            text = to_json(value, inf_nan_mode="constants")
        except ValueError as error:
            raise ValueError(f"{self.name}(): {argument}: {error}") from None
        try:
            return check.validate_json(text, strict=True)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False)
            kind = TypeError if all(one["type"].endswith("_type") for one in problems) else None
            said = "; ".join(dict.fromkeys(_said(argument, one) for one in problems))
            raise (kind or ValueError)(f"{self.name}(): {said}") from None


def _parameters(name: str, tool: Tool) -> list[Parameter]:
    try:
        return list(inspect.signature(tool.function, eval_str=True).parameters.values())
    except Exception as error:
        raise ConfigurationError(
            f"the annotations of the tool {name} cannot be read: {error}; import what they name "
            "at run time, not for type checking only"
        ) from error


def _check(name: str, parameter: Parameter) -> TypeAdapter[Any]:
    annotation = Any if parameter.annotation is Parameter.empty else parameter.annotation
    try:
        return TypeAdapter(annotation)
    except (PydanticUserError, PydanticUndefinedAnnotation, TypeError) as error:
        raise ConfigurationError(
            f"the parameter {parameter.name} of the tool {name} is annotated {annotation!r}, which "
            "no JSON value can be checked against; use a type that Pydantic knows"
        ) from error


def _said(argument: str, problem: Any) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    return f"{argument}{path}: {problem['msg'].replace('Input should be', 'must be', 1)}"
