"""Short-lived credentials from an exec plugin, kept until they expire."""

import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.kubernetes.kubeconfig import ExecPlugin, KubeconfigError

EXPIRY_MARGIN = 30.0
"""Seconds before its expiry at which a credential is fetched anew."""


@dataclass(frozen=True)
class Credential:
    """What an exec plugin gave; ``expires`` in Unix seconds, None if it does not expire."""

    token: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    expires: float | None = None


def parse_credential(printed: str, command: str) -> Credential:
    """Read an ExecCredential (client.authentication.k8s.io/v1 or v1beta1); raises ``KubeconfigError``."""
    try:
        status: dict[str, Any] = json.loads(printed)["status"]
    except (ValueError, KeyError, TypeError):
        raise KubeconfigError(f"credential program '{command}' did not print an ExecCredential with a status") from None
    if not status.get("token") and not status.get("clientCertificateData"):
        raise KubeconfigError(f"credential program '{command}' printed neither a token nor a client certificate")
    stamp = status.get("expirationTimestamp")
    return Credential(
        token=status.get("token"),
        certificate=status.get("clientCertificateData"),
        key=status.get("clientKeyData"),
        expires=datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() if stamp else None,
    )


class ExecCredentials:
    """Runs an exec plugin when there is no valid credential; one run at a time."""

    def __init__(self, plugin: ExecPlugin) -> None:
        self._plugin = plugin
        self._lock = threading.Lock()
        self._current: Credential | None = None

    def get(self, rejected: Credential | None = None) -> Credential:
        """A credential that is not about to expire and is not ``rejected``; raises ``KubeconfigError``."""
        with self._lock:
            current = self._current
            if current is None or current is rejected or _expired(current, time.time()):
                current = self._current = self._run()
            return current

    def _run(self) -> Credential:
        plugin = self._plugin
        info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
        environment = {**os.environ, **dict(plugin.env), "KUBERNETES_EXEC_INFO": json.dumps(info)}
        try:
            done = subprocess.run(
                [plugin.command, *plugin.args],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except FileNotFoundError:
            hint = f": {plugin.install_hint}" if plugin.install_hint else ", or install it"
            raise KubeconfigError(
                f"the kubeconfig's credential program '{plugin.command}' is not on PATH; add it{hint}"
            ) from None
        except subprocess.TimeoutExpired:
            raise KubeconfigError(
                f"credential program '{plugin.command}' gave no credential within 60 s; run it by hand to see why"
            ) from None
        if done.returncode != 0:
            raise KubeconfigError(
                f"credential program '{plugin.command}' ended with {done.returncode}: {done.stderr.strip()[-800:]}"
            )
        return parse_credential(done.stdout, plugin.command)


def _expired(credential: Credential, now: float) -> bool:
    return credential.expires is not None and credential.expires - EXPIRY_MARGIN < now
