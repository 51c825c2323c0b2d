"""Signatures by the scheme of Standard Webhooks (https://www.standardwebhooks.com), which libraries check.

What is signed is ``<id>.<timestamp>.<body>``, by HMAC-SHA256. While the secret is exchanged there are two signatures,
and either will do. For a library's own form of a secret: ``whsec_`` and the base64 of the secret's text.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence


def signed_headers(id: str, body: bytes, secrets: Sequence[str], now: float) -> Mapping[str, str]:
    """The headers of a webhook that is sent at ``now`` (Unix time)."""
    content = b".".join((id.encode(), str(int(now)).encode(), body))
    digests = (hmac.digest(secret.encode(), content, hashlib.sha256) for secret in secrets)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }
