"""Every port that the program opens, probes or configures."""

KUBERNETES_API = 6443
OKE_CONTROL_PLANE = 12250
"""Where nodes register with Oracle's side of the cluster."""
KUBE_PROXY_HEALTH = 10256
"""What a load balancer probes on each of its backends."""
NODE_PORTS = (30000, 32767)
"""Backends of load balancers: Kubernetes' default range."""

DNS = 53
HTTP = 80
HTTPS = 443
INGRESS_LISTENERS = {"web": 8000, "websecure": 8443}
"""Where Traefik's pods listen, by entry point; no port below 1024, and so no capability."""

TURN = 3478
TURN_TLS = 5349
TURN_RELAY = (49152, 65535)
"""Ports that coturn hands out to allocations, by TCP and UDP."""
TURN_METRICS = 9641
"""Metrics and status of a TURN node, on its internal address; no security list opens it to the internet."""
TURN_CONTROL = 9642
"""Where a TURN node is drained; bound to its loopback only."""
TURN_CONSOLE = 9643
"""coturn's console; bound to its node's loopback only."""

REDIS = 6379
REDIS_EXPORTER = 9121
"""The metrics of Valkey in the cluster; its chart's port."""

SIDECAR_STREAMER = 8888
"""Where the application reaches its sidecar; bound to localhost only."""
PLAYERS = 3000
"""Where the sidecar admits players, and where the matchmaker does."""
OPERATIONS = 8080
"""The session API and the operator page of the matchmaker."""
OBSERVATION = 9000
"""Health and metrics of the matchmaker, the sidecar and the fleet controller."""
CPU_EXPORTER = 9001
"""What each process of an instance uses; beside the sidecar's own metrics, in the same pod."""

METRICS_OF_ADDONS = {
    "traefik": 9100,
    "cert-manager": 9402,
    "keda": 8080,
    "external-dns": 7979,
    "cluster-dns": 9153,
}
"""Where what the charts install, and the cluster's DNS, answers Prometheus."""
WEBHOOKS = {"cert-manager": (10250,), "keda": (9443, 6443), "monitoring": (10250,)}
"""Where add-ons answer the API server: webhooks, and the metrics that KEDA gives to autoscalers."""
ACME_SOLVER = 8089
"""Where the pods that answer Let's Encrypt's challenges listen."""
GRAFANA = 3000
PROMETHEUS = 9090
