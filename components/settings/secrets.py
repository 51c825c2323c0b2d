"""Where the keys and passwords of a stack are made and kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from components.settings.reading import Reader, Refusals

_VAULT = r"ocid1\.vault\.oc\d+\.[a-z0-9-]+(\.\w+)+"
_KEY = r"ocid1\.key\.oc\d+\.[a-z0-9-]+(\.\w+)+"


class Vault(StrEnum):
    """Who makes the values."""

    NONE = "none"
    """The program draws each once; the cluster's Secret holds it, and the state, encrypted."""
    MANAGED = "managed"
    """A vault and a key of this stack's own; the vault makes the values."""
    EXISTING = "existing"
    """A vault and a key that the stack file names; the vault makes the values."""


class Secret(StrEnum):
    """The values that a stack may need."""

    TURN = "turn"
    """Shared by matchmaker and coturn; signs the players' TURN credentials."""
    GRAFANA = "grafana"
    """Password of Grafana's admin."""
    REDIS = "redis"
    """Password of the one user of Redis in the cluster."""
    TICKET = "ticket"
    """Seed of the Ed25519 key that signs tickets; the matchmaker's alone."""
    ADMIN = "admin"
    """The key of the session API."""
    WEBHOOKS = "webhooks"
    """Signs what the stack's webhooks are sent."""


@dataclass(frozen=True)
class SecretsSettings:
    """The `secrets` key of a stack file; without it there is no vault."""

    vault: Vault
    """Who makes the values, and where they are kept."""
    vault_id: str | None
    """OCID of an existing vault."""
    key_id: str | None
    """OCID of the key in an existing vault that encrypts the values; required with such a vault."""
    rotation: Mapping[Secret, int]
    """The number of the value in use, of each secret: one more makes a new value and keeps the one before."""


def read_secrets(reader: Reader) -> SecretsSettings:
    """Read the `secrets` key."""
    form = "none, managed, or the OCID of a vault"
    place = reader.text("vault", rf"none|managed|{_VAULT}", form, Vault.NONE.value)
    existing = re.fullmatch(_VAULT, place) is not None
    rotation = reader.section("rotation", optional=True)
    settings = SecretsSettings(
        vault=Vault.EXISTING if existing else Vault.MANAGED if place == Vault.MANAGED else Vault.NONE,
        vault_id=place if existing else None,
        key_id=reader.text("key", _KEY, 'the OCID of a key in that vault, "ocid1.key.oc1.…"') if existing else None,
        rotation={secret: rotation.whole(secret.value, 1, 10_000, 1) for secret in Secret},
    )
    rotation.close()
    if not existing and reader.has("key"):
        reader.refusals.add(
            reader.key("key"),
            reader.values["key"],
            "of no use here",
            "Leave it out, or set secrets.vault to the OCID of the key's vault",
        )
    reader.close()
    return settings


def check_secrets(secrets: SecretsSettings, wanted: frozenset[Secret], refusals: Refusals) -> None:
    """Refuse to rotate what no vault keeps, and what this stack does not have."""
    for secret, number in secrets.rotation.items():
        if number == 1:
            continue
        key = f"pixel:secrets.rotation.{secret}"
        if secrets.vault is Vault.NONE:
            refusals.add(key, number, "a rotation without a vault to keep the values", "Set secrets.vault to managed")
        elif secret not in wanted:
            refusals.add(key, number, "the rotation of a secret that this stack does not have", "Leave it out")
