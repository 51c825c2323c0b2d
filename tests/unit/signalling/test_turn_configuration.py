"""turnserver.conf, line by line."""

import stat
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from signalling.turn.__main__ import configuration, write_private
from signalling.turn.configuration import ALWAYS_DENIED, TurnConfiguration, TurnConfigurationError, render
from signalling.turn.settings import TurnSettings, read
from tests.unit.signalling.memory_cluster import as_node, node

SECRET = "0123456789abcdef0123456789abcdef"
BASE = TurnConfiguration(listening_address="10.0.30.4", external_address=None)


def lines(its: TurnConfiguration) -> list[str]:
    return render(its).splitlines()


def test_the_whole_file():
    assert lines(replace(BASE, external_address="198.51.100.7", denied_peers=("10.0.0.0/28",))) == [
        "listening-ip=10.0.30.4",
        "listening-port=3478",
        "relay-ip=10.0.30.4",
        "external-ip=198.51.100.7/10.0.30.4",
        "min-port=49152",
        "max-port=65535",
        "realm=pixel",
        "use-auth-secret",
        "fingerprint",
        "no-tls",
        "no-dtls",
        "no-cli",
        "no-multicast-peers",
        "no-tcp-relay",
        "denied-peer-ip=0.0.0.0-0.255.255.255",
        "denied-peer-ip=127.0.0.0-127.255.255.255",
        "denied-peer-ip=169.254.0.0-169.254.255.255",
        "denied-peer-ip=::1",
        "denied-peer-ip=::ffff:0:0-::ffff:ffff:ffff",
        "denied-peer-ip=fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "denied-peer-ip=fd00:c1::a9fe:a9fe",
        "denied-peer-ip=10.0.0.0-10.0.0.15",
        "log-file=stdout",
        "new-log-timestamp",
        "pidfile=/run/turn/turnserver.pid",
        "userdb=/run/turn/turndb",
    ]


def test_without_an_external_address_there_is_no_translation():
    assert not [line for line in lines(BASE) if line.startswith("external-ip")]


def test_the_metadata_service_and_loopback_are_denied_and_pods_are_not():
    ranges = [line.removeprefix("denied-peer-ip=").split("-") for line in lines(BASE) if line.startswith("denied")]

    def denied(address):
        it = ip_address(address)
        bounds = [[ip_address(end) for end in (pair[0], pair[-1])] for pair in ranges]
        return any(int(low) <= int(it) <= int(high) for low, high in bounds if low.version == it.version)

    assert all(map(denied, ["169.254.169.254", "127.0.0.1", "::1", "fe80::1", "::ffff:169.254.169.254"]))
    assert not any(map(denied, ["10.89.64.7", "10.244.1.2", "198.51.100.9", "fd00::7"]))
    assert len(ranges) == len(ALWAYS_DENIED)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"listening_address": "turn.example"}, "listening_address='turn.example'"),
        ({"external_address": ""}, "external_address=''"),
        ({"port": 0}, "port=0"),
        ({"min_port": 80}, "min_port=80"),
        ({"min_port": 60000, "max_port": 50000}, "max_port=50000"),
        ({"max_port": 70000}, "max_port=70000"),
        ({"realm": "a\nno-auth"}, "realm="),
        ({"realm": ""}, "realm="),
        ({"denied_peers": ("10.0.0.1/8",)}, "denied_peers='10.0.0.1/8'"),
        ({"denied_peers": ("metadata",)}, "denied_peers='metadata'"),
        ({"denied_peers": ("::/127",)}, "deny every peer"),
        ({"denied_peers": ("0.0.0.0/32",)}, "deny every peer"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(change, says):
    with pytest.raises(TurnConfigurationError) as error:
        render(replace(BASE, **change))
    assert says in str(error.value)


def settings(tmp_path: Path, **more: str) -> TurnSettings:
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    environ = {"NODE_NAME": "n", "TURN_SECRET_FILE": str(secret), "TURN_CONFIGURATION": str(tmp_path / "turn.conf")}
    return read({**environ, **more})


def test_a_node_s_addresses_and_the_environment_come_together(tmp_path):
    its = settings(tmp_path, TURN_DENIED_PEERS="10.0.0.0/28, 10.96.0.0/16", TURN_MIN_PORT="50000", TURN_REALM="here")
    both = as_node(node("n", {"InternalIP": "10.0.30.4", "ExternalIP": "198.51.100.7"}))
    found = configuration(its, both)
    assert found == replace(
        BASE,
        external_address="198.51.100.7",
        realm="here",
        min_port=50000,
        denied_peers=("10.0.0.0/28", "10.96.0.0/16"),
        state_folder=str(tmp_path),
    )
    assert configuration(its, as_node(node("n", {"InternalIP": "10.0.30.4"}))).external_address is None


def test_a_node_without_an_address_is_an_error(tmp_path):
    with pytest.raises(TurnConfigurationError, match="InternalIP"):
        configuration(settings(tmp_path), as_node(node("n")))


def test_the_file_is_nobody_else_s_to_read(tmp_path):
    path = tmp_path / "turn.conf"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "secret"
