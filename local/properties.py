"""Pulumi's property values as plain Python, and back.

A property map travels as a ``google.protobuf.Struct``. What JSON has no word for is a map with a signature under a
reserved key (secrets, assets, outputs, references to resources), and a value not known yet is one of seven strings
(https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/properties.go).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from google.protobuf import struct_pb2

Value = Any
"""None, bool, int, float, str, a list, a dictionary, ``UNKNOWN`` or ``Secret``."""

Properties = dict[str, Value]
"""A property map as plain Python."""

Path = tuple[str | int, ...]
"""Keys and list positions from the root of a property map to one value."""


class _Unknown(Enum):
    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN
"""A value that is known only after the resource it comes from was made."""


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in its state and never shows."""

    value: Value

    def __repr__(self) -> str:
        return "Secret(...)"


class PropertyError(ValueError):
    """A value that the protocol cannot carry, or that a plugin of this project does not take."""


_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a marker of the protocol)
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
_REFUSED = {
    "c44067f5952c0a294b673a41bacd8c17": "an asset",
    "0def7320c3a5731c473e5ecbe6d01bc7": "an archive",
}
_UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        _UNKNOWN_TEXT,
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""One for each type a value will have: bool, number, string, array, asset, archive, object."""

_EXACT = 2**53
"""Whole numbers up to here survive the protocol, which knows only double-precision floats."""


def decode(struct: struct_pb2.Struct) -> Properties:
    """A property map as Python values, secrets as ``Secret``; whole numbers come back as ``int``."""
    return {key: _decode(value, key) for key, value in struct.fields.items()}


def _decode(value: struct_pb2.Value, where: str) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) <= _EXACT else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item, f"{where}[{index}]") for index, item in enumerate(value.list_value.values)]
    if kind == "struct_value":
        return _decode_map(value.struct_value, where)
    return None


def _decode_map(struct: struct_pb2.Struct, where: str) -> Value:
    if _SIGNATURE not in struct.fields:
        return {key: _decode(value, f"{where}.{key}") for key, value in struct.fields.items()}
    signature = struct.fields[_SIGNATURE].string_value
    if signature == _SECRET:
        return Secret(_decode(struct.fields["value"], where))
    if signature == _OUTPUT:
        # An output without a value is one that is not known yet. What it depends on is the engine's business.
        value = _decode(struct.fields["value"], where) if "value" in struct.fields else UNKNOWN
        secret = "secret" in struct.fields and struct.fields["secret"].bool_value
        return Secret(value) if secret else value
    if signature == _RESOURCE:
        if "id" not in struct.fields:
            return struct.fields["urn"].string_value
        # A resource whose id is not known yet is referred to with an empty one.
        return _decode(struct.fields["id"], where) or UNKNOWN
    named = _REFUSED.get(signature, f"a value with signature {signature}")
    raise PropertyError(f"{where} is {named}, which this provider does not take: give its content as a string instead")


def encode(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """Python values as a property map; a value that JSON could not hold is an error naming its path."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _encode(value, struct.fields[key], key)
    return struct


def _encode(value: Value, target: struct_pb2.Value, where: str) -> None:
    if value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        if not math.isfinite(value):
            raise PropertyError(f"{where} is {value}, which is no number that can be sent")
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif value is UNKNOWN:
        target.string_value = _UNKNOWN_TEXT
    elif isinstance(value, Secret):
        fields = target.struct_value.fields
        fields[_SIGNATURE].string_value = _SECRET
        _encode(value.value, fields["value"], where)
    elif isinstance(value, Mapping):
        # An empty map must be there as well as a full one.
        target.struct_value.SetInParent()
        for key, item in value.items():
            _encode(item, target.struct_value.fields[key], f"{where}.{key}")
    elif isinstance(value, list | tuple):
        target.list_value.SetInParent()
        for index, item in enumerate(value):
            _encode(item, target.list_value.values.add(), f"{where}[{index}]")
    else:
        raise PropertyError(f"{where} is a {type(value).__name__}, which a property cannot be")


def split_secrets(value: Value) -> tuple[Value, frozenset[Path]]:
    """The value without its ``Secret`` wrappers, and where they were."""
    paths: set[Path] = set()

    def plain(each: Value, path: Path) -> Value:
        if isinstance(each, Secret):
            paths.add(path)
            return plain(each.value, path)
        if isinstance(each, dict):
            return {key: plain(item, (*path, key)) for key, item in each.items()}
        if isinstance(each, list):
            return [plain(item, (*path, index)) for index, item in enumerate(each)]
        return each

    return plain(value, ()), frozenset(paths)


def mark_secrets(value: Value, paths: Iterable[Path]) -> Value:
    """The value with ``Secret`` around what lies at ``paths``; a list too short for a position is secret as a whole."""
    marked = value
    for path in paths:
        marked = _mark(marked, path)
    return marked


def _mark(value: Value, path: Path) -> Value:
    if isinstance(value, Secret):
        return value
    if not path:
        return Secret(value)
    step, rest = path[0], path[1:]
    if isinstance(step, str) and isinstance(value, dict):
        return {**value, step: _mark(value[step], rest)} if step in value else value
    if isinstance(step, int) and isinstance(value, list):
        if step < len(value):
            return [*value[:step], _mark(value[step], rest), *value[step + 1 :]]
        return Secret(value)
    # The value has another shape than the one that held the secret, so that nothing of it can be trusted to be public.
    return Secret(value)
