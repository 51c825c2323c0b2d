"""What makes a stack reachable: the way in, its certificates and its names, as far as the stack has them."""

from collections.abc import Mapping, Sequence

import pulumi

from components.addons.certificates import Certificates, CertificatesArgs
from components.addons.dns import Dns, DnsArgs
from components.addons.ingress import Ingress, IngressArgs
from components.foundation import Foundation
from components.settings import Settings


def open_up(  # noqa: PLR0917 - as many things as it joins
    its: Settings,
    foundation: Foundation,
    namespaces: pulumi.Resource,
    tags: Mapping[str, str],
    after: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> Ingress | None:
    """The way in, or None in a stack that has none; `opts` brings the region's provider and the cluster's.

    `after` is what must be there before: the kinds of monitoring, and the rights of external-dns.
    """
    if not its.ingress.enabled:
        return None
    ingress = Ingress("ingress", IngressArgs(its, foundation.network, namespaces, foundation.nodes, tags, after), opts)
    if its.certificates.enabled:
        Certificates("certificates", CertificatesArgs(its, ingress, namespaces, foundation.nodes, after), opts)
    if its.dns.enabled:
        Dns("dns", DnsArgs(its, namespaces, foundation.nodes, [*ingress.kinds, *after]), opts)
    return ingress
