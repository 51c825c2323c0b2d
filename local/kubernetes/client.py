"""HTTP to one API server: thin, thread-safe, with errors that a person can act on."""

import json
import os
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.kubernetes.credentials import Credential, ExecCredentials
from local.kubernetes.errors import UnreachableError, error_from_status
from local.kubernetes.kubeconfig import Access

if TYPE_CHECKING:
    import httpx

Manifest = dict[str, Any]

RETRIED = frozenset({429, 503, 504})
"""Answers of a server that is busy or starting; a request that got one of them was not carried out."""
ATTEMPTS = 4
CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 60.0


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, str] | None
    content: bytes | None
    headers: Mapping[str, str]


class Client:
    """Requests to one API server. Raises ``ApiError`` for a refusal and ``UnreachableError`` for no answer."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._exec = ExecCredentials(access.exec_plugin) if access.exec_plugin else None
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._http_credential: Credential | None = None

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Manifest:
        """The object or list at a path."""
        return self.request("GET", path, query=query)

    def apply(self, path: str, manifest: Manifest, manager: str, *, force: bool, dry_run: bool) -> Manifest:
        """Server-side apply in the name of ``manager``; the resulting object."""
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        # JSON is YAML, which is what this media type asks for.
        return self.request("PATCH", path, query=query, body=manifest, media_type="application/apply-patch+yaml")

    def delete(self, path: str, propagation: str, uid: str | None = None) -> Manifest:
        """Start a deletion; ``uid`` guards against deleting an object that took the place of ours."""
        body: Manifest = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if uid:
            body["preconditions"] = {"uid": uid}
        return self.request("DELETE", path, body=body)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        media_type: str = "application/json",
    ) -> Manifest:
        """One request, tried again while the server says that it is busy."""
        content = json.dumps(body).encode() if body is not None else None
        headers = {"Accept": "application/json", "Content-Type": media_type} if content else {}
        request = _Request(method, path, query, content, headers)
        for attempt in range(1, ATTEMPTS + 1):
            response = self._send(request)
            if response.status_code in RETRIED and attempt < ATTEMPTS:
                time.sleep(_pause(response.headers.get("Retry-After"), attempt))
                continue
            break
        return _read(response, f"{method} {path}")

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None

    def _send(self, request: _Request) -> "httpx.Response":
        credential = self._exec.get() if self._exec else None
        response = self._send_once(request, credential)
        if response.status_code == 401 and self._exec:
            response = self._send_once(request, self._exec.get(rejected=credential))
        return response

    def _send_once(self, request: _Request, credential: Credential | None) -> "httpx.Response":
        import httpx  # noqa: PLC0415 - a preview of a cluster that does not exist yet must not pay for it

        headers = dict(request.headers)
        token = credential.token if credential else self.access.token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        http = self._open(credential)
        try:
            return http.request(
                request.method, request.path, params=request.query, content=request.content, headers=headers
            )
        except httpx.HTTPError as error:
            raise UnreachableError(
                f"the Kubernetes API server at {self.access.server} does not answer ({_reason(error)}); "
                "check that the cluster runs, that this machine can reach it, and that the kubeconfig is current"
            ) from error

    def _open(self, credential: Credential | None) -> "httpx.Client":
        import httpx  # noqa: PLC0415

        access = self.access
        with self._lock:
            certificate = credential.certificate if credential else None
            if self._http is None or (certificate and credential is not self._http_credential):
                self._http_credential = credential
                self._http = httpx.Client(
                    base_url=access.server,
                    verify=_tls(access, credential),
                    auth=access.basic,
                    proxy=access.proxy_url,
                    # Set by the kubeconfig alone: a proxy of the environment must not see a local cluster's traffic.
                    trust_env=False,
                    timeout=httpx.Timeout(REQUEST_SECONDS, connect=CONNECT_SECONDS),
                    limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
                )
            return self._http


def _tls(access: Access, credential: Credential | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=access.ca)
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = credential.certificate if credential and credential.certificate else access.certificate
    key = credential.key if credential and credential.key else access.key
    if certificate and key:
        # The module reads files only. This one has no name and lives in memory, so the key never reaches a disk.
        handle = os.memfd_create("client-certificate")
        try:
            os.write(handle, f"{certificate}\n{key}".encode())
            context.load_cert_chain(f"/proc/self/fd/{handle}")
        finally:
            os.close(handle)
    return context


def _read(response: "httpx.Response", subject: str) -> Manifest:
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.status_code >= 400:
        raise error_from_status(response.status_code, body, response.text, subject)
    return body if isinstance(body, dict) else {}


def _pause(retry_after: str | None, attempt: int) -> float:
    return min(float(retry_after), 10.0) if retry_after and retry_after.isdigit() else 0.25 * 2**attempt


def _reason(error: Exception) -> str:
    """The innermost cause's text: httpx wraps it twice and may leave its own text empty."""
    text, cause = str(error), error.__cause__
    while cause is not None:
        text = str(cause) or text
        cause = cause.__cause__
    return text or type(error).__name__
