"""Kubeconfig content -> how to reach one API server."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.provider import ProviderError


class KubeconfigError(ProviderError):
    """A kubeconfig that does not say how to reach a cluster; the text names the entry and the remedy."""


@dataclass(frozen=True)
class ExecPlugin:
    """A program that prints an ExecCredential, as ``oci ce cluster generate-token`` does."""

    command: str
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = field(repr=False)
    api_version: str
    install_hint: str


@dataclass(frozen=True)
class Access:
    """One API server and the credentials for it; what is secret stays out of ``repr``."""

    server: str
    namespace: str = "default"
    ca: str | None = field(default=None, repr=False)
    insecure: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    exec_plugin: ExecPlugin | None = None


def find_kubeconfig(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """Content of the kubeconfig to use: given as content or as a path, else ``KUBECONFIG``, else ``~/.kube/config``.

    Raises ``KubeconfigError`` where there is none.
    """
    if given:
        # A path has one line and no colon followed by a space; content has both.
        if "\n" in given or ": " in given or given.lstrip().startswith("{"):
            return given
        return _read(given, "kubeconfig")
    for name in environment.get("KUBECONFIG", "").split(os.pathsep):
        if name and Path(name).is_file():
            return Path(name).read_text()
    default = Path.home() / ".kube" / "config"
    if default.is_file():
        return default.read_text()
    raise KubeconfigError(
        "no kubeconfig: the provider has no 'kubeconfig', KUBECONFIG names no file and ~/.kube/config does not exist; "
        "give the provider the kubeconfig's content"
    )


def parse_kubeconfig(content: str, context: str | None = None, cluster: str | None = None) -> Access:
    """The access that a kubeconfig's current context gives, or the one named ``context``.

    ``cluster`` overrides the context's cluster. Raises ``KubeconfigError`` naming what is missing or malformed.
    """
    document = _document(content)
    context_name = context or document.get("current-context")
    if not context_name:
        raise KubeconfigError("kubeconfig has no 'current-context'; set it, or give the provider a 'context'")
    chosen = _entry(document, "contexts", "context", str(context_name))
    cluster_name = cluster or chosen.get("cluster")
    if not cluster_name:
        raise KubeconfigError(f"kubeconfig: context '{context_name}' names no 'cluster'")
    target = _entry(document, "clusters", "cluster", str(cluster_name))
    user = _entry(document, "users", "user", str(chosen["user"])) if chosen.get("user") else {}
    server = target.get("server")
    if not isinstance(server, str) or "://" not in server:
        raise KubeconfigError(
            f"kubeconfig: cluster '{cluster_name}' has 'server' {server!r}; write a URL such as https://10.0.0.2:6443"
        )
    certificate = _pem(user, "client-certificate")
    key = _pem(user, "client-key")
    if (certificate is None) != (key is None):
        raise KubeconfigError("kubeconfig: 'client-certificate' and 'client-key' go together; one of them is missing")
    return Access(
        server=server.rstrip("/"),
        namespace=str(chosen.get("namespace") or "default"),
        ca=_pem(target, "certificate-authority"),
        insecure=bool(target.get("insecure-skip-tls-verify")),
        tls_server_name=target.get("tls-server-name"),
        proxy_url=target.get("proxy-url"),
        certificate=certificate,
        key=key,
        token=_token(user),
        basic=(str(user["username"]), str(user.get("password", ""))) if user.get("username") else None,
        exec_plugin=_exec_plugin(user),
    )


def _document(content: str) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 (a preview of a cluster that does not exist yet has no kubeconfig to read)

    try:
        document = yaml.safe_load(content)
    except yaml.YAMLError as error:
        # The parser quotes the text around the fault, which may be a key: only the place is passed on.
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark is not None else ""
        raise KubeconfigError(f"kubeconfig is not YAML{place}") from None
    if not isinstance(document, dict):
        raise KubeconfigError("kubeconfig is not a mapping; give the provider the file's content")
    return document


def _entry(document: dict[str, Any], section: str, key: str, name: str) -> dict[str, Any]:
    entries = document.get(section) or []
    for entry in entries:
        if entry.get("name") == name:
            return entry.get(key) or {}
    known = ", ".join(sorted(str(entry.get("name")) for entry in entries)) or "none"
    raise KubeconfigError(f"kubeconfig has no {key} '{name}'; there are: {known}")


def _pem(entry: dict[str, Any], name: str) -> str | None:
    data = entry.get(f"{name}-data")
    if data:
        try:
            return base64.b64decode(data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise KubeconfigError(f"kubeconfig: '{name}-data' is not base64 of PEM text") from None
    path = entry.get(name)
    return _read(path, name) if path else None


def _token(user: dict[str, Any]) -> str | None:
    if user.get("token"):
        return str(user["token"])
    return _read(user["tokenFile"], "tokenFile").strip() if user.get("tokenFile") else None


def _read(path: str, name: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except OSError as error:
        raise KubeconfigError(f"'{name}' is '{path}', which cannot be read: {error.strerror}") from None


def _exec_plugin(user: dict[str, Any]) -> ExecPlugin | None:
    spec = user.get("exec")
    if not spec:
        return None
    if not spec.get("command"):
        raise KubeconfigError("kubeconfig: 'exec' names no 'command'")
    return ExecPlugin(
        command=str(spec["command"]),
        args=tuple(str(argument) for argument in spec.get("args") or ()),
        env=tuple((str(item["name"]), str(item["value"])) for item in spec.get("env") or ()),
        api_version=str(spec.get("apiVersion") or "client.authentication.k8s.io/v1"),
        install_hint=str(spec.get("installHint") or ""),
    )
