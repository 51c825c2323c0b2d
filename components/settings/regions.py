"""Several regions: who this one is, who the others are, and the name that leads to the nearest."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any

from components.settings.ingress import CertificatesSettings, IngressSettings
from components.settings.reading import Reader, Refusals

_NAME = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME_FORM = 'lower-case letters, digits and hyphens, such as "frankfurt"'
_HOST = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}"
_ZONE = r"ocid1\.dns-zone\.oc\d+\.[a-z0-9-]*\.\w+"


class Continent(StrEnum):
    """Where players are, as DNS tells."""

    AFRICA = "africa"
    ASIA = "asia"
    EUROPE = "europe"
    NORTH_AMERICA = "north-america"
    SOUTH_AMERICA = "south-america"
    OCEANIA = "oceania"


@dataclass(frozen=True)
class Place:
    """In degrees; whole ones will do."""

    latitude: int
    """Degrees, north of the equator."""
    longitude: int
    """Degrees, east of Greenwich."""


@dataclass(frozen=True)
class Peer:
    """Another region."""

    name: str
    """The name that it has itself in its own stack."""
    url: str
    """Of its player page."""
    place: Place | None
    weight: int
    """Where places are not given, the higher is tried first."""
    continents: tuple[Continent, ...]
    """Of the players who belong there."""

    @property
    def host(self) -> str:
        """The host of its page."""
        return self.url.removeprefix("https://").removesuffix("/")


@dataclass(frozen=True)
class SteeringSettings:
    """`regions.steering`: this stack makes the policy of the name that all regions share."""

    zone_id: str
    """OCID of the zone in OCI DNS that the name is in."""
    ttl: int
    """Seconds that an answer is kept; a region that fails is found for so long."""


@dataclass(frozen=True)
class RegionsSettings:
    """The `regions` key; without it there is one region, without a name."""

    name: str = ""
    """This region's."""
    place: Place | None = None
    continents: tuple[Continent, ...] = ()
    """Of the players who belong here."""
    peers: tuple[Peer, ...] = ()
    """The other regions."""
    domain: str | None = None
    """The name that leads to the nearest region; each region answers to it beside its own."""
    networks: tuple[IPv4Network, ...] = field(default=())
    """Where the peers' load balancers are; empty for anywhere on the internet."""
    steering: SteeringSettings | None = None


def read_regions(reader: Reader) -> RegionsSettings:
    """Read the `regions` key."""
    if not reader.values:
        reader.close()
        return RegionsSettings()
    settings = RegionsSettings(
        name=reader.text("name", _NAME, _NAME_FORM),
        place=_read_place(reader),
        continents=_read_continents(reader),
        peers=tuple(_read_peer(peer) for peer in reader.sections("peers")),
        domain=reader.text("domain", _HOST, 'a host name such as "play.example.com"') if reader.has("domain") else None,
        networks=reader.networks("networks"),
        steering=_read_steering(reader.section("steering")) if reader.has("steering") else None,
    )
    reader.close()
    return settings


def _read_peer(reader: Reader) -> Peer:
    peer = Peer(
        name=reader.text("name", _NAME, _NAME_FORM),
        url=reader.text("url", rf"https://{_HOST}/", 'the address of its page, such as "https://play-eu.example.com/"'),
        place=_read_place(reader),
        weight=reader.whole("weight", 0, 1000, 0),
        continents=_read_continents(reader),
    )
    reader.close()
    return peer


def _read_place(reader: Reader) -> Place | None:
    if not (reader.has("latitude") or reader.has("longitude")):
        return None
    return Place(reader.whole("latitude", -90, 90), reader.whole("longitude", -180, 180))


def _read_continents(reader: Reader) -> tuple[Continent, ...]:
    known = [continent.value for continent in Continent]
    form = f"one of {', '.join(known)}"
    return tuple(Continent(each) for each in reader.texts("continents", "|".join(known), form, []))


def _read_steering(reader: Reader) -> SteeringSettings:
    settings = SteeringSettings(
        zone_id=reader.text("zone_id", _ZONE, 'the OCID of a zone, "ocid1.dns-zone.oc1..…"'),
        ttl=reader.whole("ttl", 1, 3600, 30),
    )
    reader.close()
    return settings


def check_regions(
    regions: RegionsSettings,
    domain: str | None,
    ingress: IngressSettings,
    certificates: CertificatesSettings,
    refusals: Refusals,
) -> None:
    """Refuse regions that could not find each other, and a shared name that nothing could prove or reach."""
    if regions == RegionsSettings():
        return
    names = [regions.name, *(peer.name for peer in regions.peers)]
    for i, peer in enumerate(regions.peers):
        if peer.name in names[: i + 1]:
            key, remedy = f"pixel:regions.peers[{i}].name", "Give each region a name of its own"
            refusals.add(key, peer.name, "the name of another region", remedy)
        if domain == peer.host:
            key, remedy = f"pixel:regions.peers[{i}].url", "Name the other region's own domain"
            refusals.add(key, peer.url, "this region's own address", remedy)
    if not (ingress.enabled and certificates.enabled and domain):
        problem = "set in a stack that others cannot reach by https under a name of its own"
        remedy = "Set pixel:domain, ingress.enabled and certificates.enabled, or leave regions out"
        refusals.add("pixel:regions.name", regions.name, problem, remedy)
    if regions.domain is not None:
        _check_domain(regions, regions.domain, domain, certificates, refusals)
    elif regions.steering is not None:
        remedy = "Set regions.domain to the name of all regions, or leave steering out"
        refusals.add("pixel:regions.steering", _shown(regions.steering), "a policy for no name", remedy)


def _check_domain(
    regions: RegionsSettings,
    shared: str,
    domain: str | None,
    certificates: CertificatesSettings,
    refusals: Refusals,
) -> None:
    if shared == domain or shared in (peer.host for peer in regions.peers):
        remedy = "Use a name that is no single region's"
        refusals.add("pixel:regions.domain", shared, "the name of one region", remedy)
    if certificates.enabled and certificates.dns01 is None:
        remedy = "Set certificates.dns01: a challenge by HTTP would reach whichever region is near Let's Encrypt"
        refusals.add("pixel:regions.domain", shared, "a name that leads to several places", remedy)


def _shown(steering: SteeringSettings) -> dict[str, Any]:
    return {"zone_id": steering.zone_id, "ttl": steering.ttl}
