"""Who is told of an alert: the stack's receivers as an AlertmanagerConfig, and their keys in one Secret beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components import manifests
from components.secrets import kubernetes_secret, read_back, word_of
from components.settings.alerts import Receiver
from components.workloads import MONITORING_NAMESPACE

NAME = "pixel"
SECRET = "alert-receivers"  # noqa: S105 - the name of the object

INHIBITIONS: Sequence[tuple[str, tuple[str, ...], tuple[str, ...]]] = (
    # What nobody can act on while its cause lasts: cause, effects, labels that both must have alike.
    ("PixelMatchmakerDown", ("PixelQueueGrowing", "PixelPlayersWaitLong", "PixelBufferEmpty"), ()),
    ("PixelCapReached", ("PixelBufferEmpty", "PixelPlayersWaitLong"), ()),
    ("PixelVersionFailing", ("PixelSessionsFailing",), ("application",)),
    ("PixelGpuFault", ("PixelInstanceNotReady", "PixelGpuHot"), ("node",)),
    ("KubeNodeNotReady", ("PixelSidecarDown", "PixelInstanceNotReady"), ("node",)),
    ("PixelCertificateNotReady", ("PixelCertificateEnding",), ("exported_namespace", "name")),
)

TEXTS: Mapping[str, str] = {
    # Alertmanager's own templates. Cluster and region are labels that Prometheus adds to each alert.
    "title": (
        "[{{ .Status | toUpper }}] {{ .CommonLabels.cluster }}: {{ with .CommonAnnotations.summary }}{{ . }}"
        "{{ else }}{{ .CommonLabels.alertname }}{{ end }}"
    ),
    "body": "{{ range .Alerts }}{{ .Annotations.description }}\n{{ .Annotations.runbook_url }}\n{{ end }}",
    "severity": '{{ if eq .CommonLabels.severity "critical" }}critical{{ else }}warning{{ end }}',
}


@dataclass
class AlertsArgs:
    """What the receivers are made from."""

    receivers: tuple[Receiver, ...]
    namespaces: pulumi.Resource
    monitoring: pulumi.Resource
    """What brings the kind AlertmanagerConfig."""


class Alerts(pulumi.ComponentResource):
    """The receivers. It needs both providers: that of the region reads keys that a vault keeps."""

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:addons:Alerts", name, None, opts)
        secret = kubernetes_secret(
            SECRET,
            MONITORING_NAMESPACE,
            {each.name: self._key(each) for each in args.receivers},
            parent=self,
            depends_on=[args.namespaces],
        )
        options = pulumi.ResourceOptions(parent=self, depends_on=[args.namespaces, secret, args.monitoring])
        manifests.KubernetesObject(configuration(args.receivers), options)
        self.register_outputs({"receivers": [each.name for each in args.receivers]})

    def _key(self, receiver: Receiver) -> pulumi.Output[str]:
        if receiver.key.ocid is None:
            return pulumi.Output.secret(receiver.key.value)
        where = f"pixel:monitoring.alerts, key of {receiver.name},"
        return read_back(receiver.key.ocid, self).apply(lambda content: word_of(content, where))


def configuration(receivers: Sequence[Receiver]) -> dict[str, Any]:
    """The AlertmanagerConfig; it holds no key."""
    (document,) = manifests.render(
        "monitoring/receivers.yaml.j2",
        {
            "name": NAME,
            "namespace": MONITORING_NAMESPACE,
            "secret": SECRET,
            "receivers": receivers,
            "inhibitions": INHIBITIONS,
            "texts": TEXTS,
        },
    )
    return document
