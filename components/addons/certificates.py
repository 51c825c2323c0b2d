"""Certificates: cert-manager, Let's Encrypt's two issuers, and the certificates of the Gateway and of TURN.

The Gateway's names are proved by HTTP-01 through the Gateway itself. TURN's name leads to its nodes, where nothing
listens on port 80 and nothing shall, so it is proved by DNS-01. cert-manager has no solver for OCI DNS and there is no
maintained one to pin; what it speaks itself to any zone is RFC 2136 and acme-dns, and a CNAME from
`_acme-challenge.turn.<domain>` in OCI DNS leads there. Without `certificates.dns01` TURN has no certificate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components import manifests
from components.addons.helm import Release, pinned
from components.addons.ingress import CERTIFICATE, GATEWAY, Ingress, host
from components.node_pools import DEFAULT_LABEL
from components.settings import Settings
from components.settings.ingress import Issuer
from components.workloads import CERTIFICATES_NAMESPACE, INGRESS_NAMESPACE, PLATFORM_NAMESPACE, TURN_CERTIFICATE

SERVERS = {
    Issuer.STAGING: "https://acme-staging-v02.api.letsencrypt.org/directory",
    Issuer.PRODUCTION: "https://acme-v02.api.letsencrypt.org/directory",
}


@dataclass
class CertificatesArgs:
    """What the certificates are made from."""

    its: Settings
    ingress: Ingress
    namespaces: pulumi.Resource
    nodes: pulumi.Resource
    after: Sequence[pulumi.Resource] = ()
    """What brings the kinds that the release makes objects of, such as ServiceMonitor."""


class Certificates(pulumi.ComponentResource):
    """cert-manager, its issuers and what they sign. Nothing waits for a signature: names must lead here first."""

    def __init__(self, name: str, args: CertificatesArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:certificates:Certificates", name, None, opts)
        self._its = args.its
        release = self._cert_manager(args)
        settings = args.its.certificates
        turn = turn_host(args.its)
        self._issuers = manifests.apply(
            "certificates.yaml.j2",
            {
                "issuers": SERVERS,
                "email": settings.email,
                "gateway": GATEWAY,
                "gateway_namespace": INGRESS_NAMESPACE,
                "default_label": DEFAULT_LABEL,
                "dns01": settings.dns01,
                "dns01_names": [name for name in (turn, args.its.regions.domain) if name],
            },
            parent=self,
            depends_on=[release],
        )
        names = list(args.ingress.hosts.values())
        self._certificate(CERTIFICATE, INGRESS_NAMESPACE, names, [args.namespaces, *args.ingress.gateway])
        if turn:
            self._certificate(TURN_CERTIFICATE, PLATFORM_NAMESPACE, [turn], [args.namespaces])
        self.register_outputs({"issuer": settings.issuer.value})

    def _cert_manager(self, args: CertificatesArgs) -> Release:
        values = manifests.chart_values(
            "cert-manager",
            {
                "namespace": CERTIFICATES_NAMESPACE,
                "default_label": DEFAULT_LABEL,
                "dns01": args.its.certificates.dns01 is not None,
                "monitoring": args.its.monitoring.enabled,
            },
        )
        release = pinned("cert-manager", CERTIFICATES_NAMESPACE, values, args.its.mirrors)
        # It looks for Gateway API once, when it starts.
        after = [args.namespaces, args.nodes, *args.ingress.kinds, *args.after]
        return Release("cert-manager", release, pulumi.ResourceOptions(parent=self, depends_on=after))

    def _certificate(
        self, secret: str, namespace: str, names: Sequence[pulumi.Input[str]], after: Sequence[pulumi.Resource]
    ) -> None:
        issuer = self._its.certificates.issuer
        values = {"secret": secret, "namespace": namespace, "issuer": issuer}
        (document,) = manifests.render("certificate.yaml.j2", values)
        document["spec"]["dnsNames"] = list(names)
        options = pulumi.ResourceOptions(parent=self, depends_on=[*self._issuers, *after])
        manifests.KubernetesObject(document, options)


def turn_host(its: Settings) -> str | None:
    """The name on TURN's certificate; None in a stack that cannot have one."""
    return host("turn", its.domain) if its.domain and its.certificates.dns01 else None
