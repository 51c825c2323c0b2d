"""The fleet controller as the program makes it, in every stack: rights, settings, placeholders, owner of replicas."""

import json
from typing import Any

import msgspec
import pytest

from capacity.controller import names
from capacity.controller.acting import FIELD_MANAGER
from capacity.controller.settings import ControllerSettings, Sessions, StackSettings
from components.settings import Settings, load
from components.settings.apps import mebibytes, millicores
from tests.program.recording import Record, run, stack_file
from tests.unit.components.settings_cases import patched

PRODUCTION = "production-us-ashburn-1"


def rights(record: Record, kind: str, name: str, namespace: str | None = None) -> list[tuple[str, ...]]:
    """Each rule of a role as words: groups, resources, names, verbs."""
    (role,) = (
        each.inputs
        for each in record.objects(kind)
        if (each.inputs["metadata"]["name"], each.inputs["metadata"].get("namespace")) == (name, namespace)
    )
    keys = ("apiGroups", "resources", "resourceNames", "verbs")
    return [tuple(" ".join(rule.get(key, [])) for key in keys) for rule in role["rules"]]


def settings_of(record: Record) -> StackSettings:
    """The settings file as the controller itself reads it."""
    text = record.object("ConfigMap", "fleet-controller")["data"]["controller.json"]
    return msgspec.json.decode(text, type=StackSettings)


def test_its_rights_are_no_wider_than_needed(record: Record) -> None:
    assert rights(record, "Role", "fleet-controller", "pixel") == [
        ("coordination.k8s.io", "leases", "fleet-controller", "get update"),
        ("", "configmaps", "fleet-controller-memory", "get update"),
        ("events.k8s.io", "events", "", "create"),
    ]
    assert rights(record, "Role", "fleet-controller", "pixel-instances") == [
        ("", "pods", "", "list watch patch delete"),
        ("apps", "deployments", "", "list watch patch"),
        ("events.k8s.io", "events", "", "create"),
    ]
    assert rights(record, "ClusterRole", "pixel-fleet-controller") == [("", "nodes", "", "get list watch patch")]


def test_what_it_may_write_is_there_and_holds_nothing_of_the_program_s(record: Record) -> None:
    its = ControllerSettings()
    lease = record.object("Lease", its.name)
    memory = record.object("ConfigMap", f"{its.name}-memory")
    assert lease.keys() == memory.keys() == {"apiVersion", "kind", "metadata"}
    assert record.object("Deployment", its.name)["metadata"]["namespace"] == "pixel"


def test_its_settings_are_those_of_the_stack(record: Record, its: Settings) -> None:
    settings = settings_of(record)
    assert (settings.platform_namespace, settings.instances_namespace) == ("pixel", "pixel-instances")
    assert settings.matchmakers == "http://matchmakers.pixel:9000"
    assert [each.name for each in settings.applications] == [app.name for app in its.apps]
    assert (settings.gpu.max_nodes, settings.gpu.slots_per_node) == (its.pools.gpu.max, its.pools.slots)
    growing = its.cluster.autoscaler and its.pools.turn.max > its.pools.turn.min
    assert (settings.turn is not None) is growing


def test_everything_that_a_stack_file_says_reaches_it() -> None:
    level = {"chance": 0.99, "arrivals_per_hour": 30, "start_seconds": 45, "provision_seconds": 480}
    config = stack_file(PRODUCTION)
    config["pixel:apps"][0]["buffer"] = {
        **{"instances": 2, "percent": 5, "service_level": level, "minimum": 1, "maximum": 20},
        **{"nodes": 1, "nodes_percent": 10, "schedule": [{"cron": "0 8 * * 1", "hours": 1.5, "instances": 6}]},
    }
    config["pixel:capacity"] = {
        "enabled": True,
        "timezone": "Asia/Tokyo",
        "schedules": [{"from": "2027-01-01 00:00", "until": "2027-01-02 00:00", "nodes": 0}],
        "budget": {"gpu_hours": {"soft": 100, "hard": 120}},
        "rollback": {"margin": 0.1, "sessions": 30, "risk": 0.02},
        "turn": {"allocations": 500, "bandwidth_percent": 50},
    }
    found = msgspec.to_builtins(settings_of(run(PRODUCTION, config)))
    (app, _) = found["applications"]
    assert app["buffer"] == {
        **{"instances": 2, "percent": 5, "service_level": level, "minimum": 1, "maximum": 20},
        **{"nodes": 1, "nodes_percent": 10},
    }
    assert app["priority"] == 10
    (entry,) = app["schedule"]
    assert entry["when"] == {"type": "cron", "expression": "0 8 * * 1", "seconds": 5400}
    assert (entry["timezone"], entry["change"]["instances"]) == ("Asia/Tokyo", 6)
    (event,) = found["schedules"]
    once = {"type": "once", "start": "2027-01-01T00:00:00", "end": "2027-01-02T00:00:00"}
    assert (event["when"], event["change"]["nodes"]) == (once, 0)
    assert found["budget"] == {"soft": 100, "hard": 120}
    assert found["rollback"] == {"margin": 0.1, "sessions": 30, "risk": 0.02}
    # Eight OCPUs are 8 Gbit/s, of which a half.
    assert found["turn"] == {
        **{"min_nodes": 2, "max_nodes": 6, "allocations": 500},
        **{"bits_per_second": 4e9, "metrics_port": 9641},
    }


def told_of_a_controller(record: Record) -> bool:
    """Whether matchmakers take what fleets say of one for what holds."""
    return bool(json.loads(record.object("ConfigMap", "matchmaker")["data"]["matchmaker.json"])["fleet_controller"])


def test_fleets_leave_their_replicas_to_it_and_come_after_it(record: Record) -> None:
    (controller,) = (each for each in record.objects("Deployment") if each.name == "deployment-pixel-fleet-controller")
    fleets = [each for each in record.objects("Deployment") if "app.pixel/app" in each.inputs["metadata"]["labels"]]
    assert fleets
    for fleet in fleets:
        assert "replicas" not in fleet.inputs["spec"]
        assert "pulumi.com/patchForce" not in fleet.inputs["metadata"]["annotations"]
        assert controller.urn in fleet.dependencies, "its start value does not stay for long"
    assert told_of_a_controller(record)
    for each in record.objects("Deployment"):
        if "app.pixel/placeholder" in each.inputs["metadata"]["labels"]:
            assert "replicas" not in each.inputs["spec"]
            assert controller.urn in each.dependencies


def test_without_it_the_program_keeps_the_number_also_of_what_it_had_before() -> None:
    record = run(PRODUCTION, patched("pixel:apps/0/buffer", {"instances": 2}))
    assert not [each for each in record.objects() if "fleet-controller" in each.name or "placeholder" in each.name]
    for fleet in (each.inputs for each in record.objects("Deployment")):
        if "app.pixel/app" in fleet["metadata"]["labels"]:
            assert fleet["spec"]["replicas"] == 2
            assert fleet["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"
    assert not told_of_a_controller(record)
    assert record.object("PodDisruptionBudget", "sessions"), "sessions are protected all the same"


def placeholder(record: Record, pool: str) -> dict[str, Any]:
    template = record.object("Deployment", f"placeholder-{pool}")["spec"]["template"]
    assert template["metadata"]["labels"] == {names.PLACEHOLDER_LABEL: pool}
    spec: dict[str, Any] = template["spec"]
    return spec


@pytest.mark.parametrize(
    ("shape", "sharing", "resource"),
    [
        ("VM.GPU.A10.1", {"mode": "exclusive"}, "nvidia.com/gpu"),
        ("VM.GPU.A10.1", {"mode": "time-slicing", "slots": 2}, "nvidia.com/gpu"),
        ("BM.GPU.RTXPRO.8", {"mode": "mig", "profile": "1g.24gb+gfx"}, "nvidia.com/mig-1g.24gb.gfx"),
        ("VM.GPU.A10.1", {"mode": "cpu"}, None),
    ],
)
def test_a_placeholder_takes_what_an_instance_takes_in_every_sharing_mode(
    shape: str, sharing: dict[str, Any], resource: str | None
) -> None:
    config = stack_file(PRODUCTION)
    config["pixel:pools"]["gpu"] |= {"shape": shape, "sharing": sharing}
    record = run(PRODUCTION, config)
    spec = placeholder(record, "gpu")
    (container,) = spec["containers"]
    devices = {key: number for key, number in container["resources"]["limits"].items() if "/" in key}
    assert devices == ({resource: 1} if resource else {})
    for name, template in record.pods():
        if "app.pixel/app" in template["metadata"]["labels"]:
            instance = template["spec"]
            requests = [
                each["resources"]["requests"] for each in (*instance["initContainers"], *instance["containers"])
            ]
            held = container["resources"]["requests"]
            assert millicores(held["cpu"]) >= sum(millicores(each["cpu"]) for each in requests), name
            assert mebibytes(held["memory"]) >= sum(mebibytes(each["memory"]) for each in requests), name
            assert (spec["nodeSelector"], spec["tolerations"]) == (instance["nodeSelector"], instance["tolerations"])


def test_the_scheduler_takes_a_placeholder_s_room_and_the_autoscaler_replaces_it(record: Record) -> None:
    priority = record.object("PriorityClass", "pixel-placeholder")
    # The autoscaler takes pods below -10 for expendable; instances have 0.
    assert priority["value"] == -10
    assert priority["globalDefault"] is False
    spec = placeholder(record, "gpu")
    assert (spec["priorityClassName"], spec["terminationGracePeriodSeconds"]) == ("pixel-placeholder", 0)
    for _, template in record.pods():
        if "app.pixel/app" in template["metadata"]["labels"]:
            assert "priorityClassName" not in template["spec"]
    assert "affinity" not in spec


def test_there_is_one_placeholder_of_the_turn_pool_on_a_node() -> None:
    spec = placeholder(run(PRODUCTION, stack_file(PRODUCTION)), "turn")
    (term,) = spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"] == {names.PLACEHOLDER_LABEL: "turn"}
    assert spec["tolerations"] == [{"key": names.TURN_LABEL, "operator": "Exists"}]
    # A pool of one size has nothing to scale.
    config = stack_file(PRODUCTION)
    config["pixel:pools"]["turn"]["max"] = config["pixel:pools"]["turn"]["min"]
    assert "placeholder-turn" not in str([each.name for each in run(PRODUCTION, config).objects("Deployment")])


def test_sessions_are_protected_from_drains_and_from_replica_sets(record: Record) -> None:
    budget = record.object("PodDisruptionBudget", "sessions")
    assert budget["metadata"]["namespace"] == "pixel-instances"
    # Pods without a controller are only counted by a budget that names a number.
    assert budget["spec"] == {
        "minAvailable": 2147483647,
        "selector": {"matchLabels": {names.POOL_LABEL: names.SESSION}},
    }
    policy = record.object("ValidatingAdmissionPolicy", "pixel-sessions")["spec"]
    assert policy["failurePolicy"] == "Fail"
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["pods"], ["DELETE"])
    binding = record.object("ValidatingAdmissionPolicyBinding", "pixel-sessions")
    where = binding["spec"]["matchResources"]["namespaceSelector"]["matchLabels"]
    assert where == {"kubernetes.io/metadata.name": "pixel-instances"}


def test_several_replicas_are_kept_apart_and_one_at_a_time_can_go() -> None:
    record = run(PRODUCTION, stack_file(PRODUCTION))
    deployment = record.object("Deployment", "fleet-controller")["spec"]
    assert deployment["replicas"] == 2
    budget = record.object("PodDisruptionBudget", "fleet-controller")["spec"]
    assert (budget["maxUnavailable"], budget["selector"]) == (1, deployment["selector"])
    assert deployment["template"]["spec"]["topologySpreadConstraints"]


def shared() -> dict[str, Any]:
    config = stack_file(PRODUCTION)
    config["pixel:apps"][1] |= {"sessions": "shared", "buffer": {"minimum": 2, "maximum": 9}}
    return config


def test_instances_that_players_share_follow_their_number() -> None:
    """As the original scaled them: at 0.90, up by two or a tenth each 15 seconds, down after 30."""
    its, record = load(shared()), run(PRODUCTION, shared())
    fleet = its.apps[1].fleet_name(its.apps[1].versions[0])
    (scaled,) = record.objects("ScaledObject")
    spec = scaled.inputs["spec"]
    assert spec["scaleTargetRef"]["name"] == fleet
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 9)
    (trigger,) = spec["triggers"]
    assert trigger["metricType"] == "Value"
    assert trigger["metadata"] == {
        "serverAddress": "http://prometheus-operated.monitoring:9090",
        "query": 'player_stream_pool_ratio{application="configurator"}',
        "threshold": "0.90",
    }
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleUp"] == {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Pods", "value": 2, "periodSeconds": 15},
            {"type": "Percent", "value": 10, "periodSeconds": 15},
        ],
    }
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 30
    assert "replicas" not in record.object("Deployment", fleet)["spec"]
    # KEDA brings the kind.
    (keda,) = (each for each in record.of("kubernetes:helm.sh/v3:Release") if each.name == "keda")
    assert keda.urn in scaled.dependencies
    settings = {each.name: each for each in settings_of(record).applications}
    assert settings["configurator"].sessions is Sessions.SHARED


def test_the_ratio_that_shared_instances_follow_is_recorded_for_each_application() -> None:
    rules = json.dumps([each.inputs for each in run(PRODUCTION, shared()).objects("PrometheusRule")])
    assert "max by (application) (pixel_shared_pool_ratio)" in rules


def test_kubernetes_remembers_it_by_the_name_that_the_docs_tell() -> None:
    assert FIELD_MANAGER == "fleet-controller"
