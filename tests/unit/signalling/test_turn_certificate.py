"""TURN's certificate: what coturn is told of it, and that the real one serves it, old and new."""

import datetime
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from signalling.ice.credentials import TurnCredentials
from signalling.ice.servers import TransportPolicy, peer_connection_options
from signalling.turn.certificate import CERTIFICATE, KEY, FollowedCertificate, order
from signalling.turn.configuration import PID_FILE, TurnConfiguration, TurnConfigurationError, render
from signalling.turn.settings import read_secrets_settings
from tests.ports import free_port
from tests.unit.signalling.clients import PATIENCE

FOLDER = "/etc/pixel/turn-tls"
BASE = TurnConfiguration(listening_address="10.0.30.4", external_address=None)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (None, None, None),
        ("a", "a", None),
        ("a", None, None),
        (None, "a", signal.SIGTERM),
        ("a", "b", signal.SIGUSR2),
    ],
)
def test_coturn_is_told_only_what_it_has_to_know(before, now, told):
    assert order(before, now) == told


def test_the_lines_of_tls():
    plain, tls = (set(render(its).splitlines()) for its in (BASE, replace(BASE, certificate_folder=FOLDER)))
    assert plain - tls == {"no-tls"}
    assert tls - plain == {
        "tls-listening-port=5349",
        f"cert={FOLDER}/tls.crt",
        f"pkey={FOLDER}/tls.key",
        "no-tlsv1",
        "no-tlsv1_1",
    }
    with pytest.raises(TurnConfigurationError, match="tls_port=0 "):
        render(replace(BASE, tls_port=0))


def test_the_settings_name_the_pid_file_that_the_configuration_does():
    its = read_secrets_settings({"TURN_CONFIGURATION": "/run/turn/turnserver.conf"})
    assert f"pidfile={its.pid_file}" in render(BASE).splitlines()
    assert its.turn_certificate_folder == ""


def test_players_get_the_name_on_the_certificate_beside_the_addresses():
    credentials = TurnCredentials("1:a", "p")
    tls = ("turn.play.example.com", 5349)
    *_, last = servers(peer_connection_options(["198.51.100.7"], 3478, credentials, TransportPolicy.ALL, tls))
    assert last == {
        "urls": ["turns:turn.play.example.com:5349?transport=tcp"],
        "username": "1:a",
        "credential": "p",
    }
    assert servers(peer_connection_options([], 3478, credentials, TransportPolicy.ALL, tls)) == []


def servers(options: dict[str, Any]) -> list[Any]:
    return list(options["iceServers"])


def write_certificate(folder: Path, name: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / CERTIFICATE).write_bytes(certificate.public_bytes(encoding))
    (folder / KEY).write_bytes(private)
    for file in (CERTIFICATE, KEY):
        (folder / file).chmod(0o644)


class Coturn:
    """The real one, with a certificate or without."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.tls_port = free_port(), free_port()
        configuration = TurnConfiguration(
            listening_address="127.0.0.1",
            external_address=None,
            port=self.port,
            tls_port=self.tls_port,
            min_port=50200,
            max_port=50300,
            certificate_folder=str(folder),
            state_folder=str(folder),
        )
        (folder / "turnserver.conf").write_text(render(configuration))

    def start(self) -> None:
        with (self.folder / "log").open("wb") as log:
            command = ["turnserver", "-c", str(self.folder / "turnserver.conf")]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)
        self.until(lambda: self.answers(self.port) and (self.folder / PID_FILE).exists())

    def answers(self, port: int) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    def served(self) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.tls_port), PATIENCE) as plain,
            context.wrap_socket(plain) as tls,
        ):
            encoded = tls.getpeercert(binary_form=True)
        assert encoded
        return x509.load_der_x509_certificate(encoded).subject.rfc4514_string()

    def until(self, holds) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)


@pytest.fixture
def coturn():
    if shutil.which("turnserver") is None:
        pytest.skip("coturn is not installed")
    folder = Path(tempfile.mkdtemp(prefix="turn-tls-", dir="/tmp"))
    it = Coturn(folder)
    yield it
    it.process.terminate()
    it.process.wait(PATIENCE)
    shutil.rmtree(folder)


def test_a_renewed_certificate_is_served_and_no_connection_ends(coturn):
    write_certificate(coturn.folder, "first")
    coturn.start()
    followed = FollowedCertificate(coturn.folder, coturn.folder / PID_FILE)
    followed.look()
    assert coturn.served() == "CN=first"
    with socket.create_connection(("127.0.0.1", coturn.port), PATIENCE) as kept:
        write_certificate(coturn.folder, "second")
        followed.look()
        coturn.until(lambda: coturn.served() == "CN=second")
        kept.settimeout(0.1)
        with pytest.raises(TimeoutError):
            kept.recv(1)
    assert coturn.process.poll() is None


def test_the_first_certificate_brings_the_tls_port_by_a_new_start(coturn):
    coturn.start()
    assert not coturn.answers(coturn.tls_port)
    followed = FollowedCertificate(coturn.folder, coturn.folder / PID_FILE)
    write_certificate(coturn.folder, "first")
    followed.look()
    coturn.until(lambda: coturn.process.poll() is not None)
    coturn.start()
    assert coturn.served() == "CN=first"
    followed.look()
    assert coturn.process.poll() is None


def test_no_coturn_is_no_harm(tmp_path):
    followed = FollowedCertificate(tmp_path, tmp_path / PID_FILE)
    write_certificate(tmp_path, "first")
    followed.look()
    (tmp_path / PID_FILE).write_text(str(os.getpid()))
    followed.look()
