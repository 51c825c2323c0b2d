"""Every version that the program itself pins. Images and the patch level of Kubernetes belong to the stack files."""

KUBERNETES_MINORS = ("1.34", "1.35", "1.36")
"""Minor versions that OKE offers; it supports three at a time.

https://docs.oracle.com/iaas/Content/ContEng/Concepts/contengaboutk8sversions.htm
"""

KUBECONFIG_TOKEN = "2.0.0"  # noqa: S105 - a version, not a token
"""The only kubeconfig format that OKE still issues: a plugin call that mints short-lived tokens."""
