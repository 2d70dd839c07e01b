"""The page of services and messages: from the contracts' descriptors, with their comments."""

import tempfile
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    SourceCodeInfo,
)
from grpc_tools import protoc  # type: ignore[import-untyped] # has none

PROTO = Path(__file__).parents[2] / "proto"
_HEAD = """# The wire

Written from `proto/`: services first, then what they carry. A shape such as `{workflow_id,
run_id?}` is of a unit's payload; `?` marks what may be left out. [The
gateway](../members/gateway.md#the-rpcs) says what each field means, and [which error comes
when](../members/gateway.md#errors).
[Workflow types](payloads.md) has the fields of each `StartWorkflow`.
"""
# Field numbers in descriptor.proto, by which comments name what they belong to.
_MESSAGE, _ENUM, _SERVICE, _PART = 4, 5, 6, 2


def page() -> str:
    """Return the page."""
    contracts = [each for each in _descriptors().file if not each.name.startswith("google/")]
    contracts.sort(key=lambda contract: (not contract.service, contract.name != "worker.proto"))
    return "\n".join([_HEAD, *map(_contract, contracts)])


def _descriptors() -> FileDescriptorSet:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "contracts")
        includes = [f"-I{PROTO}", f"-I{files('grpc_tools') / '_proto'}"]
        contracts = [str(path) for path in sorted(PROTO.glob("*.proto"))]
        output = ["--include_source_info", f"--descriptor_set_out={target}"]
        if code := protoc.main(["protoc", *includes, *output, *contracts]):
            raise RuntimeError(f"protoc ended with {code}")
        return FileDescriptorSet.FromString(target.read_bytes())


def _contract(contract: FileDescriptorProto) -> str:
    said = {tuple(place.path): place for place in contract.source_code_info.location}
    lines = [f"## {contract.name}", "", f"Package `{contract.package}`.", ""]
    for index, service in enumerate(contract.service):
        lines += [f"### {service.name}", ""]
        for place, method in enumerate(service.method):
            lines += _method(method, said.get((_SERVICE, index, _PART, place)))
    for index, message in enumerate(contract.message_type):
        lines += _message(message, index, said)
    for index, enum in enumerate(contract.enum_type):
        lines += _enum(enum, said.get((_ENUM, index)))
    return "\n".join(lines)


def _method(method: MethodDescriptorProto, place: SourceCodeInfo.Location | None) -> list[str]:
    stream = "stream of " if method.server_streaming else ""
    lines = [
        f"#### {method.name}",
        "",
        f"`{method.input_type.lstrip('.')}` → {stream}`{method.output_type.lstrip('.')}`",
        "",
    ]
    if comment := _comment(place):
        lines += ["```text", comment, "```", ""]
    return lines


def _message(
    message: DescriptorProto, index: int, said: dict[tuple[int, ...], SourceCodeInfo.Location]
) -> list[str]:
    lines = [f"### {message.name}", ""]
    if comment := _comment(said.get((_MESSAGE, index))):
        lines += [comment, ""]
    lines += ["| number | field | type | |", "|---|---|---|---|"]
    for place, field in enumerate(message.field):
        comment = _comment(said.get((_MESSAGE, index, _PART, place)))
        lines.append(f"| {field.number} | `{field.name}` | {_type(field)} | {comment} |")
    return [*lines, ""]


def _enum(enum: EnumDescriptorProto, place: SourceCodeInfo.Location | None) -> list[str]:
    values = ", ".join(f"`{value.name}` ({value.number})" for value in enum.value)
    return [f"### {enum.name}", "", _comment(place), "", values + ".", ""]


def _type(field: FieldDescriptorProto) -> str:
    kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    named = f"`{field.type_name.lstrip('.')}`" if field.type_name else kind
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    return f"list of {named}" if repeated else named


def _comment(place: SourceCodeInfo.Location | None) -> str:
    if place is None:
        return ""
    said = place.leading_comments or place.trailing_comments
    return "\n".join(line.removeprefix(" ") for line in said.strip("\n").splitlines()).strip()
