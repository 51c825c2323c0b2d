"""TURN's certificate: what coturn is told of it, and that the real one serves it, old and new."""

import asyncio
import datetime
import os
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from signalling.ice.credentials import TurnCredentials
from signalling.ice.servers import TransportPolicy, pool_servers
from signalling.turn.certificate import CERTIFICATE, KEY, FollowedCertificate, order
from signalling.turn.configuration import PID_FILE, TurnConfiguration, TurnConfigurationError, render
from signalling.turn.settings import read_companion
from tests.ports import free_port
from tests.unit.signalling.clients import PATIENCE
from tests.unit.signalling.coturn import NEEDS_COTURN, Coturn, refused, state_folder

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
    its = read_companion({"TURN_CONFIGURATION": "/run/turn/turnserver.conf"})
    assert f"pidfile={its.pid_file}" in render(BASE).splitlines()
    assert its.turn_certificate_folder == ""


def test_players_get_the_name_on_the_certificate_beside_the_addresses():
    credentials, tls = TurnCredentials("1:a", "p"), ("turn.play.example.com", 5349)
    *_, last = pool_servers(["198.51.100.7"], 3478, credentials, TransportPolicy.RELAY, tls)
    assert last.entry() == {
        "urls": ["turns:turn.play.example.com:5349?transport=tcp"],
        "username": "1:a",
        "credential": "p",
    }
    assert list(pool_servers([], 3478, credentials, TransportPolicy.RELAY, tls)) == []


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


class TlsCoturn(Coturn):
    """The real one, with a certificate or without."""

    def __init__(self, folder: Path) -> None:
        self.tls_port = free_port()
        super().__init__(folder, tls_port=self.tls_port, certificate_folder=str(folder))

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

    def serves(self, subject: str) -> bool:
        """Whether it serves this one; a handshake that it breaks off while it exchanges them says nothing."""
        try:
            return self.served() == subject
        except ConnectionError:
            return False

    def serves_tls(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
        except OSError:
            return False
        return True

    async def begin(self) -> None:
        self.start()
        await self.until_it_answers()
        await self.until(self.pid_file.exists)

    async def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, self.log()
            await asyncio.sleep(0.02)


@pytest.fixture
async def coturn() -> AsyncIterator[TlsCoturn]:
    with state_folder() as folder:
        it = TlsCoturn(folder)
        try:
            yield it
        finally:
            await it.stop()


@NEEDS_COTURN
async def test_a_renewed_certificate_is_served_and_no_connection_ends(coturn):
    write_certificate(coturn.folder, "first")
    await coturn.begin()
    followed = FollowedCertificate(coturn.folder, coturn.pid_file)
    followed.look()
    assert coturn.served() == "CN=first"
    with socket.create_connection(("127.0.0.1", coturn.its.port), PATIENCE) as kept:
        write_certificate(coturn.folder, "second")
        followed.look()
        await coturn.until(lambda: coturn.serves("CN=second"))
        kept.settimeout(0.1)
        with pytest.raises(TimeoutError):
            kept.recv(1)
    assert coturn.process.poll() is None


@NEEDS_COTURN
async def test_the_first_certificate_brings_the_tls_port_by_a_new_start(coturn):
    await coturn.begin()
    assert not coturn.serves_tls()
    followed = FollowedCertificate(coturn.folder, coturn.pid_file)
    write_certificate(coturn.folder, "first")
    followed.look()
    await coturn.until(lambda: coturn.process.poll() is not None)
    await coturn.begin()
    assert coturn.served() == "CN=first"
    followed.look()
    assert coturn.process.poll() is None


@NEEDS_COTURN
async def test_an_allocation_over_tls_is_like_any_other(coturn):
    write_certificate(coturn.folder, "first")
    await coturn.begin()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    mine = await coturn.allocate(transport="tcp", tls=(coturn.tls_port, context))
    assert mine.address[0] == "127.0.0.1"
    with refused(403):
        await mine.permit("169.254.169.254")
    mine.close()


def test_no_coturn_is_no_harm(tmp_path):
    followed = FollowedCertificate(tmp_path, tmp_path / PID_FILE)
    write_certificate(tmp_path, "first")
    followed.look()
    (tmp_path / PID_FILE).write_text(str(os.getpid()))
