"""What is not confined about a container: of the program's own pods, and of charts as far as their values show it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

QUALIFIED = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?/[a-z0-9/._-]+(:[\w.-]+|@sha256:[0-9a-f]{64})")
OURS = re.compile(r"localhost/pixel/[a-z]+:[\w.-]+")
"""What the local stack builds, and no registry has."""
MOVING = re.compile(r"latest|stable|main|master|edge|nightly")
_SECRET = re.compile(r"secretKeyRef|secretRef")
_ENVIRONMENT = re.compile(r"(extra)?env(vars?|from|valuefrom|fromsecrets?)?|extraenv(vars)?", re.IGNORECASE)


def of_container(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    """What is not as it should be, in the words of the tables."""
    security = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") == 0:
        yield "may be root"
    if security.get("privileged"):
        yield "privileged"
    elif security.get("allowPrivilegeEscalation") is not False:
        yield "may escalate"
    if security.get("capabilities") != {"drop": ["ALL"]} and not security.get("privileged"):
        yield "capabilities"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "writes its image"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "any system call"
    resources = container.get("resources", {})
    for kind in ("requests", "limits"):
        if not {"cpu", "memory"} <= set(resources.get(kind, {})):
            yield f"no {kind}"
    if "envFrom" in container or _SECRET.search(str(container.get("env", []))):
        yield "secret in its environment"
    image = container["image"]
    if not (QUALIFIED.fullmatch(image) or OURS.fullmatch(image)) or MOVING.fullmatch(image.rpartition(":")[2]):
        yield "image not pinned"
    if token_of(container, pod):
        yield "token"
    if any("hostPort" in port for port in container.get("ports", [])) and not pod.get("hostNetwork"):
        yield "port of its node"


def token_of(container: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Whether a container can read a service account's token."""
    projected = {each["name"] for each in pod.get("volumes", []) if "serviceAccountToken" in str(each)}
    mounted = {each["name"] for each in container.get("volumeMounts", [])}
    return pod.get("automountServiceAccountToken") is not False or bool(projected & mounted)


def of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    """What a pod shares with its node."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    if any("hostPath" in each for each in pod.get("volumes", [])):
        yield "hostPath"


def of_values(values: Mapping[str, Any], off: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Dotted path and finding, of a chart's values as Helm merges them.

    A part that is not `enabled` says nothing, nor do those that `off` names.
    """

    def walk(at: object, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(at, list):
            for i, each in enumerate(at):
                yield from walk(each, f"{path}[{i}]")
        if not isinstance(at, Mapping) or at.get("enabled") is False or path in off:
            return
        for key, value in at.items():
            below = f"{path}.{key}".lstrip(".")
            for finding in _of_key(key, value):
                yield below, finding
            yield from walk(value, below)

    yield from walk(values, "")


def _of_key(key: str, value: object) -> Iterator[str]:
    if _ENVIRONMENT.fullmatch(key) and _SECRET.search(str(value)):
        yield "secret in its environment"
    if key in ("hostNetwork", "hostPID", "hostIPC") and value is True:
        yield key
    if not isinstance(value, Mapping):
        return
    if key == "resources":
        yield from _of_resources(value)
    elif key.lower().endswith("securitycontext"):
        yield from _of_security(value)
    elif value.get("repository"):
        yield from _of_image(value)


def _of_resources(resources: Mapping[str, Any]) -> Iterator[str]:
    if resources and not {"limits", "requests"} & set(resources):
        # Of several parts, each below its name.
        for each in resources.values():
            yield from _of_resources(each)
    elif not {"cpu", "memory"} <= set(resources.get("limits") or {}):
        yield "no limits"


def _of_security(security: Mapping[str, Any]) -> Iterator[str]:
    if security.get("runAsUser") == 0 or security.get("runAsNonRoot") is False:
        yield "may be root"
    if security.get("privileged"):
        yield "privileged"
    if security.get("allowPrivilegeEscalation"):
        yield "may escalate"
    if (security.get("capabilities") or {}).get("add"):
        yield "capabilities"


def _of_image(image: Mapping[str, Any]) -> Iterator[str]:
    name = "/".join(filter(None, (image.get("registry"), image["repository"])))
    # No tag is the chart's own application version, which its version pins.
    tag = image.get("tag") or image.get("digest") or "chart"
    if not QUALIFIED.fullmatch(f"{name}:{tag}") or MOVING.match(str(tag)):
        yield "image not pinned"
