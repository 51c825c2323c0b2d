"""What Prometheus' Kubernetes discovery finds in a cluster, from the cluster's objects.

Debian builds Prometheus without that discovery, so a test does its work and hands the result over in files. Roles and
labels: https://prometheus.io/docs/prometheus/2.42/configuration/configuration/#kubernetes_sd_config
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Object = Mapping[str, Any]
META = "__meta_kubernetes_"
RESOURCES = ("pods", "services", "endpoints", "nodes")
"""What is read of the core API."""


@dataclass(frozen=True)
class Target:
    """One address, with the labels that Prometheus' Kubernetes discovery would know of it."""

    found_by: str
    """A role of discovery, or a monitor."""
    address: str
    labels: Mapping[str, str]


def write_targets(folder: Path, targets: list[Target]) -> None:
    """Tell a running Prometheus what there is; it takes notice at once."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for target in targets:
        group = {"targets": [target.address], "labels": dict(target.labels)}
        groups.setdefault(target.found_by, []).append(group)
    for found_by, its in groups.items():
        path = folder / f"targets-{found_by}.json"
        path.with_suffix(".new").write_text(json.dumps(its))
        path.with_suffix(".new").replace(path)


def found_in(folder: Path, found_by: str) -> dict[str, list[str]]:
    """Where Prometheus reads what was written, as its configuration says it."""
    return {"files": [str(folder / f"targets-{found_by}.json")]}


def discovered(read: Callable[[str], Sequence[Object]]) -> list[Target]:
    """Everything, by role; ``read`` lists one resource in all namespaces."""
    found = {resource: read(resource) for resource in RESOURCES}
    services = {_key(each["metadata"]): each for each in found["services"]}
    pods = {_key(each["metadata"]): each for each in found["pods"]}
    return [
        *(Target("node", address, labels) for node in found["nodes"] for address, labels in _node(node)),
        *(Target("pod", address, labels) for pod in found["pods"] for address, labels in _pod(pod)),
        *(
            Target("endpoints", address, labels)
            for each in found["endpoints"]
            for address, labels in _endpoints(each, services.get(_key(each["metadata"])), pods)
        ),
    ]


Found = Iterator[tuple[str, dict[str, str]]]


def _node(node: Object) -> Found:
    (address,) = [each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"]
    port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    yield f"{address}:{port}", _labels("node", node["metadata"]) | {f"{META}node_address_InternalIP": address}


def _pod(pod: Object) -> Found:
    """One for each declared port of each container; init containers are containers here."""
    if not (address := pod["status"].get("podIP")):
        return
    about = _about_pod(pod)
    for container in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())):
        init = container not in pod["spec"]["containers"]
        for port in container.get("ports", ()):
            yield (
                f"{address}:{port['containerPort']}",
                about
                | {
                    f"{META}pod_container_name": container["name"],
                    f"{META}pod_container_init": str(init).lower(),
                    f"{META}pod_container_port_name": port.get("name", ""),
                },
            )


def _endpoints(endpoints: Object, service: Object | None, pods: Mapping[tuple[str, str], Object]) -> Found:
    """One for each address and port, with what is known of its service and its pod; no init container is looked at."""
    about = _labels("service", service["metadata"]) if service else {}
    about[f"{META}namespace"] = endpoints["metadata"]["namespace"]
    for subset in endpoints.get("subsets", ()):
        for ready, kind in ((True, "addresses"), (False, "notReadyAddresses")):
            for address in subset.get(kind, ()):
                target = address.get("targetRef", {})
                pod = pods.get(_key(target)) if target.get("kind") == "Pod" else None
                for port in subset.get("ports", ()):
                    labels = about | {
                        f"{META}endpoint_port_name": port.get("name", ""),
                        f"{META}endpoint_ready": str(ready).lower(),
                    }
                    if pod:
                        labels |= _about_pod(pod) | _container(pod, port["port"])
                    yield f"{address['ip']}:{port['port']}", labels


def _container(pod: Object, number: int) -> dict[str, str]:
    for container in pod["spec"]["containers"]:
        if number in [port["containerPort"] for port in container.get("ports", ())]:
            return {f"{META}pod_container_name": container["name"]}
    return {}


def _about_pod(pod: Object) -> dict[str, str]:
    return _labels("pod", pod["metadata"]) | {
        f"{META}namespace": pod["metadata"]["namespace"],
        f"{META}pod_node_name": pod["spec"].get("nodeName", ""),
        f"{META}pod_phase": pod["status"]["phase"],
    }


def _labels(kind: str, metadata: Object) -> dict[str, str]:
    """An object's name and its own labels."""
    found = {f"{META}{kind}_name": metadata["name"]}
    for name, value in metadata.get("labels", {}).items():
        found[f"{META}{kind}_label_{word(name)}"] = value
        found[f"{META}{kind}_labelpresent_{word(name)}"] = "true"
    return found


def word(label: str) -> str:
    """A label's name as Prometheus spells it."""
    return "".join(character if character.isalnum() else "_" for character in label)


def _key(metadata: Object) -> tuple[str, str]:
    return metadata.get("namespace", ""), metadata.get("name", "")
