"""What a region tells whoever asks: its room, and the public keys of its tickets.

``GET /region``: ``{"region", "applications": {name: {"room", "waiting"}}}``. Any page may ask, since pages measure
which region is near by how long the answer takes.
``GET /.well-known/pixel/keys.json``: a JSON Web Key Set.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

REGION_PATH: Final = "/region"
KEYS_PATH: Final = "/.well-known/pixel/keys.json"
REGION_HEADERS: Final = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Access-Control-Allow-Origin": "*",
    "Timing-Allow-Origin": "*",
}
KEYS_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "public, max-age=60"}
MOST_ROOM_TOLD: Final = 100
"""How much room there is beyond that is nobody's business."""


class ApplicationRoom(msgspec.Struct, frozen=True):
    """Of one application."""

    room: int
    """Sessions that could begin at once."""
    waiting: int


class RegionDocument(msgspec.Struct, frozen=True):
    """The answer of ``/region``."""

    region: str
    applications: dict[str, ApplicationRoom]


class RegionAnswer:
    """The answer, made anew at most once a second however often it is asked for."""

    def __init__(
        self, region: str, rooms: Callable[[], Mapping[str, tuple[int, int]]], clock: Callable[[], float]
    ) -> None:
        """``rooms`` tells idle instances and waiting players of each application."""
        self._region: Final = region
        self._rooms: Final = rooms
        self._clock: Final = clock
        self._made_at = float("-inf")
        self._content = b""

    def __call__(self) -> bytes:
        """The body."""
        now = self._clock()
        if now - self._made_at >= 1:
            told = {
                name: ApplicationRoom(max(0, min(idle - waiting, MOST_ROOM_TOLD)), waiting)
                for name, (idle, waiting) in self._rooms().items()
            }
            self._content = msgspec.json.encode(RegionDocument(self._region, told))
            self._made_at = now
        return self._content


def key_set(keys: Mapping[str, Ed25519PublicKey]) -> bytes:
    """Public ticket keys as a JSON Web Key Set (RFC 7517, RFC 8037)."""
    described = [
        {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": id, "x": _line(key)}
        for id, key in keys.items()
    ]
    return msgspec.json.encode({"keys": described})


def _line(key: Ed25519PublicKey) -> str:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
