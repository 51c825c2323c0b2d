"""Whose addresses players may reach: from pods to a file, and from the file to coturn's table."""

import sqlite3
from pathlib import Path

import pytest

from signalling.kubernetes.api import Changed, Listed, Removed
from signalling.shell.environment import SettingError
from signalling.turn.following import Follower
from signalling.turn.peers import Peers, peer_of, read, read_addresses, write_addresses
from signalling.turn.settings import CompanionSettings
from tests.unit.signalling.memory_cluster import Object, as_pod, pod


def with_status(thing: Object, **status: str) -> Object:
    return {**thing, "status": {**thing["status"], **status}}


@pytest.mark.parametrize(
    ("thing", "address"),
    [
        (pod("a", address="10.244.1.7"), "10.244.1.7"),
        (pod("a", address="10.244.1.7", pool="session"), "10.244.1.7"),
        (pod("a", address="10.244.1.7", ready=False), "10.244.1.7"),
        (pod("a", address=None), None),
        (with_status(pod("a", address="10.244.1.7"), phase="Running"), "10.244.1.7"),
        (with_status(pod("a", address="10.244.1.7"), phase="Failed"), None),
        (with_status(pod("a", address="10.244.1.7"), phase="Succeeded"), None),
        ({**pod("a", address="10.0.10.4"), "spec": {"containers": [], "hostNetwork": True}}, None),
        (pod("a", address="169.254.169.254"), None),
        (pod("a", address="0.0.0.0"), None),
        (pod("a", address="metadata"), None),
    ],
)
def test_a_pod_is_a_peer_by_an_address_of_its_own(thing, address):
    assert peer_of(as_pod(thing)) == address


def test_the_file_has_those_that_there_are(tmp_path):
    file = tmp_path / "addresses"
    peers = Peers(file)
    one, two = (pod(name, address=address) for name, address in (("a", "10.244.1.7"), ("b", "10.244.1.8")))
    peers.observe(Listed([as_pod(one), as_pod(two)]))
    assert read_addresses(file) == ("10.244.1.7", "10.244.1.8")
    peers.observe(Changed(as_pod(pod("c", address=None))))
    assert read_addresses(file) == ("10.244.1.7", "10.244.1.8")
    peers.observe(Changed(as_pod(pod("c", address="10.244.1.9"))))
    peers.observe(Removed(as_pod(one)))
    assert read_addresses(file) == ("10.244.1.8", "10.244.1.9")
    peers.observe(Changed(as_pod(with_status(two, phase="Failed"))))
    assert read_addresses(file) == ("10.244.1.9",)
    peers.observe(Listed([]))
    assert read_addresses(file) == ()
    assert [path.name for path in tmp_path.iterdir()] == ["addresses"]


def test_a_listing_writes_the_file_also_when_nothing_changed(tmp_path):
    file = tmp_path / "addresses"
    peers = Peers(file)
    one = as_pod(pod("a", address="10.244.1.7"))
    peers.observe(Listed([one]))
    first = file.stat().st_ino
    peers.observe(Changed(one))
    assert file.stat().st_ino == first
    peers.observe(Listed([one]))
    assert file.stat().st_ino != first


def test_settings_need_the_namespace():
    assert read({"TURN_INSTANCES_NAMESPACE": "pixel-instances"}).peers_file == Path("/run/peers/addresses")
    with pytest.raises(SettingError, match="TURN_INSTANCES_NAMESPACE"):
        read({})


def allowed(database: Path) -> set[str]:
    connection = sqlite3.connect(database)
    try:
        rows = connection.execute("SELECT ip_range FROM allowed_peer_ip WHERE realm = 'pixel'")
        return {address for (address,) in rows}
    finally:
        connection.close()


def test_each_change_of_the_file_reaches_the_table_and_nothing_but_addresses_does(tmp_path, caplog):
    (tmp_path / "secret").write_text("a" * 32)
    its = CompanionSettings(
        turn_secret_file=tmp_path / "secret",
        turn_peers_file=tmp_path / "addresses",
        turn_configuration=tmp_path / "turnserver.conf",
    )
    follower = Follower(its)
    follower.look()
    assert follower.peers == 0
    assert "the peers stay as they are" in caplog.text
    write_addresses(its.turn_peers_file, ["10.244.1.7", "10.244.1.8", "10.244.1.7"])
    follower.look()
    assert allowed(its.database) == {"10.244.1.7", "10.244.1.8"}
    its.turn_peers_file.write_text("10.244.1.9\n0.0.0.0\n0.0.0.0-255.255.255.255\n169.254.169.254\nkubernetes\n")
    follower.look()
    assert allowed(its.database) == {"10.244.1.9"}
    its.turn_peers_file.unlink()
    follower.look()
    assert allowed(its.database) == {"10.244.1.9"}
    assert follower.peers == 1
    follower.close()
