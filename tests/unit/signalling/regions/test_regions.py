"""Regions: who is near, who has room, and tickets that one signs and another proves, over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from aiohttp import ClientSession, web
from hypothesis import given
from hypothesis import strategies as st

from signalling.login.grants import Grant
from signalling.login.login import NO_LINK, Login
from signalling.login.presented import Presented
from signalling.login.tickets import ShownTickets
from signalling.login.tokens import REQUIRED, SharedLogin
from signalling.regions.choosing import STALE_SECONDS, Rooms, distance, ranked
from signalling.regions.peers import Peers
from signalling.regions.publication import (
    KEYS_HEADERS,
    KEYS_PATH,
    MOST_ROOM_TOLD,
    REGION_HEADERS,
    REGION_PATH,
    RegionAnswer,
    key_set,
)
from signalling.regions.settings import PeerSettings, Place, RegionSettings
from signalling.shell import listening
from signalling.tickets.claims import PlayerTicket, RegionTicket, Role
from signalling.tickets.keys import SigningKey, public_keys, public_line, signing_key
from signalling.tickets.signing import sign
from tests.unit.signalling.clients import eventually

FRANKFURT, ASHBURN, TOKYO = Place(50.1, 8.7), Place(39.0, -77.5), Place(35.7, 139.7)
NOW = 1_800_000_000.0


def peer(name: str, place: Place | None = None, weight: int = 0, url: str = "") -> PeerSettings:
    return PeerSettings(name, url or f"https://{name}.example.com/", place, weight)


def test_distances():
    assert distance(FRANKFURT, FRANKFURT) == 0
    assert distance(FRANKFURT, ASHBURN) == pytest.approx(6530, rel=0.02)
    assert distance(FRANKFURT, TOKYO) == pytest.approx(9330, rel=0.02)
    assert distance(Place(0, -179.5), Place(0, 179.5)) == pytest.approx(111, rel=0.02)


def test_the_nearest_is_tried_first_and_weights_where_places_are_not_known():
    peers = (peer("nrt", TOKYO), peer("x", None, 1), peer("iad", ASHBURN), peer("y", None, 5))
    order = [each.name for each in ranked(RegionSettings("fra", FRANKFURT, peers))]
    assert order == ["iad", "nrt", "y", "x"]
    assert [each.name for each in ranked(RegionSettings("fra", None, peers))] == ["y", "x", "iad", "nrt"]


def test_room_is_used_up_by_those_who_are_sent_until_it_is_heard_again():
    rooms = Rooms(RegionSettings("fra", FRANKFURT, (peer("iad", ASHBURN), peer("nrt", TOKYO))))

    def chosen(now: float = NOW, application: str = "demo") -> str | None:
        found = rooms.choose(application, now)
        return found.name if found else None

    assert chosen() is None
    rooms.hear("iad", {"demo": 2}, NOW)
    rooms.hear("nrt", {"demo": 1, "other": 1}, NOW)
    assert [chosen() for _ in range(4)] == ["iad", "iad", "nrt", None]
    assert chosen(application="other") == "nrt"
    rooms.hear("iad", {"demo": 1}, NOW + 5)
    assert [chosen(NOW + 5), chosen(NOW + 5)] == ["iad", None]
    rooms.hear("iad", {"demo": 9}, NOW + 10)
    assert chosen(NOW + 10 + STALE_SECONDS) == "iad"
    assert chosen(NOW + 11 + STALE_SECONDS) is None


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=40))
def test_nobody_is_sent_where_there_is_no_room(steps):
    rooms = Rooms(RegionSettings("fra", None, (peer("iad"),)))
    room = 0
    for step in steps:
        if step is not None:
            rooms.hear("iad", {"demo": step}, NOW)
            room = step
        elif rooms.choose("demo", NOW) is not None:
            room -= 1
            assert room >= 0
        else:
            assert room == 0


class Region:
    """One region's two public documents, and its login, on a real port."""

    def __init__(self, name: str, key: SigningKey, http: ClientSession) -> None:
        self.name, self.key, self.http = name, key, http
        self.room: dict[str, tuple[int, int]] = {"demo": (0, 0)}
        self.keys = [key]
        self.peers: Peers
        self.runner: web.AppRunner
        self.now = NOW
        self.answered: dict[str, int] = {}

    async def start(self) -> None:
        answer = RegionAnswer(self.name, lambda: self.room, lambda: self.now)

        async def region(_: web.Request) -> web.Response:
            self.now += 1
            return web.Response(body=answer(), headers=REGION_HEADERS)

        async def keys(_: web.Request) -> web.Response:
            self.answered["keys"] = self.answered.get("keys", 0) + 1
            public = public_keys(public_line(each) for each in self.keys)
            return web.Response(body=key_set(public), headers=KEYS_HEADERS)

        app = web.Application()
        app.add_routes([web.get(REGION_PATH, region), web.get(KEYS_PATH, keys)])
        self.runner = await listening.listen(app, "127.0.0.1", 0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{listening.port_of(self.runner)}/"

    def know(self, *others: "Region") -> None:
        here = RegionSettings(self.name, None, tuple(peer(each.name, url=each.url) for each in others))
        self.peers = Peers(here, self.http, self._sign, poll_seconds=0.02)

    def _sign(self, claims: RegionTicket, seconds: float) -> str:
        return sign(claims, self.key, NOW, seconds)

    async def login(self, ticket: str, now: float = NOW) -> Any:
        shown = ShownTickets(lambda: public_keys([public_line(self.key)]), self.name, self.peers.keys)
        return await Login(SharedLogin(lambda: ("opensesame",)), shown).decide(Presented(True, tickets=(ticket,)), now)


@pytest.fixture
async def regions() -> AsyncIterator[tuple[Region, Region]]:
    async with ClientSession() as http:
        fra, iad = (Region(name, signing_key(seed * 32), http) for name, seed in (("fra", "ab"), ("iad", "cd")))
        await fra.start()
        await iad.start()
        fra.know(iad)
        iad.know(fra)
        tasks = [asyncio.create_task(each.peers.follow()) for each in (fra, iad)]
        yield fra, iad
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await fra.runner.cleanup()
        await iad.runner.cleanup()


ADA = Grant("ada", None, 3, 600)


async def test_a_player_is_sent_where_there_is_room_with_a_ticket_that_holds_there_only(regions):
    fra, iad = regions
    iad.room = {"demo": (3, 1)}
    await eventually(lambda: fra.peers.rooms.of("iad", fra.peers._clock()) == {"demo": 2}, "room heard")
    elsewhere = fra.peers.elsewhere("demo", ADA)
    assert elsewhere is not None
    assert (elsewhere.region, elsewhere.url) == ("iad", iad.url)
    assert elsewhere.ticket not in repr(elsewhere)
    granted = await iad.login(elsewhere.ticket)
    assert isinstance(granted, Grant)
    assert (granted.subject, granted.priority, granted.max_seconds, granted.spilled) == ("ada", 3, 600, True)
    assert granted.applications == frozenset({"demo"})
    # Not here, not with us, not later, and not in a third region.
    assert await fra.login(elsewhere.ticket) == NO_LINK
    assert await iad.login(elsewhere.ticket, NOW + 120) == NO_LINK
    third = msgspec.structs.replace(RegionTicket("iad", "demo"), region="nrt")
    assert await iad.login(sign(third, fra.key, NOW, 60)) == NO_LINK
    # Whoever was sent is not sent on.
    fra.room = {"demo": (9, 0)}
    await eventually(lambda: (iad.peers.rooms.of("fra", iad.peers._clock()) or {}).get("demo") == 9, "room heard")
    assert iad.peers.elsewhere("demo", granted) is None


async def test_a_ticket_signed_by_nobody_we_know_is_refused_and_nobody_else_is_asked(regions):
    fra, iad = regions
    forger = signing_key("ef" * 32)
    for _ in range(20):
        assert await iad.login(sign(RegionTicket("iad", "demo"), forger, NOW, 60)) == NO_LINK
    assert fra.answered["keys"] <= 2
    assert await iad.login("x.y.z") == NO_LINK
    shown = Presented(True)
    login = Login(SharedLogin(lambda: ("opensesame",)), ShownTickets(dict, "iad", iad.peers.keys))
    assert await login.decide(shown, NOW) == REQUIRED


async def test_a_key_that_is_new_is_asked_for(regions):
    fra, iad = regions
    iad.peers = Peers(RegionSettings("iad", None, (peer("fra", url=fra.url),)), iad.http, iad._sign)
    fresh = signing_key("12" * 32)
    fra.keys = [fra.key, fresh]
    granted = await iad.login(sign(RegionTicket("iad", "demo"), fresh, NOW, 60))
    assert isinstance(granted, Grant)


@pytest.mark.parametrize(
    "grant",
    [
        Grant(spilled=True),
        Grant(session="s9", role=Role.SPECTATOR),
        Grant(returning=PlayerTicket(session="s1", player="s1", app="demo", joined=1)),
    ],
)
async def test_who_has_something_here_stays(regions, grant):
    fra, iad = regions
    iad.room = {"demo": (3, 0)}
    await eventually(lambda: fra.peers.rooms.of("iad", fra.peers._clock()) == {"demo": 3}, "room heard")
    assert fra.peers.elsewhere("demo", grant) is None
    assert fra.peers.elsewhere("demo", Grant()) is not None


async def test_a_page_is_sent_on_once_with_its_query(regions):
    fra, iad = regions
    iad.room = {"demo": (3, 0)}
    await eventually(lambda: fra.peers.rooms.of("iad", fra.peers._clock()) == {"demo": 3}, "room heard")
    to = fra.peers.page_elsewhere("demo", "app=demo&token=a%20b")
    assert to is not None
    assert to.startswith(iad.url)
    assert parse_qs(urlsplit(to).query) == {"app": ["demo"], "token": ["a b"], "spilled": ["fra"]}
    assert iad.peers.page_elsewhere("demo", urlsplit(to).query) is None
    assert fra.peers.page_elsewhere("demo", "ticket=x") is None
    assert fra.peers.page_elsewhere("other", "") is None
    assert (fra.peers.page_elsewhere("demo", "") or "").endswith("/?spilled=fra")


async def test_a_peer_that_is_away_or_is_another_one_has_no_room(regions, caplog):
    fra, iad = regions
    iad.room = {"demo": (3, 0)}
    await eventually(lambda: fra.peers.rooms.of("iad", fra.peers._clock()) == {"demo": 3}, "room heard")
    stranger = Peers(RegionSettings("fra", None, (peer("nrt", url=iad.url),)), fra.http, fra._sign, 0.02)
    task = asyncio.create_task(stranger.follow())
    await eventually(lambda: "peer is another region" in caplog.text, "said so")
    assert stranger.elsewhere("demo", ADA) is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_region_tells_its_room_and_no_more():
    now = [NOW]
    rooms = {"demo": (5, 2), "other": (1, 4), "large": (5000, 0)}
    answer = RegionAnswer("fra", lambda: rooms, lambda: now[0])
    assert json.loads(answer()) == {
        "region": "fra",
        "applications": {
            "demo": {"room": 3, "waiting": 2},
            "other": {"room": 0, "waiting": 4},
            "large": {"room": MOST_ROOM_TOLD, "waiting": 0},
        },
    }
    before, rooms["demo"] = answer(), (0, 0)
    assert answer() is before
    now[0] += 1
    assert json.loads(answer())["applications"]["demo"]["room"] == 0


def test_keys_are_published_without_their_private_halves():
    key = signing_key("ab" * 32)
    (described,) = json.loads(key_set(public_keys([public_line(key)])))["keys"]
    assert described == {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": key.id,
        "x": public_line(key),
    }


@pytest.mark.parametrize("url", ["http://iad.example.com/", "https://iad.example.com", "iad.example.com/", ""])
def test_a_peers_address_is_https(url):
    with pytest.raises(ValueError, match=r"regions\.peers"):
        PeerSettings("iad", url)
