"""Rules for DHCP options. Source: https://docs.oracle.com/en-us/iaas/Content/Network/Tasks/managingDHCP.htm."""

from collections.abc import Iterator

from local.oci.model import Resource, World
from local.oci.refusal import INVALID, LIMIT, MISSING, Refusal

SERVERS = ("VcnLocal", "VcnLocalPlusInternet", "CustomDnsServer")
CUSTOM_SERVERS = 3


def options_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """An option names DNS servers or a search domain, with what that needs."""
    del world
    options = resource.inputs.get("options")
    for index, option in enumerate(options if isinstance(options, list) else []):
        if not isinstance(option, dict) or not isinstance(kind := option.get("type"), str):
            continue
        at = f"options[{index}]"
        if kind == "DomainNameServer":
            yield from _server(at, option)
        elif kind == "SearchDomain":
            if not option.get("searchDomainNames"):
                yield Refusal(MISSING, f"{at}.searchDomainNames", None, "a search domain needs a name", "Give one name")
        else:
            yield Refusal(
                INVALID, f"{at}.type", kind, "there is no such option", "Write DomainNameServer or SearchDomain"
            )


def _server(at: str, option: dict[str, object]) -> Iterator[Refusal]:
    kind, custom = option.get("serverType"), option.get("customDnsServers")
    if isinstance(kind, str) and kind not in SERVERS:
        yield Refusal(INVALID, f"{at}.serverType", kind, "there is no such server type", f"Write {', '.join(SERVERS)}")
    elif kind == "CustomDnsServer" and not custom:
        yield Refusal(MISSING, f"{at}.customDnsServers", None, "CustomDnsServer needs addresses", "Give one to three")
    elif isinstance(custom, list) and len(custom) > CUSTOM_SERVERS:
        yield Refusal(LIMIT, f"{at}.customDnsServers", len(custom), "there are at most three", "Remove some")
