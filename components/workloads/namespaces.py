"""The two namespaces, each with the Pod Security level that its pods really meet."""

import pulumi

from components import manifests
from components.workloads import INSTANCES_NAMESPACE, PLATFORM_NAMESPACE


class Namespaces(pulumi.ComponentResource):
    """Where the platform runs, and where instances do."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:namespaces:Namespaces", name, None, opts)
        manifests.apply(
            "namespaces.yaml.j2",
            {"platform_namespace": PLATFORM_NAMESPACE, "instances_namespace": INSTANCES_NAMESPACE},
            parent=self,
        )
        self.register_outputs({"platform": PLATFORM_NAMESPACE, "instances": INSTANCES_NAMESPACE})
