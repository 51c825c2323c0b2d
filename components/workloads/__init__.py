"""What the program itself runs in the cluster, and the names that these parts share."""

PLATFORM_NAMESPACE = "pixel"
"""Matchmaker and TURN."""
INSTANCES_NAMESPACE = "pixel-instances"
"""Every instance of every application."""
OWN_NAMESPACES = (PLATFORM_NAMESPACE, INSTANCES_NAMESPACE)
"""Where the project's images and the applications' run."""
INSTANCES_ACCOUNT = "instance"
"""The service account of instances: no rights, no token."""

INGRESS_NAMESPACE = "ingress"
CERTIFICATES_NAMESPACE = "cert-manager"
MONITORING_NAMESPACE = "monitoring"
KEDA_NAMESPACE = "keda"
DNS_NAMESPACE = "external-dns"

TURN_SECRET = "turn-secret"  # noqa: S105 - the name of the object
TURN_CERTIFICATE = "turn-tls"
"""The Secret with TURN's certificate, in a stack that has one."""
TURN_REALM = "pixel"
TICKET_SECRET = "ticket-key"  # noqa: S105 - the name of the object
"""What the matchmaker signs tickets with."""
TICKET_KEYS = "ticket-keys"
"""The ConfigMap with what instances prove them by."""

USER = 10001
"""User and group of every container of ours and of every application, but for those below."""
SIDECAR_USER = 10002
"""The sidecar's: in a pod whose containers see each other's processes, the same user could read their memory."""
CPU_EXPORTER_USER = 10003
"""The CPU exporter's, for the same reason."""
