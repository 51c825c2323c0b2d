"""A pool of simulated nodes that grows after a delay, in place of the cluster autoscaler and the cloud.

Like the autoscaler it adds nodes for pods that do not fit anywhere, except for those of a priority below its cut-off,
never more than the pool's maximum, and removes nodes that nothing stands on any more.
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import NodeSpec, NodeStatus, Taint
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Node, Pod

from tests.cluster.fleet_controller.simulated_cluster import SIMULATED

EXPENDABLE = -10
"""The autoscaler's `expendable-pods-priority-cutoff`: pods below it bring no node."""
EVERY = 0.1
SETTLING = 0.5
"""For so long a new node is still expected to take in what waits."""


@dataclass
class NodePool:
    """Looks at the cluster's pods ten times a second; ``run`` it beside the test."""

    client: AsyncClient
    namespace: str
    most: int
    slots: int
    provisioning: Callable[[], float] = lambda: 1.0
    """Seconds from ordering a node to its being there."""
    label: str = "app.pixel/gpu"
    taint: str = "nvidia.com/gpu"
    resource: str | None = "nvidia.com/gpu"
    spare_seconds: float = math.inf
    """How long a node stands empty before it is removed."""
    ordered: list[float] = field(default_factory=list)
    """When each node was ordered."""
    largest: int = 0
    """Most nodes at once, ordered ones among them."""
    _coming: set[asyncio.Task[None]] = field(default_factory=set)
    _settling: int = 0
    _names: Iterable[int] = field(default_factory=count)
    _empty: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(EVERY)

    async def _look(self) -> None:
        pods = [pod async for pod in self.client.list(Pod, namespace=self.namespace)]
        nodes = [name_of(node) async for node in self.client.list(Node, labels={self.label: "true"})]
        here = [pod for pod in pods if pod.spec and (pod.spec.nodeSelector or {}).get(self.label) == "true"]
        expected = len(self._coming) + self._settling
        wanted = math.ceil(sum(map(waits_for_room, here)) / self.slots) - expected
        for _ in range(min(wanted, self.most - len(nodes) - len(self._coming))):
            self.ordered.append(asyncio.get_running_loop().time())
            coming = asyncio.create_task(self._bring())
            self._coming.add(coming)
            coming.add_done_callback(self._coming.discard)
        self.largest = max(self.largest, len(nodes) + len(self._coming))
        await self._remove_spare(nodes, pods)

    async def _bring(self) -> None:
        await asyncio.sleep(self.provisioning())
        await self.add()
        self._settling += 1
        asyncio.get_running_loop().call_later(SETTLING, self._settled)

    def _settled(self) -> None:
        self._settling -= 1

    async def add(self) -> str:
        """One more node, at once."""
        name = f"{self.label.rpartition('/')[2]}-{next(iter(self._names))}"
        room = {"cpu": "64", "memory": "256Gi", "pods": "110"}
        if self.resource:
            room[self.resource] = str(self.slots)
        await self.client.create(
            Node(
                metadata=ObjectMeta(name=name, labels={SIMULATED: "true", self.label: "true"}),
                spec=NodeSpec(taints=[Taint(key=self.taint, effect="NoSchedule")]),
                status=NodeStatus(capacity=room, allocatable=room),
            )
        )
        return name

    async def _remove_spare(self, nodes: list[str], pods: list[Pod]) -> None:
        now = asyncio.get_running_loop().time()
        used = {pod.spec.nodeName for pod in pods if pod.spec}
        self._empty = {name: self._empty.get(name, now) for name in nodes if name not in used}
        for name, since in self._empty.items():
            if now - since >= self.spare_seconds:
                await remove(self.client, name)


def waits_for_room(pod: Pod) -> bool:
    """The scheduler has found no node for it, and the autoscaler would add one."""
    conditions = (pod.status.conditions if pod.status else None) or []
    unplaced = any(each.type == "PodScheduled" and each.reason == "Unschedulable" for each in conditions)
    priority = (pod.spec.priority if pod.spec else 0) or 0
    going = pod.metadata is not None and pod.metadata.deletionTimestamp is not None
    return unplaced and priority >= EXPENDABLE and not going and not (pod.spec and pod.spec.nodeName)


async def remove(client: AsyncClient, name: str) -> None:
    """A node is gone: removed, or lost."""
    try:
        await client.delete(Node, name)
    except ApiError as error:
        assert error.status.code == 404


def name_of(thing: Node | Pod) -> str:
    assert thing.metadata is not None and thing.metadata.name is not None
    return thing.metadata.name
