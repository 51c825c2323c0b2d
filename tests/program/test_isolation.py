"""What must hold in every stack: nothing is public, open, unbounded, root or secret but what a table names and why."""

import base64
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

import pytest

from components.settings import Settings, load
from components.settings.cluster import Endpoint
from components.workloads import INSTANCES_NAMESPACE
from components.workloads.namespaces import NAMESPACES, Level, most_pods, rows
from tests.program.charts import CHARTS, merged, needs_charts, read_chart
from tests.program.confinement import of_container, of_pod, of_values
from tests.program.recording import STACKS, Record, record_of, stack_file
from tests.program.test_network import ports_of

ENGINE = "daemonset-kube-system-network-policy-engine"

OWN: Mapping[tuple[str, str], str] = {
    (ENGINE, "hostNetwork"): "writes its node's packet rules",
    (ENGINE, "hostPath"): "hears of new pods from the container runtime, and enters their network namespaces",
    (f"{ENGINE}/engine", "privileged"): "packet rules, and the network namespaces of others",
    (f"{ENGINE}/engine", "may be root"): "the same",
    (f"{ENGINE}/engine", "token"): "reads policies, pods and namespaces",
    ("daemonset-pixel-turn", "hostNetwork"): "media goes to its node's public address, untranslated",
    ("daemonset-pixel-turn/configure", "token"): "reads its node's addresses, and ends before coturn starts",
    ("deployment-pixel-fleet-controller/controller", "token"): "scales fleets, cordons nodes",
    ("daemonset-pixel-turn/peers", "token"): "follows the instances' addresses, as a user that coturn's cannot look at",
    ("deployment-pixel-matchmaker/matchmaker", "token"): "claims and ends instances",
}
"""What pods of the program are excused from, and why. An entry that no stack needs fails too."""

IN_CHARTS: Mapping[tuple[str, str, str], str] = {
    ("kube-prometheus-stack", "prometheus-node-exporter.hostNetwork", "hostNetwork"): "counts its node's packets",
    ("kube-prometheus-stack", "prometheus-node-exporter.hostPID", "hostPID"): "counts its node's processes",
    ("dcgm-exporter", "securityContext", "may be root"): "the driver's profiling counters",
    ("dcgm-exporter", "securityContext", "capabilities"): "the driver's profiling counters need SYS_ADMIN",
}
"""What charts are excused from: chart, dotted path in its values, finding."""

BY_TEMPLATE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("kube-prometheus-stack", "secret in its environment"): (
        "grafana.admin.existingSecret",
        "Grafana and its sidecar take the admin's name and password from the environment, by a reference to a Secret",
    ),
}
"""What a chart does in its templates whatever its values say, and the key that shows that it still is so."""

OFF: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], bool]] = {
    ("kube-prometheus-stack", "prometheus-windows-exporter"): lambda v: not v["windowsMonitoring"]["enabled"],
    ("kube-prometheus-stack", "grafana.initChownData"): lambda v: not v["grafana"]["persistence"]["enabled"],
    ("kube-prometheus-stack", "grafana.downloadDashboards"): lambda v: not v["grafana"]["dashboards"],
    ("kube-prometheus-stack", "prometheus-node-exporter.permissionInitContainer"): lambda v: (
        not any(v["prometheus-node-exporter"]["permissionInitContainer"]["fixes"].values())
    ),
    ("kube-prometheus-stack", "alertmanager.alertmanagerSpec.storage"): lambda _: True,
    ("kube-prometheus-stack", "prometheus.prometheusSpec.storageSpec"): lambda _: True,
    ("external-dns", "provider.webhook"): lambda v: v["provider"]["name"] != "webhook",
}
"""Parts that start no container, and what shows it. The two storages ask for a volume's size under the same key."""

OPEN_TO_ALL = {
    ("load_balancers", "tcp", "80"),
    ("load_balancers", "tcp", "443"),
    ("turn", "tcp", "3478"),
    ("turn", "udp", "3478"),
    ("turn", "tcp", "5349"),
    ("turn", "tcp", "49152-65535"),
    ("turn", "udp", "49152-65535"),
    # Path discovery, which answers to packets that were sent.
    ("turn", "icmp", "3,4"),
    ("workers", "icmp", "3,4"),
}

PROTOCOLS = {"all": "all", "1": "icmp", "6": "tcp", "17": "udp"}


def test_only_the_tables_ports_are_open_to_all(record: Record) -> None:
    found = set()
    for each in record.of("oci:Core/securityList:SecurityList"):
        subnet = re.sub(r"network-|-rules", "", each.name).replace("-", "_")
        for rule in each.inputs["ingressSecurityRules"]:
            if rule["sourceType"] == "CIDR_BLOCK" and not IPv4Network(rule["source"]).is_private:
                found.add((subnet, rule["source"], PROTOCOLS[rule["protocol"]], ports_of(rule)))
    open_to_all = {(subnet, protocol, ports) for subnet, source, protocol, ports in found if source == "0.0.0.0/0"}
    assert open_to_all == OPEN_TO_ALL


def test_a_public_api_is_open_to_named_networks_only(record: Record, its: Settings) -> None:
    (api,) = (each for each in record.of("oci:Core/securityList:SecurityList") if each.name == "network-api-rules")
    inside = {str(subnet) for _, subnet in its.network.subnets.items()}
    outside = {rule["source"] for rule in api.inputs["ingressSecurityRules"]} - inside
    assert outside == {str(cidr) for cidr in its.network.admin_cidrs}
    assert "0.0.0.0/0" not in outside


def test_no_subnet_is_public_but_those_that_must_be(record: Record, its: Settings) -> None:
    public = {
        each.inputs["displayName"].removeprefix(f"{its.cluster.name}-").removesuffix("-subnet")
        for each in record.of("oci:Core/subnet:Subnet")
        if not (each.inputs["prohibitPublicIpOnVnic"] and each.inputs["prohibitInternetIngress"])
    }
    assert public == {"turn", "load-balancers"} | ({"api"} if its.cluster.endpoint is Endpoint.PUBLIC else set())


def test_nothing_opens_ports_beside_the_tables(record: Record) -> None:
    """No security group, no node port, and one load balancer, which leaves the security lists alone."""
    assert not [each.token for each in record.resources if "networkSecurityGroup" in each.token]
    for service in record.objects("Service"):
        assert service.inputs["spec"].get("type", "ClusterIP") == "ClusterIP", service.name
    for release in record.of("kubernetes:helm.sh/v3:Release"):
        for path, kind in services_of(release.inputs["values"]):
            assert (release.name, path) == ("traefik", "service.spec.type"), f"{release.name} {path} {kind}"
            annotations = release.inputs["values"]["service"]["annotations"]
            assert annotations["oci.oraclecloud.com/security-rule-management-mode"] == "None"


def services_of(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if value in ("LoadBalancer", "NodePort"):
            yield f"{path}{key}", value
        elif isinstance(value, Mapping):
            yield from services_of(value, f"{path}{key}.")


@functools.cache
def own_findings(stack: str) -> frozenset[tuple[str, str]]:
    record = record_of(stack)
    pods = {(name, finding) for name, template in record.pods() for finding in of_pod(template["spec"])}
    containers = {
        (path, finding) for path, container, pod in record.containers() for finding in of_container(container, pod)
    }
    return frozenset(pods | containers)


def test_every_container_of_ours_is_confined_but_for_the_table(stack: str) -> None:
    assert own_findings(stack) - OWN.keys() == set()


def test_the_table_of_our_exceptions_is_not_stale() -> None:
    assert OWN.keys() - {finding for stack in STACKS for finding in own_findings(stack)} == set()
    assert all(OWN.values())


@functools.cache
def chart_values(stack: str) -> dict[str, dict[str, Any]]:
    """The values of each release of a stack, merged with its chart's own as Helm does."""
    found = {}
    for release in record_of(stack).of("kubernetes:helm.sh/v3:Release"):
        chart = release.inputs["chart"].rpartition("/")[2]
        found[chart] = merged(read_chart(CHARTS / chart).defaults, release.inputs["values"])
    return found


def chart_findings(stack: str) -> set[tuple[str, str, str]]:
    return {
        (chart, path, finding)
        for chart, values in chart_values(stack).items()
        for path, finding in of_values(
            values, frozenset(p for (c, p), is_off in OFF.items() if c == chart and is_off(values))
        )
    }


@needs_charts
def test_every_chart_is_confined_but_for_the_table(stack: str) -> None:
    assert chart_findings(stack) - IN_CHARTS.keys() == set()


@needs_charts
def test_the_tables_of_charts_are_not_stale() -> None:
    found = {finding for stack in STACKS for finding in chart_findings(stack)}
    assert IN_CHARTS.keys() - found == set()
    used = {chart: values for stack in STACKS for chart, values in chart_values(stack).items()}
    for (chart, _), (key, reason) in BY_TEMPLATE.items():
        assert dig(used[chart], key), f"{chart} {key}: {reason}"
    for chart, path in OFF:
        unread = {each for each, _ in of_values(used[chart], frozenset()) if each.startswith(path)}
        assert unread, f"{chart} {path} says nothing that would have to be left out"


def dig(values: Mapping[str, Any], path: str) -> object:
    at: Any = values
    for key in path.split("."):
        at = at[key]
    return at


def test_secrets_stand_in_secrets_only(record: Record) -> None:
    """No value of any Secret is in another object, in a release's values, or in an output in the clear."""
    held = set()
    for each in record.objects("Secret"):
        for value in {**each.inputs.get("data", {}), **each.inputs.get("stringData", {})}.values():
            held |= {str(value), base64.b64decode(value).decode(errors="replace") if value else ""}
    secrets = {each for each in held if len(each) > 12}
    others = [each for each in record.resources if each.inputs.get("kind") != "Secret"]
    elsewhere = str([each.inputs for each in others if not each.secrets]) + str(record.outputs)
    assert not [each[:3] for each in secrets if each in elsewhere]


def test_namespaces_carry_the_level_that_their_pods_meet(record: Record) -> None:
    levels = {each.name: each.level for each in NAMESPACES}
    for each in record.objects("Namespace"):
        labels = each.inputs["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == levels[each.inputs["metadata"]["name"]]
        assert labels["pod-security.kubernetes.io/warn"] == labels["pod-security.kubernetes.io/audit"] == "restricted"


def test_pods_and_releases_stand_in_namespaces_that_have_a_level(record: Record) -> None:
    made = {each.inputs["metadata"]["name"] for each in record.objects("Namespace")}
    pods = {each.inputs["metadata"]["namespace"] for each in record.objects("Deployment", "DaemonSet", "Job")}
    releases = {each.inputs["namespace"] for each in record.of("kubernetes:helm.sh/v3:Release")}
    assert (pods | releases) - made <= {"kube-system"}
    assert made - {each.name for each in NAMESPACES if each.always} <= releases, "a namespace for nothing"


def test_a_level_below_restricted_is_needed() -> None:
    """Something that is not restricted really stands in each such namespace, and nothing in the others."""
    loose: set[str] = set()
    bad = {"hostNetwork", "hostPID", "hostIPC", "hostPath", "privileged", "may be root", "capabilities", "may escalate"}
    for stack in STACKS:
        record = record_of(stack)
        spaces = {each.name: each.inputs["metadata"].get("namespace") for each in record.objects()}
        loose |= {spaces[path.partition("/")[0]] for path, finding in own_findings(stack) if finding in bad}
        if CHARTS.is_dir():
            homes = {
                each.inputs["chart"].rpartition("/")[2]: each.inputs["namespace"]
                for each in record.of("kubernetes:helm.sh/v3:Release")
            }
            loose |= {homes[chart] for chart, _, finding in chart_findings(stack) if finding in bad}
    strict = {each.name for each in NAMESPACES if each.level is Level.RESTRICTED}
    assert not loose & strict
    if CHARTS.is_dir():
        assert {each.name for each in NAMESPACES} - strict == loose - {"kube-system"}


def test_an_addon_without_a_level_is_refused() -> None:
    with pytest.raises(ValueError, match="no Pod Security level is decided for sideshow"):
        rows(frozenset({"sideshow"}))


def test_no_account_hands_out_tokens_unasked(record: Record) -> None:
    for account in record.objects("ServiceAccount"):
        assert account.inputs["automountServiceAccountToken"] is False, account.name
    for name, template in record.pods():
        if INSTANCES_NAMESPACE in name:
            assert template["spec"]["serviceAccountName"] == "instance"
            assert template["spec"]["automountServiceAccountToken"] is False
    for binding in record.objects("RoleBinding", "ClusterRoleBinding"):
        assert "instance" not in {subject["name"] for subject in binding.inputs["subjects"]}


def test_the_instances_namespace_is_bounded(record: Record, its: Settings) -> None:
    (quota,) = record.objects("ResourceQuota")
    assert quota.inputs["metadata"]["namespace"] == INSTANCES_NAMESPACE
    hard = quota.inputs["spec"]["hard"]
    bound = most_pods(its.apps, its.pools, controlled=its.capacity.enabled)
    assert int(hard.pop("pods")) == bound
    assert set(hard.values()) == {"0"}
    warm = sum(app.buffer.most_instances * len(app.versions) for app in its.apps)
    holders = sum("prepull" in name for name, _ in record.pods()) * its.pools.gpu.max
    sessions = its.pools.gpu.max * (its.pools.slots or 1)
    placeholders = sessions + its.pools.turn.max if its.capacity.enabled else 0
    assert bound >= warm + holders + sessions + placeholders
    (limits,) = record.objects("LimitRange")
    (default,) = limits.inputs["spec"]["limits"]
    assert default["default"].keys() == default["defaultRequest"].keys() == {"cpu", "memory"}


def test_more_gpus_are_a_larger_bound() -> None:
    config = stack_file(next(each for each in STACKS if each.startswith("production")))
    before = load(config)
    config["pixel:pools"]["gpu"]["max"] += 1
    after = load(config)
    bounds = [most_pods(its.apps, its.pools, controlled=True) for its in (before, after)]
    assert bounds[0] < bounds[1]
    assert most_pods(before.apps, before.pools, controlled=False) < bounds[0]
