"""Secrets that a stack file gives: as a secret of Pulumi, or as the OCID of one in a vault. No refusal shows one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.settings.reading import Reader

_KEPT = r"ocid1\.vaultsecret\.oc\d+\.[a-z0-9-]+(\.\w+)+"


@dataclass(frozen=True)
class GivenSecret:
    """A value, or where a vault keeps it."""

    value: str = field(repr=False)
    """Empty where a vault keeps it, or while the file is still encrypted."""
    kept_id: str | None = None
    """OCID of the vault's secret that holds it."""


def read_given(reader: Reader, name: str, what: str) -> GivenSecret:
    """Read a key that is a secret of one word; ``what`` says what it is. At rest it stands as `{secure: …}`."""
    remedy = (
        'Set it to the OCID of a vault\'s secret, "ocid1.vaultsecret.oc1.…", or as a secret: '
        f"pulumi config set --secret --path {reader.key(name)}"
    )
    if not reader.has(name):
        reader.refusals.missing(reader.key(name), remedy)
        return GivenSecret("")
    value = reader.values[name]
    if isinstance(value, Mapping) and set(value) == {"secure"}:
        return GivenSecret("")
    if not isinstance(value, str) or re.search(r"\s", value):
        reader.refusals.add(reader.key(name), "(hidden)", f"not {what}", remedy)
        return GivenSecret("")
    return GivenSecret("", value) if re.fullmatch(_KEPT, value) else GivenSecret(value)
