"""A stack file that is right in everything, and how a test makes it wrong in one thing."""

import copy
from enum import Enum
from typing import Any


class Change(Enum):
    """A change that is no value."""

    DELETED = "deleted"


DELETED: Any = Change.DELETED

GOOD: dict[str, Any] = {
    "pulumi:disable-default-providers": ["*"],
    "oci:region": "eu-frankfurt-1",
    "pixel:compartment": "ocid1.compartment.oc1..example",
    "pixel:network": {"cidr": "10.0.0.0/16", "admin_cidrs": ["192.0.2.0/24"]},
    "pixel:cluster": {
        "name": "pixel-test",
        "kubernetes_version": "v1.36.1",
        "endpoint": "public",
        "protect": False,
        "autoscaler": True,
    },
    "pixel:pools": {
        "default": {
            "shape": "VM.Standard.E4.Flex",
            "ocpus": 2,
            "memory_gb": 16,
            "min": 3,
            "max": 10,
            "image_id": "ocid1.image.oc1.eu-frankfurt-1.example",
            "availability_domains": ["Uocm:EU-FRANKFURT-1-AD-1", "Uocm:EU-FRANKFURT-1-AD-2"],
        },
        "turn": {
            "shape": "VM.Standard.E4.Flex",
            "ocpus": 2,
            "memory_gb": 8,
            "min": 1,
            "max": 4,
            "image_id": "ocid1.image.oc1.eu-frankfurt-1.example",
            "availability_domains": ["Uocm:EU-FRANKFURT-1-AD-1"],
        },
        "gpu": {
            "shape": "VM.GPU.A10.1",
            "min": 0,
            "max": 8,
            "image_id": "ocid1.image.oc1.eu-frankfurt-1.examplegpu",
            "availability_domains": [
                "Uocm:EU-FRANKFURT-1-AD-1",
                "Uocm:EU-FRANKFURT-1-AD-2",
                "Uocm:EU-FRANKFURT-1-AD-3",
            ],
            "sharing": {"mode": "exclusive"},
        },
    },
    "pixel:images": {
        "signalling": "fra.ocir.io/acme/pixel/signalling:1.0.0",
        "turn": "fra.ocir.io/acme/pixel/turn:1.0.0",
    },
    "pixel:turn": {"transport_policy": "relay"},
    "pixel:apps": [
        {
            "name": "showroom",
            "image": "fra.ocir.io/acme/showroom",
            "versions": [{"tag": "1.4.2", "weight": 95}, {"tag": "1.5.0", "weight": 5}],
            "resources": {"cpu": "3750m", "memory": "8Gi"},
            "buffer": {"instances": 2},
            "resolution": {"width": 1920, "height": 1080, "frame_rate": 30},
            "arguments": ["-RenderOffScreen"],
        }
    ],
}


def patched(path: str, value: Any) -> dict[str, Any]:
    """The good file with one value set, added or deleted; list indices are path parts too."""
    config = copy.deepcopy(GOOD)
    *way, last = path.split("/")
    at: Any = config
    for part in way:
        at = at[int(part)] if isinstance(at, list) else at[part]
    if value is DELETED:
        del at[last]
    elif isinstance(at, list):
        at[int(last)] = value
    else:
        at[last] = value
    return config


def without_network(config: dict[str, Any]) -> dict[str, Any]:
    """The same on a cluster that exists already."""
    config["pixel:cluster"] = {
        "name": "theirs",
        "endpoint": "public",
        "existing": {"id": "ocid1.cluster.oc1.eu-frankfurt-1.example"},
    }
    for pool in config["pixel:pools"].values():
        for key in ("image_id", "availability_domains"):
            del pool[key]
    del config["pixel:network"]["admin_cidrs"]
    return config
