"""What runs in the cluster, in every stack: names, rights, confinement, probes, roll-outs."""

import json
import re
from typing import Any

from components.settings import Settings, load
from tests.program.recording import Record, Registered, run, stack_file


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container.get("env", [])}


def by_name(record: Record, name: str) -> dict[str, Any]:
    found = [container for path, container, _ in record.containers() if path.endswith(f"/{name}")]
    assert found
    return found[0]


def test_every_object_stands_in_a_namespace_of_ours_and_after_it(record: Record) -> None:
    cluster_wide = {"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "GatewayClass"}
    cluster_wide |= {"ClusterIssuer", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "PriorityClass"}
    namespaces = {each.inputs["metadata"]["name"]: each.urn for each in record.objects("Namespace")}
    for each in record.objects():
        # kube-system is there from the start.
        if each.inputs["kind"] not in cluster_wide and each.inputs["metadata"]["namespace"] != "kube-system":
            assert namespaces[each.inputs["metadata"]["namespace"]] in each.dependencies
        assert each.token.endswith(f":{each.inputs['kind']}")


def turn_secret(record: Record) -> Registered:
    (secret,) = (each for each in record.objects("Secret") if each.inputs["metadata"]["name"] == "turn-secret")
    return secret


def test_pods_start_after_the_nodes_and_what_they_read(record: Record) -> None:
    pools = {each.urn for each in record.of("oci:ContainerEngine/nodePool:NodePool")}
    secret = turn_secret(record).urn
    for each in record.objects("Deployment", "DaemonSet"):
        assert pools <= each.dependencies
        if each.name in ("deployment-pixel-matchmaker", "daemonset-pixel-turn"):
            assert secret in each.dependencies
        assert each.create_timeout in ("10m", "30m")
    for each in record.objects("ConfigMap", "ServiceAccount", "Role"):
        assert not pools & each.dependencies


def test_a_service_follows_the_pods_whose_answers_the_provider_waits_for(record: Record) -> None:
    (service,) = (each for each in record.objects("Service") if each.name == "service-pixel-matchmaker")
    (matchmaker,) = (each for each in record.objects("Deployment") if each.name == "deployment-pixel-matchmaker")
    assert matchmaker.urn in service.dependencies
    assert service.urn not in matchmaker.dependencies


OWN_USERS = {
    "sidecar": {"runAsUser": 10002, "runAsGroup": 10002},
    "cpu-exporter": {"runAsUser": 10003},
    "peers": {"runAsUser": 10002},
}
"""Containers that share a process namespace with another that they or it may not look into."""


def test_every_container_runs_as_the_user_that_is_its(record: Record) -> None:
    """What else confines it, `test_isolation` asks of charts too."""
    for path, container, pod in record.containers():
        if not path.startswith("daemonset-kube-system-"):
            security = pod["securityContext"]
            assert security["runAsUser"] == security["runAsGroup"] == security["fsGroup"] == 10001, path
            own = {key: n for key, n in container["securityContext"].items() if key.startswith("runAs")}
            assert own == OWN_USERS.get(path.rpartition("/")[2], {}), path
        assert container["imagePullPolicy"] == "IfNotPresent", path


def test_rights_are_no_wider_than_needed(record: Record) -> None:
    def rights(kind: str, name: str) -> list[tuple[list[str], list[str], list[str]]]:
        return [(r["apiGroups"], r["resources"], r["verbs"]) for r in record.object(kind, name)["rules"]]

    for role in ("matchmaker", "turn"):
        assert record.object("Role", role)["metadata"]["namespace"] == "pixel-instances"
    assert rights("Role", "matchmaker") == [
        ([""], ["pods"], ["get", "list", "watch", "patch", "delete"]),
        (["apps"], ["deployments"], ["get", "list", "watch", "patch"]),
    ]
    assert rights("Role", "matchmaker-turn") == [([""], ["pods"], ["list", "watch"])]
    assert rights("ClusterRole", "pixel-matchmaker") == [([""], ["nodes"], ["get", "list", "watch"])]
    assert rights("ClusterRole", "pixel-turn") == [([""], ["nodes"], ["get"])]
    assert rights("Role", "turn") == [([""], ["pods"], ["list", "watch"])]
    roles = {each.inputs["metadata"]["name"] for each in record.objects("Role", "ClusterRole")}
    engine = {"pixel-network-policy-engine"} & roles
    # The fleet controller's are looked at with the rest of it, in `test_capacity`.
    controller = {"fleet-controller", "pixel-fleet-controller"} & roles
    assert roles == {"matchmaker", "matchmaker-turn", "pixel-matchmaker", "turn", "pixel-turn"} | engine | controller
    for role in engine:
        assert rights("ClusterRole", role) == [
            ([""], ["pods", "namespaces"], ["list", "watch"]),
            (["networking.k8s.io"], ["networkpolicies"], ["list", "watch"]),
        ]
    for each in record.objects("RoleBinding", "ClusterRoleBinding"):
        (subject,) = each.inputs["subjects"]
        home = "kube-system" if each.inputs["metadata"]["name"] in engine else "pixel"
        assert (subject["kind"], subject["namespace"]) == ("ServiceAccount", home)
        assert each.inputs["roleRef"]["name"].endswith(subject["name"])


def test_the_matchmaker_is_where_it_is_looked_for(record: Record, its: Settings) -> None:
    service = record.object("Service", "matchmaker")["spec"]
    named = {(port["name"], port["port"]) for port in service["ports"]}
    assert named == {("http", 3000), ("operations", 8080), ("metrics", 9000)}
    deployment = record.object("Deployment", "matchmaker")
    assert service["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    settings = json.loads(record.object("ConfigMap", "matchmaker")["data"]["matchmaker.json"])
    assert settings["instances_namespace"] == "pixel-instances"
    assert settings["turn"]["transport_policy"] == its.turn.transport_policy
    assert [app["name"] for app in settings["applications"]] == [app.name for app in its.apps]


def test_there_is_a_fleet_for_every_version(record: Record, its: Settings) -> None:
    fleets = [
        each.inputs for each in record.objects("Deployment") if "app.pixel/app" in each.inputs["metadata"]["labels"]
    ]
    wanted = {app.fleet_name(v): (app, v) for app in its.apps for v in app.versions}
    assert {fleet["metadata"]["name"] for fleet in fleets} == set(wanted)
    for fleet in fleets:
        app, version = wanted[fleet["metadata"]["name"]]
        spec = fleet["spec"]
        labels = {"app.pixel/app": app.name, "app.pixel/version": version.label, "app.pixel/pool": "idle"}
        assert spec["selector"] == {"matchLabels": labels}
        assert fleet["metadata"]["labels"].items() < labels.items()
        assert fleet["metadata"]["annotations"] == {"app.pixel/weight": str(version.weight)}
        assert spec["template"]["metadata"] == {"labels": labels}
        assert "replicas" not in spec, "the fleet controller's"
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        (container,) = spec["template"]["spec"]["containers"]
        assert container["image"] == f"{app.image}:{version.tag}"
        assert environment(container) == {
            "SIGNAL_URL": "ws://localhost:8888",
            "STREAMER_ID": app.name,
            "RES_X": str(app.resolution.width),
            "RES_Y": str(app.resolution.height),
            "FRAME_RATE": str(app.resolution.frame_rate),
            "EXTRA_ARGS": " ".join(app.arguments),
            "HOME": "/tmp",
            "NVIDIA_DRIVER_CAPABILITIES": "all",
            **({} if its.pools.sharing.resource else {"NVIDIA_VISIBLE_DEVICES": "all"}),
        }
        gpus = {key: n for key, n in container["resources"]["limits"].items() if key.startswith("nvidia.com/")}
        assert gpus == ({its.pools.sharing.resource: 1} if its.pools.sharing.resource else {})


def objects_with(stack: str, versions: list[dict[str, Any]]) -> dict[str, Registered]:
    """The Kubernetes objects by name, with other versions of the first application; no secret, which is drawn anew,
    nor the public halves of one."""
    config = stack_file(stack)
    config["pixel:apps"][0]["versions"] = versions
    return {
        each.name: each for each in run(stack, config).objects() if not re.search("^secret-|-ticket-keys$", each.name)
    }


def test_a_new_tag_and_a_new_weight_change_only_fleets(stack: str) -> None:
    before, after = (
        objects_with(stack, [{"tag": "1.0", "weight": 100}]),
        objects_with(stack, [{"tag": "1.0", "weight": 95}, {"tag": "1.1", "weight": 5}]),
    )
    app = load(stack_file(stack)).apps[0].name
    held = {f"daemonset-pixel-instances-prepull-{app}-1-1"} if load(stack_file(stack)).pools.prepull else set()
    assert after.keys() - before.keys() == {f"deployment-pixel-instances-{app}-1-1"} | held
    old = f"deployment-pixel-instances-{app}-1-0"
    room = "resourcequota-pixel-instances-instances"
    changed = {name for name in before if before[name].inputs != after[name].inputs}
    # Room for one more, and what monitoring holds buffers against; neither touches a pod.
    assert changed - {"prometheusrule-monitoring-pixel-recording"} == {old, room}
    assert before[old].inputs["spec"] == after[old].inputs["spec"], "a new weight restarts no idle instance"


def test_instances_are_where_gpus_are_and_end_gently(record: Record, its: Settings) -> None:
    drains = {app.fleet_name(v): app.session.drain_seconds for app in its.apps for v in app.versions}
    for name, template in record.pods():
        if "app.pixel/app" not in template["metadata"]["labels"]:
            continue
        pod = template["spec"]
        (application,) = pod["containers"]
        # The hook waits for the sessions; then the application gets its minute.
        assert application["lifecycle"] == {"preStop": {"httpGet": {"path": "/drain", "port": 9000}}}
        drain = drains[name.removeprefix("deployment-pixel-instances-")]
        assert pod["nodeSelector"] == {"app.pixel/gpu": "true"}
        assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
        assert pod["terminationGracePeriodSeconds"] == drain + 60
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == "instance"
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert volumes.pop("ticket-keys") == {"name": "ticket-keys", "configMap": {"name": "ticket-keys"}}
        assert all({"emptyDir", "downwardAPI"} & volume.keys() for volume in volumes.values())
        assert "ticket-keys" not in {mount["name"] for mount in application["volumeMounts"]}


def test_the_cpu_exporter_sees_the_pod_and_may_touch_nothing(record: Record, its: Settings) -> None:
    for path, exporter, pod in record.containers():
        if not path.endswith("/cpu-exporter"):
            continue
        assert pod["shareProcessNamespace"] is True
        assert exporter["restartPolicy"] == "Always"
        assert exporter["securityContext"]["runAsUser"] == 10003 != pod["securityContext"]["runAsUser"]
        assert {"name": "cpu-metrics", "containerPort": 9001} in exporter["ports"]
        told = environment(exporter)
        assert told["CPU_EXPORTER_APPLICATION"] in {app.name for app in its.apps}
        everybody = [each["name"] for each in [*pod["initContainers"], *pod["containers"]]]
        assert {name: value for name, value in told.items() if name.startswith("CPU_REQUEST_")} == {
            f"CPU_REQUEST_{name.upper().replace('-', '_')}": {
                "resourceFieldRef": {"containerName": name, "resource": "requests.cpu", "divisor": "1m"}
            }
            for name in everybody
        }
        mounts = {each["name"]: each for each in exporter["volumeMounts"]}
        assert mounts["temporary"] == {"name": "temporary", "mountPath": "/application", "readOnly": True}
        (volume,) = (each for each in pod["volumes"] if each["name"] == "pod")
        assert volume["downwardAPI"]["items"] == [
            {"path": "session", "fieldRef": {"fieldPath": "metadata.labels['app.pixel/session']"}}
        ]


def test_the_sidecar_lets_the_application_start_before_it_is_ready(record: Record) -> None:
    for path, sidecar, pod in record.containers():
        if not path.endswith("/sidecar"):
            continue
        assert sidecar in pod["initContainers"]
        assert sidecar["restartPolicy"] == "Always"
        assert sidecar["command"] == ["python3", "-m", "signalling.sidecar"]
        assert sidecar["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
        assert sidecar["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
        assert {"name": "metrics", "containerPort": 9000} in sidecar["ports"]


def test_the_sidecar_knows_its_keys_its_name_and_its_limits(record: Record, its: Settings) -> None:
    apps = {app.fleet_name(v): app for app in its.apps for v in app.versions}
    for path, sidecar, _ in record.containers():
        if not path.endswith("/sidecar"):
            continue
        app = apps[path.removeprefix("deployment-pixel-instances-").removesuffix("/sidecar")]
        own = {
            "SIDECAR_INSTANCE": {"fieldRef": {"fieldPath": "metadata.name"}},
            "SIDECAR_TICKET_KEYS": "/etc/pixel/tickets/keys",
            "SIDECAR_MAX_PLAYERS": str(app.session.players),
            "SIDECAR_DRAIN_SECONDS": str(app.session.drain_seconds),
        }
        assert environment(sidecar) == own | ({"SIDECAR_CONTROL_URL": app.control} if app.control else {})
        mount = {"name": "ticket-keys", "mountPath": "/etc/pixel/tickets", "readOnly": True}
        assert mount in sidecar["volumeMounts"]


def test_an_application_s_sessions_are_as_its_stack_file_says(stack: str) -> None:
    config = stack_file(stack)
    config["pixel:apps"][0] |= {
        "session": {"drain_minutes": 5, "players": 3},
        "control": {"url": "http://localhost:9999/api"},
    }
    record = run(stack, config)
    first = load(config).apps[0]
    name = f"deployment-pixel-instances-{first.fleet_name(first.versions[0])}"
    (pod,) = (template["spec"] for path, template in record.pods() if path == name)
    assert pod["terminationGracePeriodSeconds"] == 360
    (sidecar,) = (each for each in pod["initContainers"] if each["name"] == "sidecar")
    assert (
        environment(sidecar).items()
        >= {
            "SIDECAR_MAX_PLAYERS": "3",
            "SIDECAR_DRAIN_SECONDS": "300",
            "SIDECAR_CONTROL_URL": "http://localhost:9999/api",
        }.items()
    )
