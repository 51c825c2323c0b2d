"""The kubeconfig that stands for a cluster's: the local cluster's, or one whose endpoint nobody can reach."""

import json
from pathlib import Path

from local.provider import ProviderError


def cluster_kubeconfig(path: str | None) -> str:
    """Content of the file at ``path``; without one a well-formed kubeconfig whose server never resolves (RFC 2606).

    The cloud's own kubeconfig runs the cloud's command line for a token, which is of no use without the cloud.
    Raises ``ProviderError`` when the file is not there.
    """
    if path:
        try:
            return Path(path).read_text()
        except OSError as error:
            raise ProviderError(
                f"PIXEL_OCI_KUBECONFIG = {path} cannot be read ({error.strerror}): start the local cluster, or unset it"
            ) from error
    # JSON is YAML, and quoting is then nobody's concern.
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "simulated", "cluster": {"server": "https://simulated.invalid:6443"}}],
        "users": [{"name": "simulated", "user": {"token": "simulated"}}],
        "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "simulated"}}],
        "current-context": "simulated",
    }
    return json.dumps(document, indent=2)
