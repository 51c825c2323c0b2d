"""Tokens: what admits, what does not, and that nothing is taken for what it is not."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from signalling.login.grants import Grant, Refusal
from signalling.login.issuer_keys import KeysUnknown
from signalling.login.key_sets import keys_of
from signalling.login.settings import Algorithm, LoginSettings, Mode
from signalling.login.tokens import OVER, REFUSED, REQUIRED, UNDECIDED, NoLogin, SharedLogin, SignedLogin
from signalling.protocol.session_messages import Reason
from tests.unit.signalling.login.issuer import (
    AUDIENCE,
    EC,
    ED,
    ISSUER,
    OTHER_RSA,
    RSA,
    SECRET,
    WEAK_RSA,
    WRONG_EC,
    published,
    token,
)

NOW = 1_800_000_000.0
ALL = tuple(Algorithm)


class Published:
    """An issuer whose keys are known, without asking it."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = keys_of(json.dumps({"keys": keys}).encode())

    async def find(self, algorithm: Algorithm, id: str | None):
        return [key for key in self.keys if key.algorithm is algorithm and (id is None or key.id in (None, id))]


KEYS = Published(published(RSA, kid="rsa"), published(EC, kid="ec"), published(ED, kid="ed"))


def signed(algorithms: Sequence[Algorithm] = ALL, issuer: Any = KEYS, secret: str = SECRET) -> SignedLogin:
    its = LoginSettings(Mode.SIGNED, tuple(algorithms), ISSUER, AUDIENCE, "https://id.example.com/keys")
    return SignedLogin(its, lambda: (secret,), issuer)


async def test_anybody_may_come_where_there_is_no_login():
    assert await NoLogin().admit((), NOW) == Grant()
    assert await NoLogin().admit(("anything",), NOW) == Grant()


@pytest.mark.parametrize(
    ("tokens", "answer"),
    [
        ((), REQUIRED),
        (("opensesame",), Grant()),
        (("letmein", "opensesame"), Grant()),
        (("previous-one",), Grant()),
        (("open",), REFUSED),
        (("opensesame ",), REFUSED),
        (("OPENSESAME",), REFUSED),
        (("\udcff\udcfe",), REFUSED),
    ],
)
async def test_the_shared_token_admits_and_nothing_else(tokens, answer):
    assert await SharedLogin(lambda: ("opensesame", "previous-one")).admit(tokens, NOW) == answer


async def test_a_secret_that_is_exchanged_is_followed():
    values = ["one"]
    login = SharedLogin(lambda: values)
    assert await login.admit(("one",), NOW) == Grant()
    values[:] = ["two"]
    assert await login.admit(("one",), NOW) == REFUSED
    assert await login.admit(("two",), NOW) == Grant()


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(SECRET, "HS256", None), (RSA, "RS256", "rsa"), (EC, "ES256", "ec"), (ED, "EdDSA", "ed"), (ED, "EdDSA", None)],
)
async def test_each_algorithm_admits_by_its_own_key(key, algorithm, kid):
    headers = {"kid": kid} if kid else None
    it = token(key, algorithm, NOW, headers, apps=["demo"], priority=3, max_seconds=600)
    assert await signed().admit((it,), NOW) == Grant("ada", frozenset({"demo"}), 3, 600)
    # Only where the stack names it.
    others = [each for each in ALL if each != algorithm]
    assert await signed(others).admit((it,), NOW) == REFUSED


@pytest.mark.parametrize(
    ("claims", "answer"),
    [
        ({}, Grant("ada")),
        ({"sub": None}, Grant()),
        ({"aud": ["other", AUDIENCE]}, Grant("ada")),
        ({"apps": []}, Grant("ada", frozenset())),
        ({"nbf": NOW + 29}, Grant("ada")),
        ({"exp": NOW - 29}, Grant("ada")),
        ({"exp": NOW - 31}, OVER),
        ({"nbf": NOW + 31}, REFUSED),
        ({"exp": None}, REFUSED),
        ({"exp": "tomorrow"}, REFUSED),
        ({"exp": True}, REFUSED),
        ({"aud": None}, REFUSED),
        ({"aud": "other"}, REFUSED),
        ({"iss": None}, REFUSED),
        ({"iss": "https://id.example.com"}, REFUSED),
        ({"sub": "x" * 257}, REFUSED),
        ({"apps": "demo"}, REFUSED),
        ({"apps": [1]}, REFUSED),
        ({"priority": "high"}, REFUSED),
        ({"priority": 1001}, REFUSED),
        ({"max_seconds": -1}, REFUSED),
        ({"max_seconds": True}, REFUSED),
    ],
)
async def test_what_a_token_says_is_checked(claims, answer):
    assert await signed().admit((token(RSA, "RS256", NOW, {"kid": "rsa"}, **claims),), NOW) == answer


async def test_any_token_of_several_admits_and_the_last_tells_why_not():
    good, over = token(SECRET, "HS256", NOW), token(SECRET, "HS256", NOW - 3600)
    assert await signed().admit(("nonsense", over, good), NOW) == Grant("ada")
    assert await signed().admit(("nonsense", over), NOW) == OVER
    assert await signed().admit((), NOW) == REQUIRED


def _signed_by_hmac(header: dict[str, Any], key: bytes) -> str:
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "mallory", "exp": NOW + 60}
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, said)]
    signature = hmac.new(key, b".".join(parts), hashlib.sha256).digest()
    return b".".join((*parts, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "forged",
    [
        # A public key as the secret of HS256, the classical confusion.
        *(_signed_by_hmac({"alg": alg, "kid": "rsa"}, key) for alg in ("HS256", "RS256") for key in (PEM, DER)),
        _signed_by_hmac({"alg": "HS256", "kid": "ed"}, ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
        _signed_by_hmac({"alg": "HS256"}, b""),
        _signed_by_hmac({"alg": "none"}, b""),
        _signed_by_hmac({"alg": "None"}, b"").rpartition(".")[0] + ".",
        _signed_by_hmac({"alg": "HS512"}, SECRET.encode()),
        _signed_by_hmac({"alg": ["HS256"]}, SECRET.encode()),
        _signed_by_hmac({}, SECRET.encode()),
        _signed_by_hmac({"alg": "HS256", "crit": ["exp"]}, SECRET.encode()),
        # A key of the forger's own, in every way a header can bring one.
        token(OTHER_RSA, "RS256", NOW, {"kid": "rsa"}),
        token(OTHER_RSA, "RS256", NOW, {"kid": "rsa", "jwk": published(OTHER_RSA)}),
        token(OTHER_RSA, "RS256", NOW, {"jku": "https://evil.example.com/keys.json"}),
        token(RSA, "RS256", NOW, {"kid": "ec"}),
        token(RSA, "RS256", NOW, {"kid": "unknown"}),
        token(RSA, "RS512", NOW, {"kid": "rsa"}),
        token(RSA, "PS256", NOW, {"kid": "rsa"}),
        token(RSA, "RS256", NOW, {"kid": "rsa"})[:-4] + "AAAA",
        "a.b.c",
        ".".join(["e30"] * 3),
        "\udcff.\udcff.\udcff",
        "x" * 10_000,
    ],
    ids=range(24),
)
async def test_a_forged_token_is_refused(forged):
    assert await signed().admit((forged,), NOW) == REFUSED


async def test_a_short_secret_signs_nothing():
    it = _signed_by_hmac({"alg": "HS256"}, b"short")
    assert await signed(secret="short").admit((it,), NOW) == REFUSED


@given(st.text(max_size=300))
async def test_no_text_raises(text):
    assert isinstance(await signed().admit((text,), NOW), Refusal)


@pytest.mark.parametrize(
    "described",
    [
        {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode(), "kid": "x"},
        published(WEAK_RSA, kid="x"),
        published(WRONG_EC, kid="x"),
        published(RSA, kid="x", use="enc"),
        published(RSA, kid="x", alg="RS512"),
        published(ED, kid="x", alg="HS256"),
        published(RSA, kid=7),
        {**published(RSA), "d": "AQAB", "kid": "x"},
        {"kty": "RSA", "kid": "x"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "x"},
        {"kty": ["RSA"]},
        {},
    ],
    ids=range(12),
)
def test_an_unusable_key_is_left_out(described):
    good = published(RSA, kid="good")
    assert [key.id for key in keys_of(json.dumps({"keys": [described, good]}).encode())] == ["good"]


async def test_nobody_can_tell_while_no_key_is_known():
    class Away:
        async def find(self, algorithm, id):
            raise KeysUnknown

    answer = await signed(issuer=Away()).admit((token(RSA, "RS256", NOW),), NOW)
    assert answer == UNDECIDED
    assert (answer.status, answer.retry, answer.reason) == (503, True, Reason.LOGIN_REFUSED)
    assert await signed(issuer=Away()).admit((token(SECRET, "HS256", NOW),), NOW) == Grant("ada")


async def test_comparing_takes_no_notice_of_how_much_is_right(monkeypatch):
    """Not a measurement of time, which would be one of this machine: every value is compared, whatever is found."""
    compared = []
    login = SharedLogin(lambda: ("a" * 40, "b" * 40))
    original = hmac.compare_digest

    def watched(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return original(left, right)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    for shown in ("a" * 40, "a", "c" * 40):
        compared.clear()
        await login.admit((shown, "other"), NOW)
        assert compared == [(32, 32)] * 4
