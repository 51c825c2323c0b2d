"""Secrets that somebody else issued and a stack needs: in the stack file, encrypted, or in a vault."""

import re
from dataclasses import dataclass, field

from components.settings.reading import Reader

_OCID = r"ocid1\.vaultsecret\.oc\d+\.[a-z0-9-]+(\.\w+)+"


@dataclass(frozen=True)
class Kept:
    """A secret of one word, or where it is."""

    value: str = field(repr=False)
    """The secret itself, a secret of the stack; empty where a vault keeps it, or while the file is still encrypted."""
    ocid: str | None = None
    """OCID of the vault's secret that holds it."""


def read_kept(reader: Reader, name: str, noun: str) -> Kept:
    """Read a secret or its OCID; no refusal shows it. At rest, in the stack file, a secret is `{secure: …}`."""
    remedy = (
        'Set it to the OCID of a vault\'s secret, "ocid1.vaultsecret.oc1.…", or as a secret: '
        f"pulumi config set --secret --path {reader.key(name)}"
    )
    value = reader.secret(name, remedy, noun)
    return Kept("", value) if re.fullmatch(_OCID, value) else Kept(value)
