"""The Oracle services that a service gateway opens, per region."""

from dataclasses import dataclass

from local.oci.identifiers import ocid
from local.oci.regions import Region


@dataclass(frozen=True)
class Service:
    """One entry of getServices; ``cidr_block`` is a label that rules name, no address range."""

    id: str
    name: str
    cidr_block: str
    description: str


def services_of(region: Region) -> tuple[Service, ...]:
    """All services of the region together, and Object Storage alone."""
    key = region.key.upper()
    names = (
        (f"All {key} Services In Oracle Services Network", f"all-{region.key}-services-in-oracle-services-network"),
        (f"OCI {key} Object Storage", f"oci-{region.key}-objectstorage"),
    )
    return tuple(
        Service(ocid("oci:x:Service", region.name, label.encode()), name, label, name) for name, label in names
    )


def all_services_label(region: Region) -> str:
    """The label that stands for every service of the region."""
    return services_of(region)[0].cidr_block
