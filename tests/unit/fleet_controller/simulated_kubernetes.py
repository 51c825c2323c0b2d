"""What Kubernetes does with what the controller asks for, as far as decisions need it: small, synchronous, no API.

ReplicaSets refill at once, the scheduler evicts placeholders for instances, and nodes come up to the pool's maximum.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from capacity.controller import names
from capacity.controller.actions import Action, Annotate, Cordon, Displace, Free, Kind, Retire, Scale
from capacity.controller.cluster import Cluster, Fleet, Instance, Node, Placeholder, Placeholders, Stage
from capacity.controller.decisions import Decision, decide
from capacity.controller.memory import Memory
from capacity.controller.settings import StackSettings
from tests.unit.fleet_controller.situations import NOW, placeholders


@dataclass
class SimulatedKubernetes:
    """The state; whatever changes it leaves it as Kubernetes' controllers would."""

    its: StackSettings
    fleets: dict[str, Fleet]
    now: datetime = NOW
    memory: Memory = field(default_factory=Memory)
    instances: dict[str, Instance] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    holders: Placeholders = field(default_factory=lambda: placeholders(0))
    waiting: Counter[str] = field(default_factory=Counter)
    interrupted: list[str] = field(default_factory=list)
    """Sessions that ended though nobody ended them."""
    _names: Iterator[int] = field(default_factory=count)

    def snapshot(self) -> Cluster:
        """What a controller sees."""
        return Cluster(
            fleets=tuple(self.fleets.values()),
            instances=tuple(self.instances.values()),
            gpu_nodes=tuple(self.nodes.values()),
            gpu_placeholders=self.holders,
            waiting=dict(self.waiting),
        )

    def decision(self) -> Decision:
        """What a controller decides on what it sees now."""
        return decide(self.snapshot(), self.its, self.memory, self.now)

    def carry_out(self, actions: Iterable[Action]) -> None:
        """Each action, if what it was decided on still stands."""
        for action in actions:
            match action:
                case Scale(name, replicas, generation) if name == self.holders.name:
                    if generation == self.holders.generation:
                        self.holders = replace(self.holders, replicas=replicas, generation=generation + 1)
                case Scale(name, replicas, generation):
                    fleet = self.fleets.get(name)
                    if fleet and fleet.generation == generation:
                        self.fleets[name] = replace(fleet, replicas=replicas, generation=generation + 1)
                case Retire(name):
                    instance = self.instances.get(name)
                    # The API server's test: idle, or the patch is refused.
                    if instance and instance.idle:
                        del self.instances[name]
                case Annotate(Kind.POD, name, annotations):
                    if name in self.instances:
                        pinned = annotations[names.SAFE_TO_EVICT] == "false"
                        self.instances[name] = replace(self.instances[name], pinned=pinned)
                case Free(pod, node):
                    if node not in self.nodes:
                        self.instances.pop(pod, None)
                case Cordon(name, cordoned, leaving):
                    if name in self.nodes:
                        self.nodes[name] = replace(self.nodes[name], cordoned=cordoned, leaving=leaving)
                case Annotate(Kind.NODE, name, annotations):
                    if name in self.nodes:
                        empty = annotations[names.EMPTY] == "true"
                        self.nodes[name] = replace(self.nodes[name], empty=empty)
                case Annotate(Kind.FLEET, name, annotations):
                    if names.EMPTY in annotations:
                        empty = annotations[names.EMPTY] == "true"
                        self.fleets[name] = replace(self.fleets[name], empty=empty)
                    if (target := annotations.get(names.BUFFER_TARGET)) is not None:
                        self.fleets[name] = replace(self.fleets[name], buffer_target=int(target))
                case Displace(name):
                    self.holders = replace(self.holders, pods=_without(self.holders.pods, name))
        self.reconcile()

    def reconcile(self) -> None:
        """ReplicaSets, the scheduler."""
        for fleet in self.fleets.values():
            self._refill(fleet)
        self._hold()
        self._schedule()

    def _refill(self, fleet: Fleet) -> None:
        its = [each for each in self._of(fleet) if each.idle]
        for _ in range(fleet.replicas - len(its)):
            name = f"{fleet.name}-{next(self._names)}"
            self.instances[name] = Instance(name, fleet.application, fleet.version, Stage.UNPLACED)
        order = (Stage.UNPLACED, Stage.STARTING, Stage.WARM)
        for each in sorted(its, key=lambda instance: order.index(instance.stage))[: max(0, len(its) - fleet.replicas)]:
            del self.instances[each.name]

    def _of(self, fleet: Fleet) -> list[Instance]:
        wanted = (fleet.application, fleet.version)
        return [each for each in self.instances.values() if (each.application, each.version) == wanted]

    def _hold(self) -> None:
        pods = [pod for pod in self.holders.pods if pod.node is None or pod.node in self.nodes]
        pods.sort(key=lambda pod: not pod.running)
        pods = pods[: self.holders.replicas]
        pods += [
            Placeholder(f"holder-{next(self._names)}", None, running=False)
            for _ in range(self.holders.replicas - len(pods))
        ]
        self.holders = replace(self.holders, pods=tuple(pods))

    def _schedule(self) -> None:
        for instance in [each for each in self.instances.values() if each.stage is Stage.UNPLACED]:
            node = self._free_node() or self._evicted()
            if node:
                self.instances[instance.name] = replace(instance, stage=Stage.STARTING, node=node)
        self._hold()
        for i, pod in enumerate(self.holders.pods):
            node = pod.node or self._free_node()
            placed = replace(pod, node=node, running=node is not None)
            self.holders = replace(self.holders, pods=(*self.holders.pods[:i], placed, *self.holders.pods[i + 1 :]))

    def _free_node(self) -> str | None:
        used = Counter(each.node for each in self.instances.values() if each.node)
        used.update(pod.node for pod in self.holders.pods if pod.node)
        slots = self.its.gpu.slots_per_node or 1
        free = (n.name for n in self.nodes.values() if n.ready and not n.cordoned and used[n.name] < slots)
        return next(free, None)

    def _evicted(self) -> str | None:
        for pod in self.holders.pods:
            node = self.nodes.get(pod.node or "")
            if node and not node.cordoned:
                self.holders = replace(self.holders, pods=_without(self.holders.pods, pod.name))
                return pod.node
        return None

    def arrive(self, application: str) -> None:
        """A player comes, and is served at once if an instance is warm."""
        self.waiting[application] += 1
        self.serve()

    def serve(self) -> None:
        """Matchmakers claim for those who wait."""
        for instance in list(self.instances.values()):
            open_ = [f for f in self.fleets.values() if f.share > 0 and instance in self._of(f)]
            if instance.stage is Stage.WARM and open_ and self.waiting[instance.application]:
                self.waiting[instance.application] -= 1
                self.instances[instance.name] = replace(instance, stage=Stage.SESSION)
        self.reconcile()

    def end(self, name: str) -> None:
        """A session ends."""
        del self.instances[name]
        self.reconcile()

    def start(self) -> None:
        """Whatever is starting is ready now."""
        for instance in list(self.instances.values()):
            node = self.nodes.get(instance.node or "")
            if instance.stage is Stage.STARTING and node and node.ready:
                self.instances[instance.name] = replace(instance, stage=Stage.WARM)
        self.serve()

    def add_node(self) -> bool:
        """The autoscaler adds a node, if something waits for room and the pool may have another."""
        waits = any(each.stage is Stage.UNPLACED for each in self.instances.values())
        waits |= any(pod.node is None for pod in self.holders.pods)
        if not waits or len(self.nodes) >= self.its.gpu.max_nodes:
            return False
        name = f"gpu-{next(self._names)}"
        self.nodes[name] = Node(name, self.now)
        self.reconcile()
        return True

    def remove_empty_node(self) -> None:
        """The autoscaler removes a node that nothing stands on."""
        used = {each.node for each in self.instances.values()} | {pod.node for pod in self.holders.pods}
        for name in self.nodes.keys() - used:
            del self.nodes[name]
            return

    def lose_node(self, name: str) -> None:
        """A node is gone with what stood on it; its pods stay in the list until somebody frees them."""
        del self.nodes[name]
        self.reconcile()

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.now += timedelta(seconds=seconds)


def _without(pods: tuple[Placeholder, ...], name: str) -> tuple[Placeholder, ...]:
    return tuple(pod for pod in pods if pod.name != name)
