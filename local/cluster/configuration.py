"""The configuration files of the node's components, as data."""

from typing import Any

from local.cluster import addresses
from local.cluster.addresses import NODE_DIR

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"

CONTAINERD = """version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
# Of no use here; the last one would make a folder outside the cluster's own.
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.opt",
]

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_image}"
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  # Lowering a score takes CAP_SYS_RESOURCE, which a container or a small virtual machine may lack.
  restrict_oom_score_adj = true
  # Its profile would be loaded into the machine's kernel and stay there.
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_plugins}"
    conf_dir = "{directory}/cni"
"""

COREFILE = """{domain}:{port} in-addr.arpa:{port} {{
    errors
    kubernetes {domain} in-addr.arpa {{
        kubeconfig {directory}/coredns.kubeconfig
        pods insecure
        ttl 5
    }}
    cache 5
}}
"""
"""Names outside the cluster are refused at once: there is nothing to forward to."""


def containerd(cni_plugins: str, snapshotter: str) -> str:
    """containerd's TOML; understood from 1.6 on, 2.x migrates it."""
    return CONTAINERD.format(
        socket=CONTAINERD_SOCKET,
        pause_image=addresses.PAUSE_IMAGE,
        snapshotter=snapshotter,
        cni_plugins=cni_plugins,
        directory=NODE_DIR,
    )


def corefile() -> str:
    """CoreDNS on every address of the node: a build without the plugin ``bind`` knows nothing narrower."""
    return COREFILE.format(domain=addresses.CLUSTER_DOMAIN, port=addresses.DNS_PORT, directory=NODE_DIR)


def cni() -> dict[str, Any]:
    """The pods' network: one routed pair a pod.

    Routed and not bridged, because between two pods on one bridge the answers of a ClusterIP come back
    untranslated unless the module br_netfilter is loaded, which is the whole machine's affair.
    """
    ranges = [[{"subnet": str(addresses.PODS), "gateway": str(addresses.PODS[1])}]]
    ipam = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]}
    return {
        "cniVersion": "0.4.0",
        "name": "pixel",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": ipam},
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }


def kubelet() -> dict[str, Any]:
    """KubeletConfiguration: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(addresses.NODE),
        "port": addresses.KUBELET_PORT,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{NODE_DIR}/pki/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{NODE_DIR}/pki/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{NODE_DIR}/pki/kubelet-server.key",
        "clusterDNS": [str(addresses.NODE)],
        "clusterDomain": addresses.CLUSTER_DOMAIN,
        "resolvConf": f"{NODE_DIR}/resolv.conf",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{addresses.CGROUP}",
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "maxOpenFiles": 65536,
        # An image that is removed cannot be pulled again: there is no registry.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "200Mi", "imagefs.available": "200Mi"},
        "podPidsLimit": 4096,
        "maxPods": 110,
        "serializeImagePulls": False,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
    }


def kube_proxy() -> dict[str, Any]:
    """KubeProxyConfiguration; leaves the connection-tracking limits, which are the machine's, alone."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": f"{NODE_DIR}/kube-proxy.kubeconfig"},
        "clusterCIDR": str(addresses.PODS),
        "hostnameOverride": addresses.NODE_NAME,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "iptables": {"minSyncPeriod": "100ms"},
    }


def access() -> dict[str, Any]:
    """What the API server may do at the kubelet, and what CoreDNS may read."""
    reads = {"verbs": ["list", "watch"]}
    core = {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], **reads}
    slices = {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], **reads}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    items = [
        {**role, "metadata": {"name": "system:coredns"}, "rules": [core, slices]},
        _binding("system:coredns", role="system:coredns", user="system:coredns"),
        _binding("pixel:apiserver-kubelet", role="system:kubelet-api-admin", user="kube-apiserver-kubelet-client"),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _binding(name: str, role: str, user: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
