"""How players reach the service: the load balancer, its names, and the certificates for them."""

import re
from dataclasses import dataclass
from enum import StrEnum

from components import ports
from components.settings.reading import PORT, Reader, Refusals

LEAST_MBPS, MOST_MBPS = 10, 8000
"""Bandwidth that OCI gives a flexible load balancer.

https://docs.oracle.com/iaas/Content/Balance/Concepts/load_balancer_types.htm
"""

_HOST = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}"
_SERVER = rf"[A-Za-z0-9.-]+(:{PORT})?"
_OBJECT = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"


class WildcardDns(StrEnum):
    """Public services whose names carry the address that they stand for, such as 192-0-2-1.nip.io."""

    NIP = "nip.io"
    SSLIP = "sslip.io"


class Issuer(StrEnum):
    """Let's Encrypt's two services: staging's certificates are trusted by nobody, and not rationed."""

    STAGING = "staging"
    """Nobody trusts its certificates; to try with."""
    PRODUCTION = "production"
    """Everybody does; failures are counted for a week."""


class Dns01Solver(StrEnum):
    """What cert-manager itself can speak to a name server that is not one vendor's."""

    RFC2136 = "rfc2136"
    """A name server that takes signed updates."""
    ACME_DNS = "acme-dns"
    """A server that has only the challenges' records, which a CNAME leads to."""


class TsigAlgorithm(StrEnum):
    """How an update of a zone is signed."""

    SHA256 = "HMACSHA256"
    SHA512 = "HMACSHA512"


@dataclass(frozen=True)
class IngressSettings:
    """The `ingress` key of a stack file."""

    enabled: bool = False
    """Whether the service is reachable from outside: Traefik behind a load balancer."""
    replicas: int = 2
    """Of Traefik."""
    min_mbps: int = LEAST_MBPS
    """Bandwidth of the load balancer that is paid for in any case."""
    max_mbps: int = 100
    """Bandwidth of the load balancer at most: the page and signalling only, since media passes by it."""
    grafana: bool = True
    """Whether Grafana, where there is one, is reachable from outside."""
    wildcard_dns: WildcardDns = WildcardDns.NIP
    """Whose names stand in for a domain in a stack that has none."""


@dataclass(frozen=True)
class Dns01Settings:
    """`certificates.dns01`: how to prove a name by a record in its zone."""

    solver: Dns01Solver
    """Who writes the record."""
    server: str
    """Name server (host:port) for RFC 2136, address (https://) for acme-dns."""
    secret: str
    """A Secret in the namespace cert-manager, made by hand: its key `credentials` holds the TSIG key (RFC 2136) or the
    account file (acme-dns)."""
    tsig_key: str | None
    """The name of the key that updates are signed with."""
    tsig_algorithm: TsigAlgorithm
    """How they are signed."""

    @property
    def port(self) -> int:
        """Where the server listens."""
        given = re.search(r":(\d+)$", self.server)
        return int(given[1]) if given else ports.DNS if self.solver is Dns01Solver.RFC2136 else ports.HTTPS


@dataclass(frozen=True)
class CertificatesSettings:
    """The `certificates` key of a stack file."""

    enabled: bool = False
    """Whether there is HTTPS: cert-manager, with certificates of Let's Encrypt."""
    issuer: Issuer = Issuer.STAGING
    """Which of Let's Encrypt's services."""
    email: str = ""
    """Whom Let's Encrypt writes to."""
    dns01: Dns01Settings | None = None
    """Needed for TURN's certificate: the name of TURN leads to nodes that nothing on port 80 listens on."""


@dataclass(frozen=True)
class DnsSettings:
    """The `dns` key of a stack file."""

    enabled: bool = False
    """Whether external-dns writes the records of the stack's names."""
    zone: str = ""
    """The zone in OCI DNS, in the stack's compartment, that external-dns writes records into."""


def read_ingress(reader: Reader) -> IngressSettings:
    """Read the `ingress` key; without it nothing is reachable from outside."""
    its = IngressSettings
    settings = IngressSettings(
        enabled=_flag(reader, "enabled", its.enabled),
        replicas=reader.whole("replicas", 2, 20, its.replicas),
        min_mbps=reader.whole("min_mbps", LEAST_MBPS, MOST_MBPS, its.min_mbps),
        max_mbps=reader.whole("max_mbps", LEAST_MBPS, MOST_MBPS, its.max_mbps),
        grafana=_flag(reader, "grafana", its.grafana),
        wildcard_dns=reader.choice("wildcard_dns", WildcardDns, its.wildcard_dns),
    )
    reader.close()
    return settings


def read_certificates(reader: Reader) -> CertificatesSettings:
    """Read the `certificates` key; without it everything is plain HTTP."""
    enabled = _flag(reader, "enabled", CertificatesSettings.enabled)
    settings = CertificatesSettings(
        enabled=enabled,
        issuer=reader.choice("issuer", Issuer, CertificatesSettings.issuer),
        email=reader.text("email", r"[^@\s]+@[^@\s]+\.[^@\s]+", 'an address such as "platform@example.com"')
        if enabled or reader.has("email")
        else "",
        dns01=_read_dns01(reader.section("dns01")) if reader.has("dns01") else None,
    )
    reader.close()
    return settings


def read_dns(reader: Reader) -> DnsSettings:
    """Read the `dns` key; without it the records of a domain are made by hand."""
    enabled = _flag(reader, "enabled", DnsSettings.enabled)
    zone = reader.text("zone", _HOST, 'a zone such as "example.com"') if enabled or reader.has("zone") else ""
    reader.close()
    return DnsSettings(enabled, zone)


def _read_dns01(reader: Reader) -> Dns01Settings:
    solver = reader.choice("solver", Dns01Solver)
    rfc2136 = solver is Dns01Solver.RFC2136
    form = 'a name server such as "ns1.example.com:53"' if rfc2136 else 'an address such as "https://acme.example.com"'
    if reader.values.get("solver") != solver:
        # Refused: which of the other keys are right is not known.
        for key in ("server", "secret", "tsig_key", "tsig_algorithm"):
            reader.has(key)
        reader.close()
        return Dns01Settings(solver, "", "", None, TsigAlgorithm.SHA256)
    settings = Dns01Settings(
        solver=solver,
        server=reader.text("server", _SERVER if rfc2136 else rf"https://{_SERVER}", form),
        secret=reader.text("secret", _OBJECT, 'the name of a Secret, such as "dns01"'),
        tsig_key=reader.text("tsig_key", r"[A-Za-z0-9._-]+", 'the name of a TSIG key, such as "cert-manager"')
        if rfc2136
        else None,
        tsig_algorithm=reader.choice("tsig_algorithm", TsigAlgorithm, TsigAlgorithm.SHA256)
        if rfc2136
        else TsigAlgorithm.SHA256,
    )
    reader.close()
    return settings


def check_ingress(
    ingress: IngressSettings,
    certificates: CertificatesSettings,
    dns: DnsSettings,
    domain: str | None,
    refusals: Refusals,
) -> None:
    """Check that bandwidth is a range, and that nothing is set which would do nothing."""
    if ingress.min_mbps > ingress.max_mbps:
        key, remedy = "pixel:ingress.min_mbps", "Use at most that"
        refusals.add(key, ingress.min_mbps, f"more than max_mbps, {ingress.max_mbps}", remedy)
    if certificates.enabled and not ingress.enabled:
        remedy = "Set ingress.enabled to true, or certificates.enabled to false"
        refusals.add("pixel:certificates.enabled", True, "of no use without an ingress", remedy)
    if certificates.dns01 and not certificates.enabled:
        remedy = "Set certificates.enabled to true, or leave dns01 out"
        refusals.add("pixel:certificates.dns01", certificates.dns01.solver, "of no use without certificates", remedy)
    if certificates.dns01 and not domain:
        remedy = f"Set pixel:domain, or leave dns01 out: {ingress.wildcard_dns} takes no records of yours"
        refusals.add("pixel:certificates.dns01", certificates.dns01.solver, "set in a stack without a domain", remedy)
    if dns.enabled and not (ingress.enabled and domain):
        remedy = "Set pixel:domain and ingress.enabled, or dns.enabled to false"
        refusals.add("pixel:dns.enabled", True, "of no use without an ingress and a domain", remedy)
    elif dns.enabled and domain and domain != dns.zone and not domain.endswith(f".{dns.zone}"):
        refusals.add("pixel:dns.zone", dns.zone, f"not a zone of {domain}", "Use the domain or one that it is within")


def _flag(reader: Reader, name: str, default: bool) -> bool:
    return reader.flag(name) if reader.has(name) else default
