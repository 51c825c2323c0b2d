"""The kubeconfig that stands for a cluster's: the local cluster's, or one whose endpoint nobody can reach."""

import json
from pathlib import Path

from local.provider import ProviderError


def cluster_kubeconfig(path: str | None, cluster_id: str, region: str) -> str:
    """Content of the file at ``path``; without one a well-formed kubeconfig whose server never resolves (RFC 2606).

    Raises ``ProviderError`` when the file is not there.
    """
    if path:
        try:
            return Path(path).read_text()
        except OSError as error:
            raise ProviderError(
                f"PIXEL_OCI_KUBECONFIG = {path} cannot be read ({error.strerror}): start the local cluster, or unset it"
            ) from error
    arguments = ["ce", "cluster", "generate-token", "--cluster-id", cluster_id, "--region", region]
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "oci", "args": arguments, "env": []}
    }
    # JSON is YAML, and quoting is then nobody's concern.
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "simulated", "cluster": {"server": "https://simulated.invalid:6443"}}],
        "users": [{"name": "simulated", "user": user}],
        "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "simulated"}}],
        "current-context": "simulated",
    }
    return json.dumps(document, indent=2)
