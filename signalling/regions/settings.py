"""The regions, as the stack decides them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from signalling.outgoing.addresses import RefusedUrl, checked

Name = Annotated[str, Meta(min_length=1, max_length=63, pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a region is, in degrees."""

    latitude: Latitude
    longitude: Longitude


class PeerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another region."""

    name: Name
    url: str
    """Of its player page, ending with a slash."""
    place: Place | None = None
    weight: int = 0
    """Where places are not known, the higher goes first."""

    def __post_init__(self) -> None:
        try:
            checked(self.url, private=True)
        except RefusedUrl as error:
            raise ValueError(f"regions.peers: {error}; use the https address of its player page") from error
        if not self.url.endswith("/"):
            raise ValueError("regions.peers: url has to end with a slash")


class RegionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``regions`` member of the settings file."""

    name: str = ""
    """This one's; empty where there is no other."""
    place: Place | None = None
    peers: tuple[PeerSettings, ...] = ()
