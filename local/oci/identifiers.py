"""Ids, times and addresses that the simulated cloud gives out."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime

from local.oci.kinds import ADDON, BUCKET, kind_of
from local.oci.model import Resource, World
from local.oci.regions import REGIONS

TENANCY = "ocid1.tenancy.oc1..aaaaaaaasimulatedtenancy"
NAMESPACE = "simulated"
"""The tenancy's Object Storage namespace."""


def new_id(resource: Resource, world: World) -> str:
    """A fresh id of the form the cloud gives to this type."""
    if resource.kind == ADDON:
        return f"clusters/{resource.inputs['clusterId']}/addons/{resource.inputs['addonName']}"
    if resource.kind == BUCKET:
        return f"n/{resource.inputs['namespace']}/b/{resource.inputs['name']}"
    return ocid(resource.kind, world.region, secrets.token_bytes(32))


def ocid(kind: str, region: str, seed: bytes) -> str:
    """The OCID of a type in a region that belongs to ``seed``."""
    known = kind_of(kind)
    tail = base64.b32encode(hashlib.sha256(seed).digest()).decode().lower().rstrip("=")
    place = "" if known.global_id else REGIONS[region].key if region in REGIONS else region
    return f"ocid1.{known.ocid}.oc1.{place}.aaaaaaaa{tail}"


def number(seed: str, limit: int) -> int:
    """A number below ``limit`` that always belongs to ``seed``."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) % limit


def public_address(seed: str) -> str:
    """An address of the block for documentation (RFC 5737), so that nothing real is ever reached by it."""
    return f"203.0.113.{1 + number(seed, 254)}"


def now() -> str:
    """The present as the cloud writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " +0000 UTC"
