"""The keys of tickets: what the matchmaker signs with, what instances prove by.

A ticket is signed by Ed25519. The seed stands in a Secret of the platform's namespace; its public half, which is no
secret, in a ConfigMap beside the instances. The ConfigMap is made from what the Secret really holds: without a vault
each run draws a new seed and `ignore_changes` keeps the first, so what this run drew would not match.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from components.manifests import KubernetesObject
from components.secrets import SecretValue, held, kubernetes_secret
from components.workloads import INSTANCES_NAMESPACE, PLATFORM_NAMESPACE, TICKET_KEYS, TICKET_SECRET
from components.workloads.namespaces import Namespaces

CURRENT, PREVIOUS = "secret", "previous"
"""The keys of the Secrets, which are the names of the files that pods see."""


@dataclass
class TicketsArgs:
    """What the keys are made from."""

    seed: SecretValue
    namespaces: Namespaces


class Tickets(pulumi.ComponentResource):
    """A Secret for the matchmaker, and a ConfigMap for the instances."""

    signing: KubernetesObject
    keys: KubernetesObject

    def __init__(self, name: str, args: TicketsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:tickets:Tickets", name, None, opts)
        self._namespaces = args.namespaces
        self.signing = self._secret(TICKET_SECRET, args.seed)
        self.keys = KubernetesObject(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": TICKET_KEYS, "namespace": INSTANCES_NAMESPACE},
                "data": {"keys": pulumi.Output.unsecret(held(self.signing).apply(public_keys))},
            },
            pulumi.ResourceOptions(parent=self, depends_on=[args.namespaces]),
        )
        self.register_outputs({"secretName": TICKET_SECRET, "configMapName": TICKET_KEYS})

    def _secret(self, name: str, value: SecretValue) -> KubernetesObject:
        previous = {} if value.previous is None else {PREVIOUS: value.previous}
        return kubernetes_secret(
            name,
            PLATFORM_NAMESPACE,
            {CURRENT: value.current, **previous},
            parent=self,
            depends_on=[self._namespaces],
            drawn=value.drawn,
        )


def public_keys(data: Mapping[str, str]) -> str:
    """The public halves of the seeds in a Secret's data, one to a line: the newest first, then the one before."""
    seeds = [base64.b64decode(data[key]).decode() for key in (CURRENT, PREVIOUS) if key in data]
    return "".join(f"{public_key(seed)}\n" for seed in seeds)


def public_key(seed: str) -> str:
    """The public half of the Ed25519 key that a seed of 64 hexadecimal digits makes, as base64url without padding."""
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
