"""Tokens and tickets are found wherever the protocol lets them stand, by the reference server's rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.login.presented import Presented, presented
from tests.unit.signalling.entrance.requests import asked


def shown(target: str = "/", *headers: tuple[str, str]) -> Presented:
    return presented(asked(target, *headers))


@pytest.mark.parametrize(
    ("target", "tokens"),
    [
        ("/", ()),
        ("/?token=a", ("a",)),
        ("/?x=1&token=a&y=2&token=b", ("a", "b")),
        ("/?token=", ()),
        ("/?token", ()),
        ("/?%74oken=a%20b%2B", ("a b+",)),
        ("/?token=a+b", ("a b",)),
        ("/?token=%zz", ("%zz",)),
        ("/?token=%ff", ("\ufffd",)),
        ("/?Token=a", ()),
        ("//?token=a", ("a",)),
        ("//[?token=a", ("a",)),
    ],
)
def test_every_token_of_the_query_counts(target, tokens):
    assert shown(target).tokens == tokens


@pytest.mark.parametrize(
    ("header", "tokens"),
    [("Bearer a", ("a",)), ("bearer  a b", ("a b",)), ("BEARER a", ("a",)), ("Bearer", ()), ("Basic a", ()), ("", ())],
)
def test_a_bearer_in_whatever_case_counts(header, tokens):
    assert shown("/", ("authorization", header)).tokens == tokens


def test_sub_protocols_carry_tokens_and_tickets_and_all_places_count():
    it = shown(
        "/ws?app=demo&token=query&ticket=link",
        ("Authorization", "Bearer header"),
        ("Sec-WebSocket-Protocol", "pixel-streaming.v1+session, pixel-token.a%20b"),
        ("sec-websocket-protocol", "pixel-ticket.own,pixel-token."),
        ("Cookie", "bad name=1; other=2; pixel_session=kept; pixel_session=second"),
    )
    assert it.tokens == ("header", "a b", "query")
    assert it.tickets == ("own", "link")
    assert (it.opted_in, it.cookie) == (True, "kept")


@pytest.mark.parametrize(("target", "opted_in"), [("/?session=1", True), ("/?session=0", False), ("/", False)])
def test_opting_in_by_the_query(target, opted_in):
    assert shown(target).opted_in is opted_in


def test_what_is_presented_does_not_show_itself():
    it = shown("/?token=secret-1&ticket=secret-2", ("Cookie", "pixel_session=secret-3"))
    assert "secret" not in repr(it)


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_nothing_that_is_sent_raises_anything_else(target, authorization, protocols, cookie):
    headers = (("Authorization", authorization), ("Sec-WebSocket-Protocol", protocols), ("Cookie", cookie))
    shown(f"/{target}", *headers)
