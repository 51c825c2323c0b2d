"""``python -m local.kubernetes``: be the plugin; the engine starts it."""

from local.kubernetes.provider import KubernetesProvider
from local.plugin import serve

if __name__ == "__main__":
    serve(KubernetesProvider())
