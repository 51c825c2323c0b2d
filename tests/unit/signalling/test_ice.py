"""ICE servers and their credentials."""

import pytest

from signalling.ice.credentials import TurnCredentials, session_of, turn_credentials, turn_user
from signalling.ice.elsewhere import ApplicationIce, Elsewhere
from signalling.ice.player import player_options
from signalling.ice.ranking import TurnNode
from signalling.ice.secret import SecretError, read_secret
from signalling.ice.servers import (
    ExternalTurn,
    IceServer,
    TransportPolicy,
    peer_connection_options,
    pool_servers,
)
from signalling.matchmaker.settings import TurnAccess

CREDENTIALS = TurnCredentials("1:a", "p")
NODES = [TurnNode("turn-1", "198.51.100.7", "10.0.30.4"), TurnNode("turn-2", "198.51.100.8", "10.0.30.5")]


def test_credentials_follow_the_scheme():
    found = turn_credentials("north", "player-1", now=1_700_000_000, lifetime=3600)
    assert found.username == "1700003600:player-1"
    assert found.password == "8UZc+N37gQLT4mIkDM7RaDTM+c4="


def test_a_password_is_not_shown():
    assert "hidden" not in repr(TurnCredentials("1:a", "hidden"))
    assert "hidden" not in repr([IceServer(("turn:a",), "name", "hidden"), ExternalTurn(("turn:a",), "hidden")])


@pytest.mark.parametrize(("session", "player", "user"), [("s1", "s1", "s1"), ("s1", "p2", "s1.p2")])
def test_credentials_tell_the_session_and_each_player_has_its_own(session, player, user):
    assert turn_user(session, player) == user
    assert session_of(turn_credentials("north", user, 1_700_000_000, 60).username) == session


def entries(*addresses: str, policy: TransportPolicy = TransportPolicy.RELAY) -> list[dict[str, object]]:
    return [each.entry() for each in pool_servers(addresses, 3478, CREDENTIALS, policy)]


def test_the_first_address_is_reached_by_udp_and_tcp_and_the_spare_one_by_udp():
    access = {"username": "1:a", "credential": "p"}
    assert entries("198.51.100.7", "2001:db8::1") == [
        {"urls": ["turn:198.51.100.7:3478?transport=udp", "turn:198.51.100.7:3478?transport=tcp"], **access},
        {"urls": ["turn:[2001:db8::1]:3478?transport=udp"], **access},
    ]


def test_stun_is_of_use_where_media_may_go_directly():
    found = entries("198.51.100.7", "198.51.100.8", policy=TransportPolicy.ALL)
    assert found[0] == {"urls": ["stun:198.51.100.7:3478"]}
    assert found[1:] == entries("198.51.100.7", "198.51.100.8")


def test_no_address_gives_no_server():
    assert entries() == []
    assert peer_connection_options([], TransportPolicy.ALL) == {"iceTransportPolicy": "all", "iceServers": []}


def urls(options) -> list[str]:
    return [url for server in options["iceServers"] for url in server["urls"]]


def options(application: str = "demo", elsewhere: Elsewhere | None = None, access: TurnAccess | None = None):
    given = elsewhere or Elsewhere()
    return player_options(
        application, "s1", NODES, access or TurnAccess(), secret="north", now=1_700_000_000, elsewhere=given
    )


def test_a_player_has_few_urls_and_every_array_is_one():
    found = options(access=TurnAccess(tls_host="turn.play.example.com"))
    assert urls(found) == [
        "turn:198.51.100.7:3478?transport=udp",
        "turn:198.51.100.7:3478?transport=tcp",
        "turn:198.51.100.8:3478?transport=udp",
        "turns:turn.play.example.com:5349?transport=tcp",
    ]
    assert found["iceTransportPolicy"] == "relay"
    assert all(isinstance(server["urls"], list) for server in found["iceServers"])
    assert {server["username"] for server in found["iceServers"]} == {"1700086400:s1"}


EXTERNAL = ExternalTurn(("turn:turn.example.net:443?transport=tcp",), "south")


def test_turn_elsewhere_comes_after_the_pool_with_credentials_of_its_own_secret():
    *_, last = options(elsewhere=Elsewhere(external=(EXTERNAL,)))["iceServers"]
    expected = turn_credentials("south", "s1", 1_700_000_000, 86_400)
    assert last == {
        "urls": ["turn:turn.example.net:443?transport=tcp"],
        "username": expected.username,
        "credential": expected.password,
    }


def test_an_application_s_own_servers_are_all_that_its_players_get():
    own = ApplicationIce((IceServer(("stun:198.51.100.9:3478",)), IceServer(("turn:198.51.100.9:3478",), "acme", "p")))
    elsewhere = Elsewhere(external=(EXTERNAL,), applications={"showroom": own})
    assert options("showroom", elsewhere) == {
        "iceTransportPolicy": "relay",
        "iceServers": [
            {"urls": ["stun:198.51.100.9:3478"]},
            {"urls": ["turn:198.51.100.9:3478"], "username": "acme", "credential": "p"},
        ],
    }
    assert len(urls(options("demo", elsewhere))) == 4


@pytest.mark.parametrize(
    ("own", "stack", "expected"),
    [(None, "relay", "relay"), (None, "all", "all"), ("all", "relay", "all"), ("relay", "all", "relay")],
)
def test_an_application_s_own_policy_goes_before_the_stack_s(own, stack, expected):
    mine = ApplicationIce(transport_policy=TransportPolicy(own) if own else None)
    access = TurnAccess(transport_policy=TransportPolicy(stack))
    found = options("showroom", Elsewhere(applications={"showroom": mine}), access)
    assert found["iceTransportPolicy"] == expected
    assert any(url.startswith("stun:") for url in urls(found)) is (expected == "all")


def test_a_secret_is_read_without_the_white_space_around_it(tmp_path):
    file = tmp_path / "secret"
    file.write_text(" s3cret\n")
    assert read_secret(file) == "s3cret"


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_an_unusable_secret_is_an_error_that_does_not_show_it(tmp_path, content):
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(SecretError, match="secret"):
        read_secret(file)


def test_a_missing_secret_names_the_file_and_the_remedy(tmp_path):
    with pytest.raises(SecretError, match=r"absent.*mount"):
        read_secret(tmp_path / "absent")
