"""Certificates and kubeconfigs: who is named, who signed, and who may read them."""

import base64
import datetime
import json
import socket
import ssl
import threading
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.cluster import addresses
from local.cluster.certificates import (
    IDENTITIES,
    Identity,
    make_authority,
    make_certificate,
    make_kubeconfig,
    write_all,
    write_secret,
)

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("keys")
    write_all(place)
    return place


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "pki" / f"{name}.crt").read_bytes())


def names(found: x509.Certificate, kind: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in found.subject.get_attributes_for_oid(kind)]


def test_every_file_is_its_owners_alone(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 2 * len(IDENTITIES)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_secret_over_a_readable_file_is_made_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o644)
    write_secret(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda identity: identity.file)
def test_a_certificate_names_its_identity_and_is_signed_by_its_authority(folder: Path, identity: Identity) -> None:
    found = certificate(folder, identity.file)
    found.verify_directly_issued_by(certificate(folder, identity.authority))
    assert names(found, NameOID.COMMON_NAME) == [identity.user]
    assert names(found, NameOID.ORGANIZATION_NAME) == list(identity.groups)
    purposes = set(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert (ExtendedKeyUsageOID.SERVER_AUTH in purposes) == bool(identity.hosts)
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_only_the_administrator_is_master() -> None:
    assert [identity.file for identity in IDENTITIES if "system:masters" in identity.groups] == ["admin"]


def test_the_api_server_is_named_as_it_is_called(folder: Path) -> None:
    found = certificate(folder, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(found.get_values_for_type(x509.IPAddress)) >= {IPv4Address("10.89.0.2"), IPv4Address("10.89.128.1")}
    assert "kubernetes.default.svc" in found.get_values_for_type(x509.DNSName)


def test_certificates_are_valid_now_and_for_clocks_that_lag() -> None:
    pair = make_certificate(IDENTITIES[0], make_authority("ca", NOW), NOW)
    assert pair.certificate.not_valid_before_utc < NOW < pair.certificate.not_valid_after_utc


def test_the_kubeconfig_carries_everything_and_is_yaml_too(folder: Path) -> None:
    content = json.loads((folder / "admin.kubeconfig").read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    assert cluster["server"] == "https://10.89.0.2:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == (folder / "pki" / "ca.crt").read_bytes()
    assert base64.b64decode(user["client-key-data"]).startswith(b"-----BEGIN PRIVATE KEY-----")
    assert content["current-context"] == content["contexts"][0]["name"] == addresses.NODE_NAME


def test_two_kubeconfigs_of_one_authority_differ_in_key_only() -> None:
    authority = make_authority("ca", NOW)
    pairs = [make_certificate(IDENTITIES[6], authority, NOW) for _ in range(2)]
    first, second = (make_kubeconfig(authority, pair, "admin") for pair in pairs)
    assert first["clusters"] == second["clusters"]
    assert first["users"] != second["users"]


def test_server_and_client_agree_on_tls(folder: Path) -> None:
    """A full handshake in memory with both sides' certificates, as the kubelet and the API server do it."""
    keys = folder / "pki"
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(keys / "ca.crt"))
    server.load_cert_chain(keys / "kubelet-server.crt", keys / "kubelet-server.key")
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=str(keys / "ca.crt"))
    client.load_cert_chain(keys / "apiserver-kubelet-client.crt", keys / "apiserver-kubelet-client.key")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(target=lambda: client.wrap_socket(theirs, server_hostname="10.89.0.2").close())
        thread.start()
        with server.wrap_socket(ours, server_side=True) as connection:
            peer = connection.getpeercert()
        thread.join()
    assert peer is not None
    assert peer["subject"] == ((("commonName", "kube-apiserver-kubelet-client"),),)
