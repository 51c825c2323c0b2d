"""What the matchmaker uses of a Kubernetes API server, in memory: JSON patches with their tests, and watches."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from typing import Any

from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node, Pod

from signalling.kubernetes.api import Changed, ClaimRefused, Event, Kind, Listed, Removed

Object = dict[str, Any]


def pod(
    name: str,
    *,
    application: str = "demo",
    version: str = "v1",
    pool: str = "idle",
    ready: bool = True,
    address: str | None = "127.0.0.1",
    annotations: dict[str, str] | None = None,
    node: str | None = None,
) -> Object:
    labels = {"app.pixel/app": application, "app.pixel/version": version, "app.pixel/pool": pool}
    status: Object = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    if address is not None:
        status["podIP"] = address
    metadata: Object = {"name": name, "labels": labels}
    if annotations is not None:
        metadata["annotations"] = annotations
    found: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}
    return found if node is None else {**found, "spec": {"containers": [], "nodeName": node}}


def fleet(name: str, *, application: str = "demo", version: str = "v1", weight: str | None = "100") -> Object:
    metadata: Object = {"name": name, "labels": {"app.pixel/app": application, "app.pixel/version": version}}
    if weight is not None:
        metadata["annotations"] = {"app.pixel/weight": weight}
    spec: Object = {"selector": {}, "template": {}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def node(
    name: str,
    addresses: dict[str, str] | None = None,
    *,
    cordoned: bool = False,
    labels: dict[str, str] | None = None,
) -> Object:
    listed = [{"type": kind, "address": address} for kind, address in (addresses or {}).items()]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"app.pixel/turn": "true"} if labels is None else labels},
        "spec": {"unschedulable": True} if cordoned else {},
        "status": {"addresses": listed},
    }


def turn_pod(name: str, at: str | None, *, ready: bool = True, going: bool = False) -> Object:
    """coturn's pod on a node, or one that has none yet."""
    metadata: Object = {"name": name, "labels": {"app.kubernetes.io/name": "turn"}}
    if going:
        metadata["deletionTimestamp"] = "2026-11-28T12:00:00Z"
    spec: Object = {"containers": []} if at is None else {"containers": [], "nodeName": at}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"conditions": conditions}}


def as_pod(thing: Object) -> Pod:
    found = Pod.from_dict(thing)
    assert isinstance(found, Pod)
    return found


def as_deployment(thing: Object) -> Deployment:
    found = Deployment.from_dict(thing)
    assert isinstance(found, Deployment)
    return found


def as_node(thing: Object) -> Node:
    found = Node.from_dict(thing)
    assert isinstance(found, Node)
    return found


def patched(document: Object, operations: Sequence[Object]) -> Object:
    """The document after a JSON patch (RFC 6902: test, add, replace, remove); ClaimRefused when it does not apply."""
    result = copy.deepcopy(document)
    for operation in operations:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        parent = result
        for part in path:
            if not isinstance(parent.get(part), dict):
                raise ClaimRefused(operation["path"])
            parent = parent[part]
        exists = last in parent
        match operation["op"]:
            case "test":
                if not exists or parent[last] != operation["value"]:
                    raise ClaimRefused(operation["path"])
            case "replace" | "remove" if not exists:
                raise ClaimRefused(operation["path"])
            case "remove":
                del parent[last]
            case "add" | "replace":
                parent[last] = copy.deepcopy(operation["value"])
            case other:
                raise AssertionError(f"{other} is not used")
    return result


def merge(document: Object, change: Object) -> None:
    """A JSON merge patch (RFC 7396), in place."""
    for key, value in change.items():
        if isinstance(value, dict):
            merge(document.setdefault(key, {}), value)
        elif value is None:
            document.pop(key, None)
        else:
            document[key] = value


class TurnPod:
    """The kind of watch that sees coturn's pods."""


class MemoryCluster:
    """A ClusterApi over dictionaries, with a ready coturn on each of its nodes.

    ``before`` is awaited before each write: a test can order or fail them.
    """

    def __init__(self) -> None:
        self.pods: dict[str, Object] = {}
        self.nodes: dict[str, Object] = {}
        self.fleets: dict[str, Object] = {}
        self.claims: list[tuple[str, str]] = []
        """Instance and session of every claim that was carried out."""
        self.before: Callable[[str, str], Any] | None = None
        self._revisions = count(1)
        self._watchers: set[asyncio.Queue[Any]] = set()

    def put(self, thing: Object) -> None:
        thing = copy.deepcopy(thing)
        thing["metadata"]["resourceVersion"] = str(next(self._revisions))
        name = thing["metadata"]["name"]
        if thing["kind"] == "Pod":
            self.pods[name] = thing
            self._tell(Pod, Changed(as_pod(thing)))
        elif thing["kind"] == "Deployment":
            self.fleets[name] = thing
            self._tell(Deployment, Changed(as_deployment(thing)))
        else:
            self.nodes[name] = thing
            self._tell(Node, Changed(as_node(thing)))
            self._tell(TurnPod, Changed(as_pod(turn_pod(f"turn-{name}", name))))

    def remove(self, name: str) -> None:
        if name in self.pods:
            self._tell(Pod, Removed(as_pod(self.pods.pop(name))))
        if name in self.fleets:
            self._tell(Deployment, Removed(as_deployment(self.fleets.pop(name))))
        if name in self.nodes:
            self._tell(Node, Removed(as_node(self.nodes.pop(name))))
            self._tell(TurnPod, Removed(as_pod(turn_pod(f"turn-{name}", name))))

    def listener(self) -> asyncio.Queue[Any]:
        """Everything that happens from now on, as (kind, event)."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._watchers.add(queue)
        return queue

    def break_watches(self) -> None:
        """End every watch that runs, as an API server that goes away does."""
        for queue in self._watchers:
            queue.put_nowait((None, None))

    def _tell(self, kind: type, event: object) -> None:
        for queue in self._watchers:
            queue.put_nowait((kind, event))

    def watch_instances(self) -> AsyncIterator[Event[Pod]]:
        return self._watch(Pod, lambda: [as_pod(thing) for thing in self.pods.values()])

    def watch_fleets(self) -> AsyncIterator[Event[Deployment]]:
        return self._watch(Deployment, lambda: [as_deployment(thing) for thing in self.fleets.values()])

    def watch_turn_nodes(self) -> AsyncIterator[Event[Node]]:
        return self._watch(Node, lambda: [as_node(thing) for thing in self.nodes.values()])

    def watch_turn_pods(self) -> AsyncIterator[Event[Pod]]:
        return self._watch(TurnPod, lambda: [as_pod(turn_pod(f"turn-{name}", name)) for name in self.nodes])

    async def _watch(self, kind: type[Any], listing: Callable[[], list[Kind]]) -> AsyncIterator[Event[Kind]]:
        queue = self.listener()
        try:
            yield Listed(listing())
            while True:
                what, event = await queue.get()
                if what is None:
                    raise ConnectionResetError("the API server has gone")
                if what is kind:
                    yield event
        finally:
            self._watchers.discard(queue)

    async def patch_pod(self, name: str, operations: Sequence[dict[str, object]]) -> Pod:
        if self.before is not None:
            await self.before("patch", name)
        if name not in self.pods:
            raise ClaimRefused(name)
        before = self.pods[name]["metadata"]["labels"].get("app.pixel/pool")
        changed = patched(self.pods[name], operations)
        self.put(changed)
        labels = changed["metadata"]["labels"]
        if (before, labels.get("app.pixel/pool")) == ("idle", "session"):
            self.claims.append((name, labels["app.pixel/session"]))
        return as_pod(self.pods[name])

    async def list_nodes(self) -> Sequence[Node]:
        return [as_node(thing) for thing in self.nodes.values()]

    async def patch_fleet(self, name: str, document: dict[str, object]) -> None:
        if self.before is not None:
            await self.before("patch fleet", name)
        if name in self.fleets:
            changed = copy.deepcopy(self.fleets[name])
            merge(changed, document)
            self.put(changed)

    async def delete_pod(self, name: str) -> None:
        if self.before is not None:
            await self.before("delete", name)
        self.remove(name)
