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

USER = 10001
"""User and group of every container of ours and of every application."""
CPU_EXPORTER_USER = 10003
"""The CPU exporter's, who shares a process namespace with the application."""
