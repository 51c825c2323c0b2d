"""Tickets prove what they say, to whom they say it, for as long as they say."""

import base64
import json
from collections.abc import Callable

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.tickets.claims import AdmissionTicket, InvitationTicket, PlayerTicket, Role, SessionLimits
from signalling.tickets.keys import UnusableKeyError, public_keys, public_line, signing_key
from signalling.tickets.signing import LEEWAY_SECONDS, TicketRefused, prove, sign

KEY, OTHER = signing_key("ab" * 32), signing_key("cd" * 32)
KEYS = public_keys([public_line(KEY)])
NOW = 1_800_000_000.0
PLAYER = PlayerTicket(session="s1", player="s1", app="demo", joined=5, subject="ada", priority=2)
ADMISSION = AdmissionTicket(
    session="s1", player="s1", app="demo", instance="demo-1", limits=SessionLimits(max_seconds=60, shared=True)
)


@pytest.mark.parametrize("claims", [PLAYER, ADMISSION, InvitationTicket(session="s1", app="demo", role=Role.OWNER)])
def test_what_was_signed_is_proved(claims):
    assert prove(sign(claims, KEY, NOW, 60), type(claims), KEYS, NOW + 30) == claims


@pytest.mark.parametrize(
    ("seconds", "holds"),
    [(-LEEWAY_SECONDS - 1, False), (-LEEWAY_SECONDS, True), (69, True), (70, False), (10_000, False)],
)
def test_a_ticket_holds_for_its_time(seconds, holds):
    ticket = sign(PLAYER, KEY, NOW, 60)
    if holds:
        assert prove(ticket, PlayerTicket, KEYS, NOW + seconds) == PLAYER
    else:
        with pytest.raises(TicketRefused, match="time"):
            prove(ticket, PlayerTicket, KEYS, NOW + seconds)


def test_a_ticket_is_for_one_audience():
    with pytest.raises(TicketRefused):
        prove(sign(PLAYER, KEY, NOW, 60), AdmissionTicket, KEYS, NOW)


def test_a_ticket_of_another_key_is_refused():
    with pytest.raises(TicketRefused, match="not known"):
        prove(sign(PLAYER, OTHER, NOW, 60), PlayerTicket, KEYS, NOW)


def test_two_keys_hold_during_a_rotation():
    both = public_keys([public_line(OTHER), "", public_line(KEY)])
    for key in (KEY, OTHER):
        assert prove(sign(PLAYER, key, NOW, 60), PlayerTicket, both, NOW) == PLAYER


HEADER: dict[str, object] = {"alg": "EdDSA", "kid": KEY.id, "typ": "JWT"}
PAYLOAD: dict[str, object] = {
    "aud": "player",
    "iat": NOW,
    "exp": NOW + 60,
    "session": "x",
    "player": "x",
    "app": "demo",
    "joined": 1,
}


def _forged(header: object, signature: bytes | Callable[[bytes], bytes]) -> str:
    parts = [_unpadded(json.dumps(part).encode()) for part in (header, PAYLOAD)]
    signed = b".".join(parts)
    return b".".join((signed, _unpadded(signature(signed) if callable(signature) else signature))).decode()


def _unpadded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


@pytest.mark.parametrize(
    "ticket",
    [
        _forged(HEADER | {"alg": "none"}, b""),
        _forged(HEADER | {"alg": "none"}, b"x" * 64),
        _forged(HEADER, b""),
        _forged(HEADER, b"x" * 64),
        _forged(HEADER, b"\0" * 64),
        jwt.encode({"aud": "player", "exp": NOW + 60}, public_line(KEY), "HS256", headers={"kid": KEY.id}),
        "",
        "a.b.c",
        f"a.b.{'c' * 86}",
        f"{sign(PLAYER, KEY, NOW, 60)}=",
        f"{sign(PLAYER, KEY, NOW, 60)}\n",
        sign(PLAYER, KEY, NOW, 60).replace(".", "..", 1),
        "é" * 20,
        "x" * 100_000,
    ],
)
def test_a_forged_ticket_is_refused(ticket):
    with pytest.raises(TicketRefused):
        prove(ticket, PlayerTicket, KEYS, NOW)


def test_a_ticket_of_our_form_is_proved_whoever_made_it():
    assert prove(_forged(HEADER, KEY.private.sign), PlayerTicket, KEYS, NOW).session == "x"


@pytest.mark.parametrize(
    "header",
    [
        *([], "EdDSA", None, {}),
        *({key: value for key, value in HEADER.items() if key != left_out} for left_out in HEADER),
        *(HEADER | {"alg": name} for name in ("none", "HS256", "RS256", "ES256", "eddsa", "Ed25519", "", None)),
        *(HEADER | {"kid": name} for name in ("", OTHER.id, KEY.id.lower() + " ", 5, None)),
        *(HEADER | {"typ": name} for name in ("JWE", "at+jwt", None)),
        *(
            HEADER | {name: more}
            for name, more in (("crit", ["exp"]), ("b64", False), ("jwk", {}), ("jku", "https://x"))
        ),
    ],
)
def test_a_well_signed_ticket_with_another_header_than_ours_is_refused(header):
    with pytest.raises(TicketRefused):
        prove(_forged(header, KEY.private.sign), PlayerTicket, KEYS, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        *({"aud": None}, {"iat": None}, {"exp": None}, {"aud": ["player"]}, {"aud": "admission"}, {"exp": "later"}),
        *({"exp": True}, {"session": None}, {"session": 5}, {"role": "king"}, {"joined": 1.5}),
    ],
)
def test_a_ticket_that_is_well_signed_and_says_something_else_is_refused(changed):
    whole = {key: value for key, value in (PAYLOAD | changed).items() if value is not None}
    ticket = jwt.encode(whole, KEY.private, "EdDSA", headers={"kid": KEY.id})
    with pytest.raises(TicketRefused):
        prove(ticket, PlayerTicket, KEYS, NOW)


@given(st.text(max_size=300))
def test_no_text_raises_anything_else(text):
    with pytest.raises(TicketRefused):
        prove(text, PlayerTicket, KEYS, NOW)


@given(st.integers(min_value=0), st.sampled_from("ABCxyz019-_"))
def test_a_changed_ticket_is_refused(place, letter):
    ticket = sign(PLAYER, KEY, NOW, 60)
    # The last character of a part carries spare bits; a change of those alone says the same.
    body = ticket.rindex(".") - 2
    changed = ticket[: place % body] + letter + ticket[place % body + 1 :]
    if changed != ticket:
        with pytest.raises(TicketRefused):
            prove(changed, PlayerTicket, KEYS, NOW)


@pytest.mark.parametrize("seed", ["", "ab" * 31, "xy" * 32, "ab" * 33])
def test_a_seed_that_is_none_is_refused_and_not_shown(seed):
    with pytest.raises(UnusableKeyError) as refused:
        signing_key(seed)
    assert not seed or seed not in str(refused.value)


@pytest.mark.parametrize("line", ["x", "AAAA", "*" * 43])
def test_a_line_that_is_no_public_key_is_refused(line):
    with pytest.raises(UnusableKeyError):
        public_keys([line])


def test_a_key_does_not_show_itself():
    assert "ab" * 8 not in repr(KEY)
