"""The cluster's certificate authority, certificates and kubeconfigs.

Names and groups of the client certificates are the ones that the API server's Node authorizer and its built-in
roles expect: https://kubernetes.io/docs/setup/best-practices/certificates/.
"""

import base64
import datetime
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.cluster import addresses

VALIDITY = datetime.timedelta(days=365)
"""Longer than any local cluster lives: its keys go with it."""


@dataclass(frozen=True)
class Identity:
    """Whom a certificate names, and where it may be used; with ``hosts`` it also serves TLS."""

    file: str
    user: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    authority: str = "ca"
    kubeconfig: bool = False


AUTHORITIES = ("ca", "front-proxy-ca")

IDENTITIES = (
    Identity(
        "apiserver",
        "kube-apiserver",
        hosts=(
            str(addresses.NODE),
            str(addresses.API_SERVICE),
            "127.0.0.1",
            "localhost",
            addresses.NODE_NAME,
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            f"kubernetes.default.svc.{addresses.CLUSTER_DOMAIN}",
        ),
    ),
    Identity("etcd", "etcd", hosts=("127.0.0.1", "localhost")),
    Identity("kubelet-server", "pixel-local", hosts=(str(addresses.NODE), addresses.NODE_NAME)),
    Identity("apiserver-etcd-client", "kube-apiserver-etcd-client"),
    Identity("apiserver-kubelet-client", "kube-apiserver-kubelet-client"),
    Identity("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
    Identity("admin", "pixel-admin", groups=("system:masters",), kubeconfig=True),
    Identity("kube-controller-manager", "system:kube-controller-manager", kubeconfig=True),
    Identity("kube-scheduler", "system:kube-scheduler", kubeconfig=True),
    Identity("kube-proxy", "system:kube-proxy", kubeconfig=True),
    Identity("coredns", "system:coredns", kubeconfig=True),
    Identity("kubelet", f"system:node:{addresses.NODE_NAME}", groups=("system:nodes",), kubeconfig=True),
)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key as unencrypted PKCS 8 PEM: a secret."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its first moment on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)


def make_authority(name: str, now: datetime.datetime) -> Pair:
    """A new self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"pixel-local {name}")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _unsigned(subject, subject, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key)


def make_certificate(identity: Identity, authority: Pair, now: datetime.datetime) -> Pair:
    """A certificate for one identity: a client's, and a server's too where it has hosts."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in identity.groups]
    subject = x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, identity.user)])
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = _unsigned(subject, authority.certificate.subject, key.public_key(), now)
    if identity.hosts:
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
        builder = builder.add_extension(_alternative_names(identity.hosts), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(certificate, key)


def make_kubeconfig(authority: Pair, client: Pair, user: str) -> dict[str, object]:
    """A kubeconfig with everything embedded; JSON of it is valid YAML."""
    name = addresses.NODE_NAME
    cluster = {"server": addresses.API_URL, "certificate-authority-data": _base64(authority.certificate_pem)}
    credentials = {
        "client-certificate-data": _base64(client.certificate_pem),
        "client-key-data": _base64(client.key_pem),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }


def write_all(directory: Path) -> None:
    """Make every authority, certificate, kubeconfig and the service-account key, as files of mode 0600.

    ``directory/pki`` gets NAME.crt and NAME.key, ``directory`` gets NAME.kubeconfig.
    """
    now = datetime.datetime.now(datetime.UTC)
    authorities = {name: make_authority(name, now) for name in AUTHORITIES}
    for name, authority in authorities.items():
        _write_pair(directory / "pki", name, authority)
    for identity in IDENTITIES:
        authority = authorities[identity.authority]
        pair = make_certificate(identity, authority, now)
        if identity.kubeconfig:
            content = json.dumps(make_kubeconfig(authority, pair, identity.user), indent=2)
            write_secret(directory / f"{identity.file}.kubeconfig", content.encode())
        _write_pair(directory / "pki", identity.file, pair)
    account_key = ec.generate_private_key(ec.SECP256R1())
    private = account_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = account_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_secret(directory / "pki" / "service-account.key", private)
    write_secret(directory / "pki" / "service-account.pub", public)


def _write_pair(directory: Path, name: str, pair: Pair) -> None:
    write_secret(directory / f"{name}.crt", pair.certificate_pem)
    write_secret(directory / f"{name}.key", pair.key_pem)


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    """The part that all certificates share; valid from an hour ago, for clocks that are being set."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALIDITY)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_general_name(host) for host in hosts])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(IPv4Address(host))
    except ValueError:
        return x509.DNSName(host)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
