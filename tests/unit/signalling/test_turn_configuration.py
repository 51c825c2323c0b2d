"""turnserver.conf, line by line."""

import stat
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from signalling.turn.__main__ import configuration, write_private
from signalling.turn.configuration import (
    NEVER_ALLOWED,
    TurnConfiguration,
    TurnConfigurationError,
    render,
    usable_peer,
)
from signalling.turn.settings import ConfigurationSettings, read_configuration
from tests.unit.signalling.memory_cluster import as_node, node

BASE = TurnConfiguration(listening_address="10.0.30.4", external_address=None)


def lines(its: TurnConfiguration) -> list[str]:
    return render(its).splitlines()


def test_the_whole_file():
    whole = replace(
        BASE,
        external_address="198.51.100.7",
        allowed_peers=("203.0.113.0/28", "203.0.113.99/32"),
        user_quota=16,
        total_quota=12000,
        max_mbps=100,
        capacity_mbps=2000,
        console_port=9643,
        console_password="abc123",
        log_folder="/run/turn-log",
    )
    assert lines(whole) == [
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
        "cli-ip=127.0.0.1",
        "cli-port=9643",
        "cli-password=abc123",
        "cli-max-output-sessions=65536",
        "no-multicast-peers",
        "no-tcp-relay",
        "denied-peer-ip=0.0.0.0-255.255.255.255",
        "denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "allowed-peer-ip=203.0.113.0-203.0.113.15",
        "allowed-peer-ip=203.0.113.99",
        "user-quota=16",
        "total-quota=12000",
        "max-bps=12500000",
        "bps-capacity=250000000",
        "verbose",
        "log-file=/run/turn-log/turn.log",
        "simple-log",
        "no-stdout-log",
        "pidfile=/run/turn/turnserver.pid",
        "userdb=/run/turn/turndb",
    ]


def test_what_is_not_set_is_not_limited_and_not_reported():
    found = lines(BASE)
    assert {"log-file=stdout", "no-cli"} <= set(found) and "verbose" not in found
    assert not [line for line in found if line.partition("=")[0] in ("user-quota", "max-bps", "cli-port")]


def test_without_an_external_address_there_is_no_translation():
    assert not [line for line in lines(BASE) if line.startswith("external-ip")]


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("10.244.1.2", True),
        ("fd00::7", True),
        ("169.254.169.254", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("::ffff:169.254.169.254", False),
        ("fd00:c1::a9fe:a9fe", False),
        ("239.1.1.1", False),
        ("10.244.1.0/24", False),
        ("kubernetes.default", False),
        ("", False),
    ],
)
def test_what_nobody_may_make_a_peer(address, usable):
    assert usable_peer(address) is usable


def test_the_table_of_what_is_never_allowed_is_of_networks_with_a_reason():
    assert all(ip_network(cidr) and reason for cidr, reason in NEVER_ALLOWED)
    assert ip_address("169.254.169.254") in ip_network("169.254.0.0/16")


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
        ({"allowed_peers": ("10.0.0.1/8",)}, "allowed_peers='10.0.0.1/8'"),
        ({"allowed_peers": ("metadata",)}, "allowed_peers='metadata'"),
        ({"allowed_peers": ("0.0.0.0/0",)}, "this host"),
        ({"allowed_peers": ("169.254.169.254/32",)}, "the metadata service"),
        ({"allowed_peers": ("::/0",)}, "this host"),
        ({"user_quota": -1}, "user_quota=-1"),
        ({"total_quota": -1}, "total_quota=-1"),
        ({"capacity_mbps": 10}, "without max_mbps"),
        ({"console_port": 9643}, "console_password"),
        ({"console_port": 9643, "console_password": "a\nno-auth"}, "console_password"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(change, says):
    with pytest.raises(TurnConfigurationError) as error:
        render(replace(BASE, **change))
    assert says in str(error.value)


def settings(tmp_path: Path, **more: str) -> ConfigurationSettings:
    environ = {"NODE_NAME": "n", "TURN_CONFIGURATION": str(tmp_path / "turn.conf")}
    return read_configuration({**environ, **more})


def test_a_node_s_addresses_and_the_environment_come_together(tmp_path):
    its = settings(
        tmp_path,
        TURN_ALLOWED_PEERS="203.0.113.0/28, 198.51.100.0/24",
        TURN_MIN_PORT="50000",
        TURN_REALM="here",
        TURN_USER_QUOTA="7",
        TURN_TOTAL_QUOTA="70",
        TURN_MAX_MBPS="9",
        TURN_CAPACITY_MBPS="90",
    )
    both = as_node(node("n", {"InternalIP": "10.0.30.4", "ExternalIP": "198.51.100.7"}))
    found = configuration(its, both, "abc123")
    assert found == replace(
        BASE,
        external_address="198.51.100.7",
        realm="here",
        min_port=50000,
        allowed_peers=("203.0.113.0/28", "198.51.100.0/24"),
        user_quota=7,
        total_quota=70,
        max_mbps=9,
        capacity_mbps=90,
        console_port=9643,
        console_password="abc123",
        log_folder="/run/turn-log",
        state_folder=str(tmp_path),
    )
    assert configuration(its, as_node(node("n", {"InternalIP": "10.0.30.4"})), "abc123").external_address is None


def test_nobody_tells_coturn_to_report_to_a_redis():
    """coturn 4.6.1 then dies of a user name, signed or not."""
    assert "redis" not in render(replace(BASE, console_port=9643, console_password="abc123"))
    assert "abc123" not in repr(replace(BASE, console_password="abc123"))


def test_a_node_without_an_address_is_an_error(tmp_path):
    with pytest.raises(TurnConfigurationError, match="InternalIP"):
        configuration(settings(tmp_path), as_node(node("n")), "abc123")


def test_the_file_is_nobody_else_s_to_read(tmp_path):
    path = tmp_path / "turn.conf"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "secret"
