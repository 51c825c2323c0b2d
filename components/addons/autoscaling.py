"""What changes the number of nodes and of pods: the cluster autoscaler, metrics-server and KEDA."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components import manifests, oci
from components.addons.helm import Release, pinned
from components.foundation import Foundation
from components.node_pools import DEFAULT_LABEL, KIND_LABEL, PoolPlan
from components.oci import OciResource
from components.settings import Settings
from components.workloads import INSTANCES_NAMESPACE, KEDA_NAMESPACE

SYSTEM_NAMESPACE = "kube-system"

_ADDON_TIMEOUT = "30m"
"""An add-on often takes longer than the provider's own 20 minutes."""

_KEDA_PARTS: Mapping[str, str] = {
    "operator": "keda-operator",
    "metricsServer": "keda-operator-metrics-apiserver",
    "webhooks": "keda-admission-webhooks",
}
"""Name in the chart's values, and the label `app` of its pods."""

_AUTOSCALER: Mapping[str, str] = {
    "authType": "workload",
    # One leads, the other takes over.
    "numOfReplicas": "2",
    "nodeSelectors": json.dumps({DEFAULT_LABEL: "true"}),
    "cluster-autoscaler.ContainerResources": json.dumps(
        {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    ),
    "expander": "least-waste",
    "balanceSimilarNodeGroups": "true",
    "balancingLabel": KIND_LABEL,
    # The program leaves the sizes of these pools alone, so that a larger `min` takes effect only by this.
    "enforceNodeGroupMinSize": "true",
    # A node with a GPU, its driver and its images takes up to 12 minutes, and waits in a queue before that.
    "maxNodeProvisionTime": "25m",
    # Longer than a node takes to come back, so that one player between two others does not cost a cold start.
    "scaleDownUnneededTime": "15m",
    # Idle instances have scratch space in `emptyDir`s, and every node some pod of kube-system: neither keeps a node. A
    # session does, since its pod has left its fleet, and a pod that nothing would start again is never moved.
    "skipNodesWithLocalStorage": "false",
    "skipNodesWithSystemPods": "false",
    "ignoreDaemonsetsUtilization": "true",
    "emitPerNodegroupMetrics": "true",
}
"""Arguments of the add-on, all texts.

https://docs.oracle.com/iaas/Content/ContEng/Tasks/configuration-arguments-cluster-autoscaler.htm
"""


@dataclass
class AutoscalingArgs:
    """What autoscaling is made from."""

    its: Settings
    foundation: Foundation
    policies: Sequence[pulumi.Resource]
    """The right to change node pools; empty where no pool is autoscaled."""
    namespaces: pulumi.Resource
    monitoring: pulumi.Resource | None
    """What brings the kind ServiceMonitor, and scrapes; None where nothing does."""


class Autoscaling(pulumi.ComponentResource):
    """OKE's cluster-autoscaler add-on, and the charts of metrics-server and KEDA, each where the stack wants it.

    OKE's metrics-server add-on needs its cert-manager add-on, which excludes the cert-manager chart: hence a chart.
    """

    def __init__(self, name: str, args: AutoscalingArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:addons:Autoscaling", name, None, opts)
        made: list[str] = []
        pools = args.foundation.pools
        if pools and any(plan.autoscaled for plan in pools.plans):
            addon(
                "ClusterAutoscaler",
                args.foundation.cluster.id,
                {"nodes": node_groups(pools.plans, pools.ids), **_AUTOSCALER},
                pulumi.ResourceOptions(parent=self, depends_on=list(args.policies)),
            )
            made.append("cluster-autoscaler")
        for chart, namespace, wanted in (
            ("metrics-server", SYSTEM_NAMESPACE, args.its.autoscaling.metrics_server),
            ("keda", KEDA_NAMESPACE, args.its.autoscaling.keda),
        ):
            if wanted:
                self._release(chart, namespace, args)
                made.append(chart)
        self.register_outputs({"installed": made})

    def _release(self, chart: str, namespace: str, args: AutoscalingArgs) -> None:
        (values,) = manifests.render(
            f"values/{chart}.yaml.j2",
            {
                "cluster": args.its.cluster.name,
                "default_label": DEFAULT_LABEL,
                "instances_namespace": INSTANCES_NAMESPACE,
                "monitored": args.monitoring is not None,
                "parts": _KEDA_PARTS,
            },
        )
        Release(
            chart,
            pinned(chart, namespace, values, args.its.mirrors),
            pulumi.ResourceOptions(
                parent=self,
                depends_on=[args.namespaces, args.foundation.nodes, *([args.monitoring] if args.monitoring else [])],
            ),
        )


def addon(
    name: str,
    cluster_id: pulumi.Input[str],
    arguments: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> OciResource:
    """An add-on of OKE, which Oracle keeps at a version that fits the cluster's.

    An add-on that a cluster has from the start is taken over; one that leaves the program leaves the cluster.
    """
    return OciResource(
        oci.ADDON,
        f"addon-{name}",
        {
            "addonName": name,
            "clusterId": cluster_id,
            "removeAddonResourcesOnDelete": True,
            "overrideExisting": True,
            "configurations": [{"key": key, "value": arguments[key]} for key in sorted(arguments)],
        },
        pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(
                custom_timeouts=pulumi.CustomTimeouts(
                    create=_ADDON_TIMEOUT, update=_ADDON_TIMEOUT, delete=_ADDON_TIMEOUT
                )
            ),
            opts,
        ),
    )


def node_groups(plans: Sequence[PoolPlan], ids: Mapping[str, pulumi.Output[str]]) -> pulumi.Output[str]:
    """The pools that the autoscaler manages, with their bounds, as its add-on wants them."""
    managed = [plan for plan in plans if plan.autoscaled]
    return pulumi.Output.all(*(ids[plan.name] for plan in managed)).apply(
        lambda found: ", ".join(f"{plan.min}:{plan.max}:{id_}" for plan, id_ in zip(managed, found, strict=True))
    )
