"""What runs on the node and in which order, as data that the node's first process reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from local.cluster import addresses, configuration
from local.cluster.addresses import NODE_DIR
from local.cluster.cgroups import Hierarchy
from local.cluster.configuration import CONTAINERD_SOCKET

TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns")
"""The tools that run inside the node; kubectl is used there once, at the start."""

CONTROL_PLANE = ("etcd", "kube-apiserver", "access", "kube-controller-manager", "kube-scheduler")

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": NODE_DIR, "LANG": "C"}
"""The whole environment of the node's processes: no proxy setting and no secret of the caller's gets in."""

ProbeKind = Literal["tcp", "unix", "https", "exit"]


@dataclass(frozen=True)
class Component:
    """One process of the node, started when those in ``after`` are ready.

    ``probe`` says how to see that it is ready: ``tcp`` HOST:PORT or ``unix`` PATH take connections, ``https`` URL
    answers 200, and with ``exit`` it is a task: ready when it has ended well, and not started again.
    """

    name: str
    command: tuple[str, ...]
    probe: ProbeKind
    target: str = ""
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mount:
    """One mount of the node's own namespace; ``read_only`` and ``shared`` as mount(8) means them."""

    kind: Literal["tmpfs", "bind"]
    target: str
    source: str = "tmpfs"
    read_only: bool = False
    shared: bool = False


def mounts() -> tuple[Mount, ...]:
    """What the node sees in place of the machine's folders, so that nothing is written outside the cluster's own.

    NODE_DIR is there already when these are made.
    """
    return (
        Mount("tmpfs", "/var/lib"),
        Mount("tmpfs", "/var/log"),
        Mount("bind", "/var/lib/containerd", f"{NODE_DIR}/containerd"),
        # Shared, because a volume that a pod mounts in another pod's sight has to travel.
        Mount("bind", "/var/lib/kubelet", f"{NODE_DIR}/kubelet", shared=True),
        Mount("bind", "/var/log/pods", f"{NODE_DIR}/pods"),
        Mount("bind", "/proc/sys/kernel", "/proc/sys/kernel", read_only=True),
        Mount("bind", "/proc/sys/vm", "/proc/sys/vm", read_only=True),
    )


KUBELET_KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What the kubelet insists on setting, for the whole machine: k8s.io/component-helpers/node/util/sysctl.

The node sees files with these values in the settings' place, so the kubelet is content and the machine unchanged.
"""


def kernel_settings() -> dict[str, str]:
    """Settings of the node's own network namespace."""
    return {
        "net/ipv4/ip_forward": "1",
        "net/ipv6/conf/all/disable_ipv6": "1",
        # Whatever did not come from this machine has no route back, and is dropped on arrival.
        f"net/ipv4/conf/{addresses.NODE_INTERFACE}/rp_filter": "1",
    }


def components(snapshotter: str) -> tuple[Component, ...]:
    """Every process of the node."""
    return (
        Component("etcd", _etcd(), "tcp", f"127.0.0.1:{addresses.ETCD_PORT}"),
        Component("containerd", ("containerd", "--config", f"{NODE_DIR}/containerd.toml"), "unix", CONTAINERD_SOCKET),
        Component("pause-image", import_command(f"{NODE_DIR}/pause.tar", snapshotter), "exit", after=("containerd",)),
        Component("kube-apiserver", _api_server(), "https", f"{addresses.API_URL}/readyz", after=("etcd",)),
        Component("access", _access(), "exit", after=("kube-apiserver",)),
        Component(
            "kube-controller-manager", _controller_manager(), "tcp", "127.0.0.1:10257", after=("kube-apiserver",)
        ),
        Component("kube-scheduler", _scheduler(), "tcp", "127.0.0.1:10259", after=("kube-apiserver",)),
        Component(
            "kubelet",
            _kubelet(),
            "tcp",
            f"{addresses.NODE}:{addresses.KUBELET_PORT}",
            after=("pause-image", "kube-apiserver"),
        ),
        Component("kube-proxy", _kube_proxy(), "tcp", "127.0.0.1:10256", after=("kube-apiserver",)),
        Component("coredns", _coredns(), "tcp", f"{addresses.NODE}:{addresses.DNS_PORT}", after=("access",)),
    )


def import_command(archive: str, snapshotter: str) -> tuple[str, ...]:
    """Load an image archive (docker-archive or oci-archive; ``-`` is standard input) where the kubelet sees it."""
    return ("ctr", "--namespace", "k8s.io", "images", "import", "--snapshotter", snapshotter, archive)


def document(
    tools: Mapping[str, str], hierarchies: Sequence[Hierarchy], snapshotter: str, host_addresses: Sequence[str]
) -> str:
    """The plan as JSON, for the node's first process."""
    plan: dict[str, Any] = {
        "node_name": addresses.NODE_NAME,
        "node_dir": NODE_DIR,
        "cgroups": [str(h.mount / addresses.CGROUP / "system" / "cgroup.procs") for h in hierarchies],
        "tools": dict(tools),
        "mounts": [asdict(mount) for mount in mounts()],
        "links": links(host_addresses),
        "kernel": kernel_settings(),
        "pretended": KUBELET_KERNEL_SETTINGS,
        "environment": ENVIRONMENT,
        "components": [asdict(component) for component in components(snapshotter)],
        "ca": f"{NODE_DIR}/pki/ca.crt",
        "snapshotter": snapshotter,
    }
    return json.dumps(plan, indent=1)


def links(host_addresses: Sequence[str]) -> list[str]:
    """The node's end of the network, as lines for ``ip -batch``.

    There are routes to this machine's own addresses and to nothing else: the cluster reaches nothing beyond the
    machine, and with the strict reverse-path check nothing beyond it reaches the cluster, even where the machine
    forwards packets.
    """
    interface = addresses.NODE_INTERFACE
    return [
        "link set lo up",
        f"address add {addresses.NODE}/{addresses.LINK.prefixlen} dev {interface}",
        f"link set {interface} up",
        *(f"route add {address}/32 via {addresses.HOST}" for address in host_addresses),
        "route add unreachable default",
        # A program of the node itself has to find a route before kube-proxy translates a ClusterIP. Nothing answers
        # at this one's end, so an address of no Service is refused instead of travelling in a circle.
        f"route add {addresses.SERVICES} dev {interface}",
    ]


def files(cni_plugins: str, snapshotter: str) -> dict[str, str]:
    """Every configuration file, by its path in the cluster's folder."""
    return {
        "containerd.toml": configuration.containerd(cni_plugins, snapshotter),
        "cni/10-pixel.conflist": json.dumps(configuration.cni(), indent=1),
        "kubelet.json": json.dumps(configuration.kubelet(), indent=1),
        "kube-proxy.json": json.dumps(configuration.kube_proxy(), indent=1),
        "access.json": json.dumps(configuration.access(), indent=1),
        "Corefile": configuration.corefile(),
        "resolv.conf": f"nameserver {addresses.NODE}\n",
    }


def _tool(name: str) -> str:
    return f"{NODE_DIR}/bin/{name}"


def _flags(**values: object) -> tuple[str, ...]:
    return tuple(f"--{name.replace('_', '-')}={value}" for name, value in values.items())


def _key(name: str) -> str:
    return f"{NODE_DIR}/pki/{name}"


def _etcd() -> tuple[str, ...]:
    return (
        _tool("etcd"),
        *_flags(
            name=addresses.NODE_NAME,
            data_dir=f"{NODE_DIR}/etcd",
            listen_client_urls=addresses.ETCD_URL,
            advertise_client_urls=addresses.ETCD_URL,
            listen_peer_urls="http://127.0.0.1:0",
            cert_file=_key("etcd.crt"),
            key_file=_key("etcd.key"),
            trusted_ca_file=_key("ca.crt"),
            client_cert_auth="true",
            # What a power cut may lose here is removed when the cluster stops anyway.
            unsafe_no_fsync="true",
            log_level="warn",
        ),
    )


def _api_server() -> tuple[str, ...]:
    return (
        _tool("kube-apiserver"),
        *_flags(
            advertise_address=addresses.NODE,
            bind_address=addresses.NODE,
            secure_port=addresses.API_PORT,
            etcd_servers=addresses.ETCD_URL,
            etcd_cafile=_key("ca.crt"),
            etcd_certfile=_key("apiserver-etcd-client.crt"),
            etcd_keyfile=_key("apiserver-etcd-client.key"),
            tls_cert_file=_key("apiserver.crt"),
            tls_private_key_file=_key("apiserver.key"),
            client_ca_file=_key("ca.crt"),
            authorization_mode="Node,RBAC",
            enable_admission_plugins="NodeRestriction",
            allow_privileged="true",
            service_cluster_ip_range=addresses.SERVICES,
            service_account_issuer=f"https://kubernetes.default.svc.{addresses.CLUSTER_DOMAIN}",
            service_account_key_file=_key("service-account.pub"),
            service_account_signing_key_file=_key("service-account.key"),
            kubelet_certificate_authority=_key("ca.crt"),
            kubelet_client_certificate=_key("apiserver-kubelet-client.crt"),
            kubelet_client_key=_key("apiserver-kubelet-client.key"),
            kubelet_preferred_address_types="InternalIP",
            requestheader_client_ca_file=_key("front-proxy-ca.crt"),
            requestheader_allowed_names="front-proxy-client",
            requestheader_extra_headers_prefix="X-Remote-Extra-",
            requestheader_group_headers="X-Remote-Group",
            requestheader_username_headers="X-Remote-User",
            proxy_client_cert_file=_key("front-proxy-client.crt"),
            proxy_client_key_file=_key("front-proxy-client.key"),
        ),
    )


def _access() -> tuple[str, ...]:
    admin = f"--kubeconfig={NODE_DIR}/admin.kubeconfig"
    return (_tool("kubectl"), admin, "create", "--validate=false", f"--filename={NODE_DIR}/access.json")


def _controller_manager() -> tuple[str, ...]:
    kubeconfig = f"{NODE_DIR}/kube-controller-manager.kubeconfig"
    return (
        _tool("kube-controller-manager"),
        *_flags(
            kubeconfig=kubeconfig,
            authentication_kubeconfig=kubeconfig,
            authorization_kubeconfig=kubeconfig,
            bind_address="127.0.0.1",
            leader_elect="false",
            use_service_account_credentials="true",
            root_ca_file=_key("ca.crt"),
            cluster_signing_cert_file=_key("ca.crt"),
            cluster_signing_key_file=_key("ca.key"),
            service_account_private_key_file=_key("service-account.key"),
            flex_volume_plugin_dir="/var/lib/kubelet/volume-plugins",
            kube_api_qps=200,
            kube_api_burst=400,
        ),
    )


def _scheduler() -> tuple[str, ...]:
    kubeconfig = f"{NODE_DIR}/kube-scheduler.kubeconfig"
    return (
        _tool("kube-scheduler"),
        *_flags(
            kubeconfig=kubeconfig,
            authentication_kubeconfig=kubeconfig,
            authorization_kubeconfig=kubeconfig,
            bind_address="127.0.0.1",
            leader_elect="false",
            kube_api_qps=200,
            kube_api_burst=400,
        ),
    )


def _kubelet() -> tuple[str, ...]:
    return (
        _tool("kubelet"),
        *_flags(
            config=f"{NODE_DIR}/kubelet.json",
            kubeconfig=f"{NODE_DIR}/kubelet.kubeconfig",
            hostname_override=addresses.NODE_NAME,
            node_ip=addresses.NODE,
        ),
    )


def _kube_proxy() -> tuple[str, ...]:
    return (_tool("kube-proxy"), *_flags(config=f"{NODE_DIR}/kube-proxy.json"))


def _coredns() -> tuple[str, ...]:
    return (_tool("coredns"), "-conf", f"{NODE_DIR}/Corefile")
