"""A Kubernetes API server of a test's own: etcd, kube-apiserver and, where wanted, the controllers. Needs no root.

Everything listens on free ports of the loopback interface and lives in one temporary folder.
"""

import base64
import os
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.progress import Steps
from local.tools import ensure_tools
from tests.ports import free_port

TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager")
READY_SECONDS = 60.0


@dataclass(frozen=True)
class ApiServer:
    """A running API server."""

    url: str
    kubeconfig: str
    """Content of the administrator's kubeconfig, with a client certificate."""
    token_kubeconfig: str
    """The same access by a bearer token."""


@dataclass(frozen=True)
class Signed:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Signs what the API server and its clients show each other."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self._certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate(self) -> bytes:
        """The authority's own certificate, as PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, name: str, organization: str = "", addresses: tuple[str, ...] = ()) -> Signed:
        """A certificate for a server at ``addresses``, or for a client called ``name`` of a group."""
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if organization:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = _builder(x509.Name(attributes), self._name, key.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if addresses:
            names = [x509.IPAddress(ip_address(address)) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return Signed(certificate, _pem(key))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@contextmanager
def api_server(controllers: bool = False) -> Iterator[ApiServer]:
    """A running API server, gone with its files afterwards; ``controllers`` adds the controller manager."""
    tools = ensure_tools(TOOLS if controllers else TOOLS[:2], Steps())
    with tempfile.TemporaryDirectory(prefix="api-server-") as name, ExitStack() as running:
        folder = Path(name)
        authority = Authority()
        _write_files(folder, authority)
        store, port = _start_etcd(tools["etcd"], folder, running), free_port()
        running.enter_context(process([str(tools["kube-apiserver"]), *_api_flags(folder, port, store)], folder))
        url = f"https://127.0.0.1:{port}"
        _until_ready(f"{url}/readyz", authority, folder)
        admin = authority.sign("admin", "system:masters")
        user = {"client-certificate-data": _text64(admin.certificate), "client-key-data": _text64(admin.key)}
        server = ApiServer(
            url=url,
            kubeconfig=kubeconfig(url, authority.certificate, user),
            token_kubeconfig=kubeconfig(url, authority.certificate, {"token": "token-of-tests"}),
        )
        if controllers:
            path = folder / "admin.kubeconfig"
            path.write_text(server.kubeconfig)
            flags = _controller_flags(folder, path)
            running.enter_context(process([str(tools["kube-controller-manager"]), *flags], folder))
        yield server


def kubeconfig(url: str, authority: bytes, user: Mapping[str, object]) -> str:
    """Content of a kubeconfig with one context."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [
            {"name": "test", "cluster": {"server": url, "certificate-authority-data": _text64(authority)}},
        ],
        "users": [{"name": "test", "user": dict(user)}],
    }
    return yaml.safe_dump(document)


def _text64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _write_files(folder: Path, authority: Authority) -> None:
    serving = authority.sign("kube-apiserver", addresses=("127.0.0.1", "10.253.0.1"))
    files = {
        "ca.crt": authority.certificate,
        "serving.crt": serving.certificate,
        "serving.key": serving.key,
        "accounts.key": _pem(rsa.generate_private_key(65537, 2048)),
        "tokens.csv": b'token-of-tests,tester,1,"system:masters"\n',
    }
    for name, data in files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(data)


def _start_etcd(etcd: Path, folder: Path, running: ExitStack) -> str:
    client, peer = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    flags = {
        "name": "test",
        "data-dir": folder / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"test={peer}",
        "unsafe-no-fsync": "true",
        "log-level": "error",
    }
    running.enter_context(process([str(etcd), *(f"--{key}={value}" for key, value in flags.items())], folder))
    return client


def _api_flags(folder: Path, port: int, store: str) -> list[str]:
    flags = {
        "etcd-servers": store,
        "secure-port": port,
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "tls-cert-file": folder / "serving.crt",
        "tls-private-key-file": folder / "serving.key",
        "client-ca-file": folder / "ca.crt",
        "token-auth-file": folder / "tokens.csv",
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": folder / "accounts.key",
        "service-account-signing-key-file": folder / "accounts.key",
        "service-cluster-ip-range": "10.253.0.0/16",
        # Without controllers nobody makes the account that every pod is given by default.
        "disable-admission-plugins": "ServiceAccount",
        "endpoint-reconciler-type": "none",
        # As any managed cluster does: what may be privileged, namespaces decide.
        "allow-privileged": "true",
        "v": "0",
    }
    return [f"--{key}={value}" for key, value in flags.items()]


def _controller_flags(folder: Path, admin: Path) -> list[str]:
    flags = {
        "kubeconfig": admin,
        "service-account-private-key-file": folder / "accounts.key",
        "root-ca-file": folder / "ca.crt",
        "leader-elect": "false",
        # Each controller by an account of its own, as in any real cluster: who does what can be told apart.
        "use-service-account-credentials": "true",
        "kube-api-qps": "200",
        "kube-api-burst": "400",
        "bind-address": "127.0.0.1",
        "secure-port": "0",
        "v": "0",
    }
    return [f"--{key}={value}" for key, value in flags.items()]


@contextmanager
def process(command: list[str], folder: Path) -> Iterator[None]:
    """A process whose output goes to a file in ``folder``; stopped by its id, killed where it does not stop."""
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={"PATH": os.environ["PATH"]})
        try:
            yield
        finally:
            # None of them has anything to put in order: their data goes with the folder.
            process.send_signal(signal.SIGKILL)
            process.wait()


def _until_ready(url: str, authority: Authority, folder: Path) -> None:
    trusted = ssl.create_default_context(cadata=authority.certificate.decode())
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, context=trusted, timeout=5):
                return
        except (urllib.error.URLError, OSError) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            if time.monotonic() > deadline:
                log = (folder / "kube-apiserver.log").read_text()[-2000:]
                raise TimeoutError(
                    f"the API server is not ready after {READY_SECONDS:.0f} s: {error}\n{log}"
                ) from error
        time.sleep(0.1)
