"""The plan of the node: what runs, in which order, where it writes and whom it answers."""

import json
from graphlib import TopologicalSorter
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from local.cluster import addresses, configuration, plan
from local.cluster.cgroups import Hierarchy

COMPONENTS = {component.name: component for component in plan.components("overlayfs")}


def test_addresses_lie_in_the_range_and_apart_from_each_other() -> None:
    parts = (addresses.LINK, addresses.PODS, addresses.SERVICES)
    assert all(part.subnet_of(addresses.RANGE) for part in parts)
    assert not any(one.overlaps(other) for one in parts for other in parts if one is not other)
    assert {addresses.HOST, addresses.NODE} <= set(addresses.LINK.hosts())
    assert addresses.SERVICES[1] == addresses.API_SERVICE


def test_components_wait_for_each_other_without_a_circle() -> None:
    order = list(TopologicalSorter({name: component.after for name, component in COMPONENTS.items()}).static_order())
    assert set(order) == set(COMPONENTS)
    assert order.index("etcd") < order.index("kube-apiserver") < order.index("kubelet")
    assert order.index("containerd") < order.index("pause-image") < order.index("kubelet")
    assert order.index("access") < order.index("coredns")


def test_the_control_plane_is_a_part_that_waits_for_nothing_outside_it() -> None:
    for name in plan.CONTROL_PLANE:
        assert set(COMPONENTS[name].after) <= set(plan.CONTROL_PLANE)


def test_every_component_but_a_task_says_where_it_answers() -> None:
    assert {name for name, component in COMPONENTS.items() if not component.target} == {"pause-image", "access"}
    assert {component.probe for component in COMPONENTS.values() if not component.target} == {"exit"}


@pytest.mark.parametrize("name", ["kube-controller-manager", "kube-scheduler"])
def test_a_single_replica_elects_nobody(name: str) -> None:
    assert "--leader-elect=false" in COMPONENTS[name].command


def test_the_api_server_authorizes_and_proves_itself() -> None:
    command = COMPONENTS["kube-apiserver"].command
    assert "--authorization-mode=Node,RBAC" in command
    assert "--service-cluster-ip-range=10.89.128.0/18" in command
    assert {flag.partition("=")[0] for flag in command} >= {
        "--client-ca-file",
        "--kubelet-certificate-authority",
        "--kubelet-client-certificate",
        "--requestheader-client-ca-file",
        "--service-account-signing-key-file",
    }


def test_etcd_is_on_loopback_and_asks_for_a_certificate() -> None:
    command = COMPONENTS["etcd"].command
    assert "--listen-client-urls=https://127.0.0.1:2379" in command
    assert "--client-cert-auth=true" in command


def test_the_node_has_routes_to_this_machine_only() -> None:
    lines = plan.links(["192.0.2.2", "203.0.113.9"])
    assert "route add 192.0.2.2/32 via 10.89.0.1" in lines
    assert "route add 203.0.113.9/32 via 10.89.0.1" in lines
    assert [line for line in lines if "default" in line] == ["route add unreachable default"]
    assert plan.kernel_settings()["net/ipv4/conf/eth0/rp_filter"] == "1"


def test_nothing_of_the_machines_folders_is_written_to() -> None:
    covered = [mount.target for mount in plan.mounts() if mount.kind == "tmpfs"]
    assert covered == ["/var/lib", "/var/log"]
    read_only = {mount.target for mount in plan.mounts() if mount.read_only}
    assert read_only == {"/proc/sys/kernel", "/proc/sys/vm"}
    for mount in plan.mounts():
        if mount.kind == "bind" and not mount.read_only:
            assert mount.source.startswith(addresses.NODE_DIR)
            assert any(mount.target.startswith(place) for place in covered)


def test_what_the_kubelet_would_set_lies_under_what_it_cannot() -> None:
    for name in plan.KUBELET_KERNEL_SETTINGS:
        assert name.split("/")[0] in {"kernel", "vm"}


def test_the_callers_environment_stays_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert "proxy" not in plan.document({}, [], "native", []).lower().replace("kube-proxy", "").replace("-proxy", "")


def test_the_document_reads_back() -> None:
    hierarchies = [Hierarchy(Path("/sys/fs/cgroup"), unified=True)]
    read = json.loads(plan.document({"etcd": "/opt/etcd"}, hierarchies, "overlayfs", ["192.0.2.2"]))
    assert read["cgroups"] == ["/sys/fs/cgroup/pixel-local/system/cgroup.procs"]
    assert read["tools"] == {"etcd": "/opt/etcd"}
    assert [entry["name"] for entry in read["components"]] == list(COMPONENTS)


def test_the_snapshotter_is_the_same_for_every_image() -> None:
    files = plan.files("/usr/lib/cni", "native")
    assert 'snapshotter = "native"' in files["containerd.toml"]
    assert plan.import_command("x.tar", "native")[-3:] == ("--snapshotter", "native", "x.tar")


def test_pods_are_routed_in_their_own_range() -> None:
    network, ports = configuration.cni()["plugins"]
    assert network["type"] == "ptp"
    assert network["ipam"]["ranges"] == [[{"subnet": "10.89.64.0/18", "gateway": "10.89.64.1"}]]
    assert not network["ipMasq"]
    assert ports["type"] == "portmap"


def test_the_kubelet_keeps_images_and_lets_nobody_in_unasked() -> None:
    kubelet = configuration.kubelet()
    assert kubelet["imageGCHighThresholdPercent"] == 100
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authorization"] == {"mode": "Webhook"}
    assert kubelet["cgroupRoot"] == f"/{addresses.CGROUP}"
    assert IPv4Address(kubelet["clusterDNS"][0]) == addresses.NODE


def test_kube_proxy_leaves_the_machines_connection_tracking_alone() -> None:
    conntrack = configuration.kube_proxy()["conntrack"]
    assert conntrack == {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}


def test_the_name_service_is_a_reader_only() -> None:
    roles = [item for item in configuration.access()["items"] if item["kind"] == "ClusterRole"]
    verbs = {verb for role in roles for rule in role["rules"] for verb in rule["verbs"]}
    assert verbs == {"list", "watch"}
