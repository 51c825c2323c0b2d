"""Names and addresses of the local cluster; every one of them lies in a range of its own, never on the uplink."""

from ipaddress import IPv4Address, IPv4Network

RANGE = IPv4Network("10.89.0.0/16")
"""All the cluster's addresses; the host routes this range to the node."""
LINK = IPv4Network("10.89.0.0/24")
HOST = IPv4Address("10.89.0.1")
NODE = IPv4Address("10.89.0.2")
PODS = IPv4Network("10.89.64.0/18")
SERVICES = IPv4Network("10.89.128.0/18")
API_SERVICE = IPv4Address("10.89.128.1")
"""The ClusterIP of ``kubernetes.default``: always the first of the service range."""

NODE_NAME = "pixel-local"
HOST_INTERFACE = "pixel-local"
NODE_INTERFACE = "eth0"
CGROUP = "pixel-local"
CLUSTER_DOMAIN = "cluster.local"

API_PORT = 6443
KUBELET_PORT = 10250
ETCD_PORT = 2379
DNS_PORT = 53

API_URL = f"https://{NODE}:{API_PORT}"
ETCD_URL = f"https://127.0.0.1:{ETCD_PORT}"
"""etcd listens on the node's loopback only, which is not the host's."""

NODE_DIR = "/run/pixel-local"
"""Where the node sees ``cluster_dir()``: a short path, as Unix sockets and overlay mounts need."""
PAUSE_IMAGE = "localhost/pixel/pause:1"
