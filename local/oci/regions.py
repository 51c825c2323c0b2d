"""Regions, their keys and availability domains.

Source: https://docs.oracle.com/en-us/iaas/Content/General/Concepts/regions.htm. Names of availability domains carry a
prefix of four letters that is the tenancy's own, so any prefix is taken.
"""

import re
from dataclasses import dataclass

TENANCY_PREFIX = "Uocm"
"""The simulated tenancy's prefix of availability domain names."""


@dataclass(frozen=True)
class Region:
    """One region: its name, the key in OCIDs and registry names, and how many availability domains it has."""

    name: str
    key: str
    domains: int = 1
    domain_stem: str = ""
    """What stands before ``-AD-n`` where that is not the region's name."""

    def domain_names(self) -> tuple[str, ...]:
        """The simulated tenancy's names of the availability domains."""
        stem = self.domain_stem or self.name.upper()
        return tuple(f"{TENANCY_PREFIX}:{stem}-AD-{number}" for number in range(1, self.domains + 1))

    def has_domain(self, name: str) -> bool:
        """Whether ``name`` is an availability domain here, with any tenancy's prefix."""
        known = {each.split(":", 1)[1] for each in self.domain_names()}
        found = re.fullmatch(r"[A-Za-z0-9]{4}:(.+)", name)
        return found is not None and found.group(1).upper() in known


_MULTIPLE = (
    Region("us-ashburn-1", "iad", 3, "US-ASHBURN"),
    Region("us-phoenix-1", "phx", 3, "PHX"),
    Region("eu-frankfurt-1", "fra", 3),
    Region("uk-london-1", "lhr", 3),
    Region("us-chicago-1", "ord", 3),
)

_SINGLE = """
af-johannesburg-1 jnb, ap-batam-1 hsg, ap-chuncheon-1 yny, ap-hyderabad-1 hyd, ap-melbourne-1 mel, ap-mumbai-1 bom,
ap-osaka-1 kix, ap-seoul-1 icn, ap-singapore-1 sin, ap-singapore-2 xsp, ap-sydney-1 syd, ap-tokyo-1 nrt,
ca-montreal-1 yul, ca-toronto-1 yyz, eu-amsterdam-1 ams, eu-madrid-1 mad, eu-madrid-3 orf, eu-marseille-1 mrs,
eu-milan-1 lin, eu-paris-1 cdg, eu-stockholm-1 arn, eu-turin-1 nrq, eu-zurich-1 zrh, il-jerusalem-1 mtz,
me-abudhabi-1 auh, me-dubai-1 dxb, me-jeddah-1 jed, me-riyadh-1 ruh, mx-monterrey-1 mty, mx-queretaro-1 qro,
sa-bogota-1 bog, sa-santiago-1 scl, sa-saopaulo-1 gru, sa-valparaiso-1 vap, sa-vinhedo-1 vcp, uk-cardiff-1 cwl,
us-saltlake-2 aga, us-sanjose-1 sjc
"""

REGIONS: dict[str, Region] = {region.name: region for region in _MULTIPLE} | {
    name: Region(name, key) for name, key in (pair.split() for pair in _SINGLE.split(","))
}
"""Every region of the commercial realm, by name."""
