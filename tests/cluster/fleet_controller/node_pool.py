"""A pool of simulated nodes that grows after a delay, in place of the cluster autoscaler and the cloud.

Like the autoscaler it adds nodes for pods that do not fit anywhere, except for those of a priority below its cut-off,
never more than the pool's maximum, and removes nodes that nothing stands on any more.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

from lightkube import ApiError, AsyncClient
from lightkube.core.client import LabelSelector
from lightkube.models.core_v1 import NodeAddress, NodeSpec, NodeStatus, Taint
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Node, Pod

from tests.cluster.fleet_controller.simulated_cluster import SIMULATED

EXPENDABLE = -10
"""The autoscaler's `expendable-pods-priority-cutoff`: pods below it bring no node."""
EVERY = 0.1


@dataclass
class NodePool:
    """Looks at the cluster's pods ten times a second while it is `growing`."""

    client: AsyncClient
    namespace: str
    most: int
    slots: int
    provisioning: Callable[[], float] = lambda: 1.0
    """Seconds from ordering a node to its being there."""
    label: str = "app.pixel/gpu"
    taint: str = "nvidia.com/gpu"
    resource: str | None = "nvidia.com/gpu"
    address: Callable[[int], str | None] = lambda _: None
    """Where a node is, by its number."""
    spare_seconds: float = math.inf
    """How long a node stands empty before it is removed."""
    ordered: list[float] = field(default_factory=list)
    """When each node was ordered."""
    took: list[float] = field(default_factory=list)
    """Seconds from ordering each node to its being ready."""
    largest: int = 0
    """Most nodes at once, ordered ones among them."""
    _coming: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """Nodes that were ordered, until a listing has them."""
    _unready: dict[str, float] = field(default_factory=dict)
    """When nodes were ordered that are not ready yet."""
    _numbers: Iterator[int] = field(default_factory=count)
    _empty: dict[str, float] = field(default_factory=dict)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def growing(self) -> AsyncIterator[None]:
        """Look until the block ends; then no node comes any more.

        What is on its way to the API server is never cancelled: of a TLS handshake that is, httpcore leaves the
        connection open.
        """
        looking = asyncio.create_task(self._look_until_stopped())
        try:
            yield
        finally:
            self._stopped.set()
            await asyncio.gather(looking, *self._coming.values())

    async def _look_until_stopped(self) -> None:
        while not await self._stopped_within(EVERY):
            await self._look()

    async def _stopped_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)
        return self._stopped.is_set()

    async def _look(self) -> None:
        pods = [pod async for pod in self.client.list(Pod, namespace=self.namespace)]
        labels: LabelSelector = {self.label: "true"}
        there = [node async for node in self.client.list(Node, labels=labels)]
        nodes, open_ = [name_of(node) for node in there], [name_of(node) for node in there if not cordoned(node)]
        here = [pod for pod in pods if pod.spec and (pod.spec.nodeSelector or {}).get(self.label) == "true"]
        used = Counter(pod.spec.nodeName for pod in here if pod.spec and pod.spec.nodeName)
        free = sum(max(0, self.slots - used[name]) for name in open_)
        waiting = sum(map(waits_for_room, here))
        now = asyncio.get_running_loop().time()
        began = [self._unready.pop(name_of(node), None) for node in there if not starting(node)]
        self.took += [now - each for each in began if each is not None]
        self._coming = {name: task for name, task in self._coming.items() if name not in nodes or not task.done()}
        coming = len(self._coming.keys() - set(nodes))
        # What is free, or on its way, takes in what waits as soon as the scheduler looks again.
        wanted = math.ceil((waiting - free) / self.slots) - coming
        for _ in range(min(wanted, self.most - len(nodes) - coming)):
            self._order()
            coming += 1
        self.largest = max(self.largest, len(nodes) + coming)
        if not waiting:
            await self._remove_spare([name for name in nodes if not used[name]])

    def _order(self) -> None:
        number, now = next(self._numbers), asyncio.get_running_loop().time()
        self.ordered.append(now)
        self._unready[self._name(number)] = now
        self._coming[self._name(number)] = asyncio.create_task(self._bring(number))

    async def _bring(self, number: int) -> None:
        if not await self._stopped_within(self.provisioning()):
            await self._create(number)

    async def add(self) -> None:
        """One more node, at once."""
        await self._create(next(self._numbers))

    def _name(self, number: int) -> str:
        return f"{self.label.rpartition('/')[2]}-{number}"

    async def _create(self, number: int) -> None:
        name = self._name(number)
        address = self.address(number)
        labels = {SIMULATED: "true", "kubernetes.io/hostname": name}
        room = {"cpu": "64", "memory": "256Gi", "pods": "110"}
        if self.resource:
            room[self.resource] = str(self.slots)
        await self.client.create(
            Node(
                metadata=ObjectMeta(name=name, labels={**labels, self.label: "true"}),
                spec=NodeSpec(taints=[Taint(key=self.taint, effect="NoSchedule")]),
                status=NodeStatus(
                    capacity=room,
                    allocatable=room,
                    addresses=[NodeAddress(type="InternalIP", address=address)] if address else None,
                ),
            )
        )

    async def _remove_spare(self, empty: list[str]) -> None:
        now = asyncio.get_running_loop().time()
        self._empty = {name: self._empty.get(name, now) for name in empty}
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


def cordoned(node: Node) -> bool:
    """It takes no more pods."""
    return bool(node.spec and node.spec.unschedulable)


def starting(node: Node) -> bool:
    """It takes none yet."""
    taints = (node.spec.taints if node.spec else None) or []
    return any(taint.key == "node.kubernetes.io/not-ready" for taint in taints)


async def remove(client: AsyncClient, name: str) -> None:
    """A node is gone: removed, or lost."""
    try:
        await client.delete(Node, name)
    except ApiError as error:
        assert error.status.code == 404


def name_of(thing: Node | Pod) -> str:
    assert thing.metadata is not None and thing.metadata.name is not None
    return thing.metadata.name
