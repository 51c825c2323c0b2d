"""Who manages which fields of an object (``metadata.managedFields``, format FieldsV1), and what an apply would change.

The format: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from collections.abc import Mapping
from typing import Any

from local.kubernetes.objects import SERVER_METADATA, SERVER_METADATA_IDENTITY, Manifest, metadata_of
from local.properties import Value

FieldSet = Mapping[str, Any]
"""A FieldsV1 tree: ``f:name`` a field, ``k:{…}`` a list item by its key, ``v:…`` a list item by value, ``.`` itself."""

MERGE_KEYS = (
    "name",
    "key",
    "containerPort",
    "port",
    "mountPath",
    "devicePath",
    "ip",
    "type",
    "topologyKey",
    "uid",
    "kind",
)
"""The fields by which Kubernetes' own lists tell their items apart."""


def applied_fields(live: Mapping[str, Any], manager: str) -> FieldSet:
    """What ``manager`` owns by apply; empty where it never applied anything."""
    for entry in metadata_of(live).get("managedFields") or ():
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            fields: FieldSet = entry.get("fieldsV1") or {}
            return fields
    return {}


def managers(live: Mapping[str, Any]) -> tuple[str, ...]:
    """Everybody who manages something of an object's main resource, sorted."""
    entries = metadata_of(live).get("managedFields") or ()
    return tuple(sorted({str(entry.get("manager")) for entry in entries if not entry.get("subresource")}))


def released(before: FieldSet, after: FieldSet) -> bool:
    """Whether something owned before is not owned after."""
    return any(key not in after or released(fields or {}, after[key] or {}) for key, fields in before.items())


def content(live: Mapping[str, Any]) -> Manifest:
    """What an apply can change: the object without its status and what the server alone writes."""
    unset = {*SERVER_METADATA, *SERVER_METADATA_IDENTITY}
    kept = {key: value for key, value in live.items() if key != "status"}
    kept["metadata"] = {key: value for key, value in metadata_of(live).items() if key not in unset}
    return kept


def changes_something(live: Mapping[str, Any], applied: Mapping[str, Any], manager: str) -> bool:
    """Whether an apply whose dry run gave ``applied`` would do anything to ``live``.

    The dry run keeps other managers' fields and the server's defaults as they are, so whatever differs is ours: a value
    to set, a value somebody else changed, a field dropped from the program. A field that stays because another manager
    shares it differs in its owners only.
    """
    if content(live) != content(applied):
        return True
    return released(applied_fields(live, manager), applied_fields(applied, manager))


def drifted(inputs: Value, applied: Value, live: Value) -> Value:
    """``inputs`` with the live value wherever ``live`` is not what an apply of them gives (``applied``).

    Where the server spells a value in its own way (``1000m`` as ``1``) both agree, and the program's spelling stays.
    """
    if applied == live:
        return inputs
    if isinstance(inputs, dict) and isinstance(applied, dict) and isinstance(live, dict):
        kept = {}
        for key, value in inputs.items():
            if key not in applied:
                kept[key] = value
            elif key in live:
                kept[key] = drifted(value, applied[key], live[key])
        return kept
    if isinstance(inputs, list) and isinstance(applied, list) and isinstance(live, list):
        return _drifted_list(inputs, applied, live)
    return live


def _drifted_list(inputs: list[Any], applied: list[Any], live: list[Any]) -> list[Any]:
    if len(inputs) == len(applied) == len(live):
        return [drifted(*items) for items in zip(inputs, applied, live, strict=True)]
    key = next((each for each in MERGE_KEYS if all(isinstance(item, dict) and each in item for item in inputs)), None)
    if key is None:
        return live
    by_key = [
        {item[key]: item for item in items if isinstance(item, dict) and key in item} for items in (applied, live)
    ]
    kept = []
    for item in inputs:
        now, there = by_key[0].get(item[key]), by_key[1].get(item[key])
        if there is not None:
            kept.append(drifted(item, now, there) if now is not None else item)
    return kept
