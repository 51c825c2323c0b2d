"""Whose address counts, and which pages may connect."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.limits.addresses import client_address, counted_under
from signalling.limits.origins import admitted

TRUSTED = [ip_network("10.244.0.0/16"), ip_network("fd00::/8")]
PROXY, OTHER_PROXY = "10.244.1.2", "10.244.9.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        # Whoever is not trusted is the client, whatever it says.
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),
        (PROXY, [], PROXY),
        (PROXY, ["203.0.113.1"], "203.0.113.1"),
        # What the player itself wrote stands left of what the proxy wrote.
        (PROXY, ["192.0.2.66, 203.0.113.1"], "203.0.113.1"),
        (PROXY, ["192.0.2.66", "203.0.113.1"], "203.0.113.1"),
        (PROXY, ["10.244.0.1, 203.0.113.1"], "203.0.113.1"),
        (PROXY, ["192.0.2.66", f"203.0.113.1 , {OTHER_PROXY}"], "203.0.113.1"),
        (PROXY, [f"{OTHER_PROXY},{OTHER_PROXY}"], OTHER_PROXY),
        (PROXY, ["203.0.113.1:4711"], "203.0.113.1"),
        (PROXY, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (PROXY, ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.244.1.2", ["::ffff:203.0.113.1"], "203.0.113.1"),
        ("fd00::1", ["203.0.113.1"], "203.0.113.1"),
        (PROXY, ["203.0.113.1, nonsense"], PROXY),
        (PROXY, ["203.0.113.1, "], PROXY),
        (PROXY, ["fe80::1%eth0"], "fe80::1"),
    ],
)
def test_the_client_is_the_nearest_that_is_not_trusted(peer, forwarded, client):
    assert client_address(peer, forwarded, TRUSTED) == ip_address(client)


def test_a_peer_without_an_address_has_none():
    assert client_address("", ["203.0.113.1"], TRUSTED) is None
    assert counted_under(None) == "unknown"


ADDRESSES = st.ip_addresses().map(str)


@given(ADDRESSES, st.lists(st.one_of(ADDRESSES, st.text(max_size=20)), max_size=5))
def test_nobody_who_is_not_trusted_can_say_where_it_comes_from(peer, forwarded):
    if not any(ip_address(peer) in network for network in TRUSTED):
        expected = getattr(ip_address(peer), "ipv4_mapped", None) or ip_address(peer)
        if not any(expected in network for network in TRUSTED):
            assert client_address(peer, forwarded, TRUSTED) == expected


@given(ADDRESSES, st.lists(st.text(max_size=20), max_size=3))
def test_a_trusted_proxy_has_the_last_word(client, claimed):
    its = ip_address(client)
    its = getattr(its, "ipv4_mapped", None) or its
    if not any(its in network for network in TRUSTED):
        assert client_address(PROXY, [*claimed, client], TRUSTED) == its


def test_addresses_of_one_customer_count_as_one():
    assert counted_under(ip_address("203.0.113.1")) == "203.0.113.1"
    assert counted_under(ip_address("2001:db8:1:2:3::4")) == "2001:db8:1:2::/64"


ALLOWED = ["https://shop.example.com", "https://*.partner.example", "http://localhost:5173"]


@pytest.mark.parametrize(
    ("origin", "host", "is_admitted"),
    [
        (None, "play.example.com", True),
        ("https://play.example.com", "play.example.com", True),
        ("https://play.example.com", "play.example.com:443", True),
        ("http://play.example.com", "play.example.com", True),
        ("http://10.89.128.9:3000", "10.89.128.9:3000", True),
        ("https://play.example.com:8443", "play.example.com", False),
        ("https://shop.example.com", "play.example.com", True),
        ("https://SHOP.example.com:443", "play.example.com", True),
        ("http://shop.example.com", "play.example.com", False),
        ("https://shop.example.com.evil.example", "play.example.com", False),
        ("https://a.partner.example", "play.example.com", True),
        ("https://a.b.partner.example", "play.example.com", True),
        ("https://partner.example", "play.example.com", False),
        ("https://evilpartner.example", "play.example.com", False),
        ("http://a.partner.example", "play.example.com", False),
        ("https://a.partner.example:8443", "play.example.com", False),
        ("http://localhost:5173", "play.example.com", True),
        ("null", "play.example.com", False),
        ("", "", False),
        ("https://", "play.example.com", False),
        ("https://[", "[", False),
        ("https://play.example.com@evil.example", "play.example.com", False),
        ("https://evil.example/play.example.com", "play.example.com", False),
    ],
)
def test_origins(origin, host, is_admitted):
    assert admitted(origin, host, ALLOWED) is is_admitted


def test_all_pages_may_come_where_the_stack_says_so():
    assert admitted("https://anywhere.example", "play.example.com", ["*"])
    assert admitted("null", "play.example.com", ["*"])
    assert not admitted("null", "play.example.com", [])


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_origin_raises(origin, host):
    admitted(origin, host, ALLOWED)
