"""Small clusters and settings for the tests of decisions."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from capacity.buffer import Buffer
from capacity.controller.cluster import Cluster, Fleet, Instance, Node, Placeholder, Placeholders, Stage
from capacity.controller.settings import Application, GpuPool, StackSettings, TurnPool

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
"""A Wednesday."""


def stack(*applications: Application, max_nodes: int = 8, slots: int | None = 2, **more: Any) -> StackSettings:
    return StackSettings(
        platform_namespace="pixel",
        instances_namespace="pixel-instances",
        matchmakers="http://matchmakers.pixel:9000",
        applications=applications or (Application("demo", Buffer(instances=2)),),
        gpu=GpuPool(max_nodes=max_nodes, slots_per_node=slots),
        **more,
    )


def fleet(name: str = "demo-1", replicas: int = 2, **more: Any) -> Fleet:
    application, _, version = name.rpartition("-")
    return Fleet(name, application, version, replicas, generation=1, seen="1", **more)


def instances(stage: Stage, number: int, of: str = "demo-1", node: str | None = "gpu-1") -> list[Instance]:
    application, _, version = of.rpartition("-")
    where = None if stage is Stage.UNPLACED else node
    return [
        Instance(f"{of}-{stage.value}-{node}-{i}", application, version, stage, where, pinned=stage is Stage.SESSION)
        for i in range(number)
    ]


def nodes(number: int, kind: str = "gpu", **more: Any) -> tuple[Node, ...]:
    return tuple(Node(f"{kind}-{i + 1}", datetime(2026, 11, 25, 10, 0, tzinfo=UTC), "1", **more) for i in range(number))


def placeholders(replicas: int, kind: str = "gpu", on: Iterable[str] = ()) -> Placeholders:
    pods = tuple(Placeholder(f"placeholder-{node}", node, running=True) for node in on)
    return Placeholders(f"placeholder-{kind}", replicas, 1, pods)


def cluster(*fleets: Fleet, of: Iterable[Instance] = (), **more: Any) -> Cluster:
    found: dict[str, Any] = {"gpu_nodes": nodes(4), "gpu_placeholders": placeholders(0)} | more
    return Cluster(fleets=fleets or (fleet(),), instances=tuple(of), **found)


TURN = TurnPool(min_nodes=1, max_nodes=4, allocations=100, bits_per_second=1e9)
