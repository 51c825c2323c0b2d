"""ICE servers and their credentials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.ice.credentials import TurnCredentials, turn_credentials
from signalling.ice.secret import SecretError, read_secret
from signalling.ice.servers import TransportPolicy, chosen_for, peer_connection_options


def test_credentials_follow_the_scheme():
    found = turn_credentials("north", "player-1", now=1_700_000_000, lifetime=3600)
    assert found.username == "1700003600:player-1"
    assert found.password == "8UZc+N37gQLT4mIkDM7RaDTM+c4="


def test_a_password_is_not_shown():
    assert "hidden" not in repr(TurnCredentials("1:a", "hidden"))


def test_each_address_is_reached_by_stun_and_by_turn_over_udp_and_tcp():
    options = peer_connection_options(
        ["198.51.100.7", "2001:db8::1"], 3478, TurnCredentials("1:a", "p"), TransportPolicy.RELAY
    )
    assert options == {
        "iceTransportPolicy": "relay",
        "iceServers": [
            {"urls": ["stun:198.51.100.7:3478"]},
            {
                "urls": ["turn:198.51.100.7:3478?transport=udp", "turn:198.51.100.7:3478?transport=tcp"],
                "username": "1:a",
                "credential": "p",
            },
            {"urls": ["stun:[2001:db8::1]:3478"]},
            {
                "urls": ["turn:[2001:db8::1]:3478?transport=udp", "turn:[2001:db8::1]:3478?transport=tcp"],
                "username": "1:a",
                "credential": "p",
            },
        ],
    }


def test_no_address_gives_no_server():
    assert peer_connection_options([], 3478, TurnCredentials("1:a", "p"), TransportPolicy.ALL) == {
        "iceTransportPolicy": "all",
        "iceServers": [],
    }


@given(st.text(max_size=5), st.sets(st.sampled_from("abcdef")))
def test_a_session_keeps_its_address_while_others_come_and_go(session, addresses):
    chosen = chosen_for(session, addresses)
    assert len(chosen) == min(2, len(addresses)) and set(chosen) <= addresses
    if chosen:
        assert chosen_for(session, {chosen[0], *list(addresses)[:1]})[0] == chosen[0]


def test_sessions_spread_over_the_pool():
    first = [chosen_for(str(number), {"a", "b", "c"})[0] for number in range(300)]
    assert all(first.count(address) > 60 for address in "abc")


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
