"""The fleet controller, the placeholders that it keeps, and what protects sessions whether or not there is one."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components import manifests, ports
from components.node_pools import DEFAULT_LABEL, GPU_LABEL, TURN_LABEL, gpu_tolerations
from components.settings import Settings
from components.settings.apps import AppSettings, mebibytes, millicores
from components.settings.buffer import BufferSettings
from components.settings.capacity import RollbackSettings, scales_turn
from components.settings.monitoring import turn_node_gbits
from components.settings.schedules import Cron, Once, Schedule, Weekly, When
from components.workloads import INSTANCES_ACCOUNT, INSTANCES_NAMESPACE, PLATFORM_NAMESPACE, USER
from components.workloads.namespaces import Namespaces

COMPANIONS_CPU = 60
COMPANIONS_MEMORY = 144
"""What sidecar and CPU exporter request beside an application: thousandths of a core, and MiB."""
_TURN_CPU, _TURN_MEMORY = 10, 16
"""What a placeholder of the TURN pool requests: it is there for its node, not for room on it."""


@dataclass
class SessionProtectionArgs:
    """What the protection is made from."""

    namespaces: Namespaces


class SessionProtection(pulumi.ComponentResource):
    """No drain and no ReplicaSet ends a session: a disruption budget, and a policy of the API server."""

    def __init__(self, name: str, args: SessionProtectionArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:capacity:SessionProtection", name, None, opts)
        manifests.apply(
            "session_protection.yaml.j2",
            {"namespace": INSTANCES_NAMESPACE},
            parent=self,
            depends_on=[args.namespaces],
        )
        self.register_outputs({"namespace": INSTANCES_NAMESPACE})


@dataclass
class FleetControllerArgs:
    """What the controller is made from."""

    its: Settings
    namespaces: Namespaces
    nodes: pulumi.Resource


class FleetController(pulumi.ComponentResource):
    """The controller with its rights, memory and settings; then the placeholders, which begin with one each."""

    def __init__(self, name: str, args: FleetControllerArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:capacity:FleetController", name, None, opts)
        its = args.its
        settings = json.dumps(controller_settings(its), indent=2)
        controller = manifests.apply(
            "capacity.yaml.j2",
            {
                "namespace": PLATFORM_NAMESPACE,
                "instances_namespace": INSTANCES_NAMESPACE,
                "images": its.images,
                "default_label": DEFAULT_LABEL,
                "replicas": its.capacity.replicas,
                "user": USER,
                "ports": {"observation": ports.OBSERVATION},
                "settings": settings,
                "settings_hash": hashlib.sha256(settings.encode()).hexdigest()[:16],
            },
            parent=self,
            depends_on=[args.namespaces],
            rolls_out_after=[args.nodes],
        )
        manifests.apply(
            "placeholders.yaml.j2",
            {
                "namespace": INSTANCES_NAMESPACE,
                "account": INSTANCES_ACCOUNT,
                "images": its.images,
                "user": USER,
                "pools": placeholder_pools(its),
            },
            parent=self,
            # With the controller there, the one that each begins with does not stay for long.
            depends_on=[args.namespaces, args.nodes, *controller],
        )
        self.register_outputs({"pools": [pool["name"] for pool in placeholder_pools(its)]})


def placeholder_pools(its: Settings) -> list[dict[str, Any]]:
    """The pools that placeholders hold room in: of the GPU pool each that of one instance, of the TURN pool a node."""
    cpu, memory = slot(its.apps)
    gpu = {
        "name": "gpu",
        "label": GPU_LABEL,
        "tolerations": gpu_tolerations(its.pools.preemptible),
        "resource": its.pools.sharing.resource,
        "one_per_node": False,
        "cpu": f"{cpu}m",
        "memory": f"{memory}Mi",
    }
    turn = {
        "name": "turn",
        "label": TURN_LABEL,
        "tolerations": [{"key": TURN_LABEL, "operator": "Exists"}],
        "resource": None,
        "one_per_node": True,
        "cpu": f"{_TURN_CPU}m",
        "memory": f"{_TURN_MEMORY}Mi",
    }
    return [gpu, turn] if scales_turn(its.capacity, its.pools, its.cluster) else [gpu]


def slot(apps: Sequence[AppSettings]) -> tuple[int, int]:
    """What the largest instance requests, in thousandths of a core and MiB: a slot is to be any application's."""
    return (
        max(millicores(app.resources.cpu) for app in apps) + COMPANIONS_CPU,
        max(mebibytes(app.resources.memory) for app in apps) + COMPANIONS_MEMORY,
    )


def controller_settings(its: Settings) -> dict[str, Any]:
    """The controller's settings file."""
    capacity = its.capacity
    cpu, memory = slot(its.apps)
    budget = {"soft": capacity.budget.soft, "hard": capacity.budget.hard}
    return {
        "platform_namespace": PLATFORM_NAMESPACE,
        "instances_namespace": INSTANCES_NAMESPACE,
        "matchmakers": f"http://matchmakers.{PLATFORM_NAMESPACE}:{ports.OBSERVATION}",
        "applications": [_application(app) for app in its.apps],
        "gpu": {
            "max_nodes": its.pools.gpu.max,
            "slots_per_node": its.pools.slots,
            "gpus_per_node": its.pools.gpu.gpus,
            "slot_cpu": cpu,
            "slot_memory": memory,
        },
        "turn": _turn(its) if scales_turn(capacity, its.pools, its.cluster) else None,
        "schedules": [_schedule(each) for each in capacity.schedules],
        "timezone": capacity.timezone,
        "budget": budget,
        "rollback": _rollback(capacity.rollback) if capacity.rollback.enabled else None,
    }


def _application(app: AppSettings) -> dict[str, Any]:
    return {
        "name": app.name,
        "priority": app.priority,
        "sessions": app.session.sharing.value,
        "buffer": _buffer(app.buffer),
        "schedule": [_schedule(each) for each in app.buffer.schedule],
    }


def _buffer(buffer: BufferSettings) -> dict[str, Any]:
    return {
        "instances": buffer.instances,
        "percent": buffer.percent,
        "service_level": vars(buffer.service_level) if buffer.service_level else None,
        "minimum": buffer.minimum,
        "maximum": buffer.maximum,
        "nodes": buffer.nodes,
        "nodes_percent": buffer.nodes_percent,
    }


def _schedule(schedule: Schedule) -> dict[str, Any]:
    return {
        "name": schedule.name,
        "timezone": schedule.timezone,
        "when": _when(schedule.when),
        "change": dict(schedule.change),
    }


def _when(when: When) -> dict[str, Any]:
    match when:
        case Weekly():
            hours = {"start": when.start.isoformat(), "end": when.end.isoformat()}
            return {"type": "weekly", "days": list(when.days), **hours}
        case Cron():
            return {"type": "cron", "expression": when.expression, "seconds": round(3600 * when.hours)}
        case Once():
            return {"type": "once", "start": when.start.isoformat(), "end": when.end.isoformat()}


def _rollback(rollback: RollbackSettings) -> dict[str, Any]:
    return {"margin": rollback.margin, "sessions": rollback.sessions, "risk": rollback.risk}


def _turn(its: Settings) -> dict[str, Any]:
    turn, pool = its.capacity.turn, its.pools.turn
    bits = turn_node_gbits(its.monitoring, its.pools) * 10**9
    return {
        "min_nodes": pool.min,
        "max_nodes": pool.max,
        "allocations": turn.allocations,
        "bits_per_second": bits * turn.bandwidth_percent / 100,
        "metrics_port": ports.TURN_METRICS,
    }
