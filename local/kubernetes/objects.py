"""What an object is called and where it lives, and its form on the wire against its form in a Pulumi program."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from local.properties import UNKNOWN, Value

Manifest = dict[str, Any]

ANNOTATION = "pulumi.com/"
AUTONAMED = f"{ANNOTATION}autonamed"
SKIP_AWAIT = f"{ANNOTATION}skipAwait"
TIMEOUT_SECONDS = f"{ANNOTATION}timeoutSeconds"
PATCH_FORCE = f"{ANNOTATION}patchForce"
PATCH_MANAGER = f"{ANNOTATION}patchFieldManager"
PROPAGATION = f"{ANNOTATION}deletionPropagationPolicy"
WAIT_FOR = f"{ANNOTATION}waitFor"

MANAGER_KEY = "__fieldManager"
INITIAL_VERSION_KEY = "__initialApiVersion"
"""Outputs under these names are the official plugin's own, so that either plugin goes on from the other's state."""

SERVER_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
)
SERVER_METADATA_IDENTITY = ("resourceVersion", "selfLink", "uid")

_TO_WIRE = {
    f"x_kubernetes_{name}": f"x-kubernetes-{name.replace('_', '-')}"
    for name in (
        "embedded_resource",
        "int_or_string",
        "list_map_keys",
        "list_type",
        "map_type",
        "preserve_unknown_fields",
        "validations",
    )
}
_FROM_WIRE = {wire: program for program, wire in _TO_WIRE.items()}


@dataclass(frozen=True)
class Kind:
    """A kind by its apiVersion (``apps/v1``, ``v1``) and name; ``patch`` where only some fields of it are managed."""

    api_version: str
    kind: str
    patch: bool = False

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.partition("/")[0] if "/" in self.api_version else ""


def kind_of(token: str, manifest: Mapping[str, Any]) -> Kind:
    """The kind that a type token and a program's inputs name; the inputs win, for a token cannot name every group."""
    _, group_version, token_kind = token.split(":", 2)
    api_version = manifest.get("apiVersion") or group_version.removeprefix("core/")
    kind = manifest.get("kind") or token_kind.removesuffix("Patch")
    return Kind(str(api_version), str(kind), patch=token_kind == f"{kind}Patch")


def metadata_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata; empty where there is none."""
    metadata = manifest.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def annotation(manifest: Mapping[str, Any], name: str) -> str | None:
    """The value of an annotation, None where it is missing or not known yet."""
    annotations = metadata_of(manifest).get("annotations")
    value = annotations.get(name) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else None


def annotated(manifest: Mapping[str, Any], name: str) -> bool:
    """Whether an annotation is ``true``."""
    return (annotation(manifest, name) or "").lower() == "true"


def make_id(namespace: str | None, name: str) -> str:
    """A Pulumi id: ``namespace/name``, or ``name`` outside namespaces."""
    return f"{namespace}/{name}" if namespace else name


def parse_id(resource_id: str) -> tuple[str | None, str]:
    """Namespace and name of a Pulumi id."""
    namespace, slash, name = resource_id.rpartition("/")
    return (namespace if slash else None), name


def field_manager(urn: str, manifest: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
    """The field manager for a resource: as annotated, else as it was, else one that is this resource's alone.

    It is derived from the URN so that an object made by a run that was killed before its state was written is
    recognised as ours by the next run.
    """
    given = annotation(manifest, PATCH_MANAGER) or outputs.get(MANAGER_KEY)
    return str(given) if given else f"pulumi-pixel-{hashlib.sha256(urn.encode()).hexdigest()[:12]}"


def with_name(urn: str, news: Manifest, olds: Mapping[str, Any]) -> Manifest:
    """``news`` with a name: its own, the one given before, or a new one of the resource's name or ``generateName``."""
    metadata = metadata_of(news)
    if metadata.get("name"):
        return news
    old = metadata_of(olds)
    if annotated(olds, AUTONAMED) and metadata.get("generateName") == old.get("generateName"):
        name = old["name"]
    elif metadata.get("generateName") is UNKNOWN:
        name = UNKNOWN
    elif metadata.get("generateName"):
        # Server-side apply needs a name; the API server makes one in the same way.
        name = metadata["generateName"] + "".join(secrets.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(5))
    else:
        name = f"{urn.rsplit('::', 1)[-1]}-{secrets.token_hex(4)}"
    annotations = metadata.get("annotations")
    marked = {**(annotations if isinstance(annotations, dict) else {}), AUTONAMED: "true"}
    return {**news, "metadata": {**metadata, "name": name, "annotations": marked}}


def has_unknown(value: Value) -> bool:
    """Whether something in a value is not known yet."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def to_wire(inputs: Mapping[str, Any], namespace: str | None, name: str) -> Manifest:
    """The manifest to apply: keys as the API spells them, nulls and what only the server sets left out.

    A Secret's ``stringData`` becomes ``data``: a key dropped from write-only ``stringData`` would stay in the object.
    """
    manifest: Manifest = _rename(inputs, _TO_WIRE, drop_null=True)
    manifest.pop("status", None)
    metadata = {
        key: value
        for key, value in metadata_of(manifest).items()
        if key not in SERVER_METADATA and key not in SERVER_METADATA_IDENTITY
    }
    metadata.pop("namespace", None)
    metadata["name"] = name
    if namespace:
        metadata["namespace"] = namespace
    manifest["metadata"] = metadata
    if manifest.get("apiVersion") == "v1" and manifest.get("kind") == "Secret":
        text = manifest.pop("stringData", None)
        if text:
            encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in text.items()}
            manifest["data"] = {**(manifest.get("data") or {}), **encoded}
    return manifest


def from_wire(live: Mapping[str, Any]) -> Manifest:
    """A live object as a program sees it; the record of who manages what is left out."""
    manifest: Manifest = _rename(live, _FROM_WIRE, drop_null=False)
    manifest["metadata"] = {key: value for key, value in metadata_of(manifest).items() if key != "managedFields"}
    return manifest


def imported_inputs(live: Mapping[str, Any]) -> Manifest:
    """Inputs for an object that no program described: all of it but what the server sets."""
    inputs = from_wire(live)
    inputs.pop("status", None)
    unset = {*SERVER_METADATA, *SERVER_METADATA_IDENTITY}
    inputs["metadata"] = {key: value for key, value in metadata_of(inputs).items() if key not in unset}
    return inputs


def preview_outputs(inputs: Mapping[str, Any]) -> Manifest:
    """Outputs of a resource that a preview would create: what the cluster decides is not known yet."""
    outputs: Manifest = deepcopy(dict(inputs))
    decided = dict.fromkeys(("uid", "resourceVersion", "creationTimestamp", "generation"), UNKNOWN)
    metadata = outputs.get("metadata")
    outputs["metadata"] = {**metadata, **decided} if isinstance(metadata, dict) else metadata
    outputs["status"] = UNKNOWN
    if outputs.get("kind") == "Service" and isinstance(outputs.get("spec"), dict):
        outputs["spec"] = {"clusterIP": UNKNOWN, "clusterIPs": UNKNOWN, **outputs["spec"]}
    return outputs


def overlay(old: Value, new: Value) -> Value:
    """``new`` over ``old``: maps merged, everything else replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: overlay(old.get(key), value) for key, value in new.items()}}
    return new


def _rename(value: Value, names: Mapping[str, str], *, drop_null: bool) -> Value:
    if isinstance(value, Mapping):
        return {
            names.get(key, key): _rename(item, names, drop_null=drop_null)
            for key, item in value.items()
            if not (drop_null and item is None)
        }
    if isinstance(value, list):
        return [_rename(item, names, drop_null=drop_null) for item in value]
    return value
