"""What separates a resource from new inputs, and whether the cloud can change it in place."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local.oci.kinds import Kind, kind_of
from local.oci.paths import above, value_at
from local.properties import UNKNOWN
from local.provider import Difference, compare


def difference(token: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    """Property by property; the order within a set does not count, nor does null against absent."""
    kind = kind_of(token)
    changes = {
        path: replace(change, replace=_forces(kind, path, old, new))
        for path, change in compare(_normal(old, kind, ""), _normal(new, kind, "")).items()
    }
    replaced = any(change.replace for change in changes.values())
    # A name that is given and stays is taken until the old resource is gone.
    name_stays = kind.named and old.get("name") is not None and old.get("name") == new.get("name")
    return Difference(changes, delete_before_replace=replaced and name_stays)


def _forces(kind: Kind, path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the change is at or below a path that replaces, or above one and takes it along."""
    plain = above(path)
    for each in kind.force_new:
        if plain == each or plain.startswith(f"{each}."):
            return True
        if each.startswith(f"{plain}.") and compare(value_at(old, each), value_at(new, each)):
            return True
    return False


def _normal(value: Any, kind: Kind, path: str) -> Any:  # noqa: ANN401 (any JSON value)
    if isinstance(value, Mapping):
        return {
            key: _normal(item, kind, f"{path}.{key}" if path else key)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        items = [_normal(item, kind, path) for item in value]
        return sorted(items, key=_order) if path in kind.sets else items
    return value


def _order(item: object) -> str:
    return json.dumps(item, sort_keys=True, default=lambda unknown: str(unknown is UNKNOWN))
