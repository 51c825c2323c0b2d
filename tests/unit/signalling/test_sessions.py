"""Sessions through the whole service: tickets, the queue, coming back, guests, shared and reused instances."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from aiohttp import WSServerHandshakeError

from signalling.matchmaker.control import Drained
from signalling.matchmaker.settings import ApplicationSettings, Sessions, SessionSettings
from signalling.protocol.session_messages import Reason
from signalling.tickets.claims import InvitationTicket, PlayerTicket
from tests.unit.signalling.clients import Client, cut, eventually
from tests.unit.signalling.memory_cluster import fleet
from tests.unit.signalling.redis_server import until
from tests.unit.signalling.stage import SECRET, SEED, Stage, stream


def application(stage: Stage, name: str = "demo", **more: Any) -> None:
    """Have the stack's application be like this."""
    its = {each.name: each for each in stage.stack.applications}
    its[name] = ApplicationSettings(name=name, **more)
    stage.stack = msgspec.structs.replace(stage.stack, applications=tuple(its.values()))


async def state(player: Client, name: str) -> dict[str, Any]:
    """The next thing said of the session, which is this."""
    message = await player.expect("sessionState")
    assert message["state"] == name, message
    return message


async def playing(stage: Stage, name: str = "demo-1", at: int = 0) -> tuple[Client, Client, str]:
    """An opted-in player on a new instance: both ends, and the streamer's name for it."""
    unreal = await stage.instance(name)
    player = await stage.opted(at=at)
    assert unreal is not None
    return player, unreal, await stream(player, unreal)


def session_of(player: Client) -> str:
    return str(player.ticket["session"])


# What an opted-in player is told


async def test_it_is_told_what_goes_on(stage):
    await stage.matchmaker()
    player = await stage.opted()
    assert (await state(player, "queued"))["position"] == 1
    unreal = await stage.instance("demo-1")
    await state(player, "starting")
    ready = await state(player, "ready")
    assert (ready["role"], ready["graceSeconds"]) == ("owner", 2)
    await stream(player, unreal)
    assert stage.labels("demo-1")["app.pixel/session"] == session_of(player)


async def test_it_opts_in_by_the_sub_protocol_too(stage):
    await stage.matchmaker()
    url = f"ws://127.0.0.1:{stage.matchmakers[0].ports['players']}/"
    socket = await stage.http.ws_connect(url, protocols=["pixel-streaming.v1+session"])
    assert socket.protocol == "pixel-streaming.v1+session"
    player = Client(socket)
    await player.expect("config")
    await player.expect("sessionTicket")


async def test_positions_change_and_are_those_of_all_replicas(stage):
    await stage.matchmaker()
    await stage.matchmaker()
    first = await stage.opted()
    await state(first, "queued")
    second = await stage.opted(at=1)
    assert (await state(second, "queued"))["position"] == 2
    third = await stage.opted()
    assert (await state(third, "queued"))["position"] == 3
    await first.say("sessionEnd")
    assert await first.closed() == (1001, "")
    assert (await state(second, "queued"))["position"] == 1
    assert (await state(third, "queued"))["position"] == 2
    await stage.instance("demo-1")
    await state(second, "starting")
    assert (await state(third, "queued"))["position"] == 1


async def test_a_stock_player_hears_of_none_of_it(stage):
    await stage.matchmaker()
    player = await stage.player()
    unreal = await stage.instance("demo-1")
    await player.expect("streamerList")
    await player.say("subscribe", streamerId="demo")
    await unreal.expect("playerConnected")
    assert await player.silent()


# The order of the queue


async def test_priority_goes_before_time(stage):
    await stage.matchmaker()
    first = await stage.player()
    urgent = PlayerTicket(session="u" * 32, player="u" * 32, app="demo", joined=1, priority=5)
    cookie = {"Cookie": f"pixel_session={stage.issuer.sign(urgent, 60)}"}
    second = await stage.player(headers=cookie)
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 2, "both wait")
    await stage.instance("demo-1")
    await second.expect("streamerList")
    assert await first.silent()


@pytest.mark.parametrize("kind", ["opted", "stock"])
async def test_a_lost_player_keeps_its_place_on_any_replica(stage, kind):
    await stage.matchmaker()
    await stage.matchmaker()
    first = await (stage.opted() if kind == "opted" else stage.player())
    second = await stage.player()
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 2, "both wait")
    cut(first.socket)
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 1, "one is lost")
    if kind == "opted":
        again = await stage.resumed(first, at=1, fresh=True)
        assert session_of(again) != session_of(first)
        assert (await again.expect("sessionTicket"))["session"] == session_of(first)
        await again.say("listStreamers")
    else:
        again = await stage.player(at=1, headers={"Cookie": f"pixel_session={first.cookie}"})
    await eventually(lambda: stage.matchmakers[1].replica.waiting("demo") == 1, "it is back")
    unreal = await stage.instance("demo-1")
    await stream(again, unreal)
    assert await second.silent()


async def test_a_place_is_lost_after_the_grace_time_and_a_ticket_of_yesterday_leads_past_nobody(stage):
    await stage.matchmaker(queue_grace_seconds=0.2)
    server = stage.matchmakers[0].replica
    first, second = await stage.opted(), await stage.opted()
    cut(first.socket)
    await eventually(lambda: server.waiting("demo") == 1, "one is lost")

    async def forgotten() -> bool:
        return await stage.store.place("demo", session_of(first)) is None

    await until(forgotten, "the end of the kept place")
    again = await stage.resumed(first, fresh=True)
    assert (await again.expect("sessionTicket"))["session"] == session_of(first)
    assert (await state(again, "queued"))["position"] == 2
    await second.socket.close()


async def test_a_later_connection_takes_the_place_over(stage):
    await stage.matchmaker()
    await stage.matchmaker()
    first = await stage.opted()
    await state(first, "queued")
    again = await stage.resumed(first, at=1, fresh=True)
    ended = await state(first, "ended")
    assert ended["reason"] == "taken_over"
    assert (await first.closed())[0] == 1001
    third = await stage.resumed(first, at=1, fresh=True)
    await third.expect("sessionTicket")
    await third.say("listStreamers")
    unreal = await stage.instance("demo-1")
    await stream(third, unreal)
    assert (await again.expect("sessionTicket"))["session"] == session_of(first)


async def test_a_second_tab_of_a_browser_that_waits_has_a_place_of_its_own(stage):
    await stage.matchmaker()
    first = await stage.player()
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 1, "it waits")
    reading = asyncio.ensure_future(first.hear())
    second = await stage.player(headers={"Cookie": f"pixel_session={first.cookie}"})
    assert second.cookie != first.cookie
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 2, "both wait")
    assert not reading.done()
    reading.cancel()


async def test_a_tab_whose_connection_is_dead_is_taken_over_by_its_browser(stage):
    await stage.matchmaker()
    await stage.matchmaker()
    url = f"ws://127.0.0.1:{stage.matchmakers[0].ports['players']}/"
    ghost = Client(await stage.http.ws_connect(url, autoping=False))
    await ghost.expect("config")
    await ghost.say("listStreamers")
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 1, "it waits")
    again = await stage.player(at=1, headers={"Cookie": f"pixel_session={ghost.cookie}"})
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 0, "the ghost is gone")
    await stage.instance("demo-1")
    await again.expect("streamerList")
    ticket = stage.issuer.proved(ghost.cookie, PlayerTicket)
    assert stage.labels("demo-1")["app.pixel/session"] == ticket.session
    await ghost.socket.close()


# Coming back to a session


@pytest.mark.parametrize("at", [0, 1])
async def test_it_goes_on_without_a_new_offer_on_any_replica(stage, at):
    await stage.matchmaker()
    await stage.matchmaker()
    player, unreal, player_id = await playing(stage)
    cut(player.socket)
    again = await stage.resumed(player, at)
    assert (await again.expect("sessionTicket"))["session"] == session_of(player)
    await state(again, "resumed")
    await again.say("iceCandidate", candidate={"candidate": "one"})
    heard = await unreal.expect("iceCandidate")
    assert (heard["playerId"], heard["candidate"]) == (player_id, {"candidate": "one"})
    await unreal.say("iceCandidate", playerId=player_id, candidate={"candidate": "two"})
    assert [each["player"] for each in (await again.expect("sessionPlayers"))["players"]] == [session_of(player)]
    assert (await again.expect("iceCandidate"))["candidate"] == {"candidate": "two"}


async def test_a_reload_leads_to_the_same_instance_with_a_new_offer(stage):
    await stage.matchmaker()
    player, unreal, _ = await playing(stage)
    await stage.instance("demo-2")
    await player.socket.close()
    again = await stage.resumed(player, fresh=True)
    await again.expect("sessionTicket")
    await again.say("listStreamers")
    await unreal.expect("playerDisconnected")
    await stream(again, unreal)
    assert stage.labels("demo-2")["app.pixel/pool"] == "idle"


async def test_a_stock_player_s_cookie_leads_back_while_it_is_away(stage):
    await stage.matchmaker()
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    await stream(player, unreal)
    await stage.instance("demo-2")
    cut(player.socket)
    await eventually(lambda: not stage.matchmakers[0].replica.connections, "lost")
    again = await stage.player(at=1, headers={"Cookie": f"other=1; pixel_session={player.cookie}"})
    await unreal.expect("playerDisconnected")
    await stream(again, unreal)
    assert stage.labels("demo-2")["app.pixel/pool"] == "idle"


async def test_one_that_is_still_there_is_not_disturbed(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    player_id = await stream(player, unreal)
    other = await stage.instance("demo-2")
    reading = asyncio.ensure_future(player.expect("iceCandidate"))
    newcomer = await stage.player(headers={"Cookie": f"pixel_session={player.cookie}"})
    await stream(newcomer, other)
    await unreal.say("iceCandidate", playerId=player_id, candidate={"candidate": ""})
    await reading


async def test_the_cookie_is_for_this_site_only_and_for_no_script(stage):
    await stage.matchmaker()
    player = await stage.player(headers={"X-Forwarded-Proto": "https"})
    morsel = player.socket._response.cookies["pixel_session"]
    assert (morsel["httponly"], morsel["secure"], morsel["samesite"], morsel["path"]) == (True, True, "Strict", "/")
    plain = await stage.player()
    assert not plain.socket._response.cookies["pixel_session"]["secure"]
    assert "pixel_session" not in (await stage.opted()).socket._response.cookies


async def test_after_the_grace_time_there_is_nothing_to_resume(stage):
    await stage.matchmaker()
    player, unreal, _ = await playing(stage)
    await player.say("sessionStats", firstFrameSeconds=1.0)
    cut(player.socket)
    await unreal.expect("playerDisconnected")
    await stage.gone("demo-1")
    again = await stage.resumed(player)
    failed = await state(again, "failed")
    assert (failed["reason"], failed["retry"]) == ("session_over", True)
    assert (await again.closed())[0] == 1001


@pytest.mark.parametrize("ticket", ["", "nonsense", "x" * 5000])
async def test_a_ticket_that_proves_nothing_leads_nowhere(stage, ticket):
    await stage.matchmaker()
    player = await stage.opted(ask=False)
    await player.say("sessionResume", ticket=ticket, fresh=False)
    if len(ticket) > 4096:
        assert await player.silent()
    else:
        assert (await state(player, "failed"))["reason"] == "session_over"


async def test_a_ticket_for_something_else_is_no_player_s(stage):
    await stage.matchmaker()
    player, _, _ = await playing(stage)
    invitation = stage.issuer.sign(InvitationTicket(session=session_of(player), app="demo"), 60)
    other = await stage.opted(ask=False)
    await other.say("sessionResume", ticket=invitation, fresh=True)
    assert (await state(other, "failed"))["reason"] == "session_over"


async def test_leaving_on_purpose_ends_the_session_at_once(stage):
    await stage.matchmaker()
    player, unreal, _ = await playing(stage)
    await player.say("sessionEnd")
    await player.socket.close()
    await unreal.expect("playerDisconnected")
    await stage.gone("demo-1")


async def test_an_instance_that_dies_before_the_first_frame_costs_no_place(stage):
    await stage.matchmaker()
    player, unreal, _ = await playing(stage)
    waiting = await stage.opted()
    await state(waiting, "queued")
    cut(unreal.socket)
    failed = await state(player, "failed")
    assert (failed["reason"], failed["retry"]) == ("instance_failed", True)
    assert (await player.closed())[0] == 1012
    again = await stage.resumed(player, fresh=True)
    ticket = await again.expect("sessionTicket")
    if ticket["session"] == session_of(player):
        # The instance has not been ended yet; that it is lost is known by now.
        ticket = await again.expect("sessionTicket")
    assert ticket["session"] not in {session_of(player), session_of(again)}, "a session that is over is not begun again"
    assert (await state(again, "queued"))["position"] == 1
    await stage.gone("demo-1")


async def test_one_that_dies_later_ends_the_session(stage):
    await stage.matchmaker()
    player, unreal, _ = await playing(stage)
    await player.say("sessionActivity")
    await asyncio.sleep(0.05)
    cut(unreal.socket)
    assert (await state(player, "ended"))["reason"] == "instance_failed"
    assert (await player.closed())[0] == 1012
    await stage.gone("demo-1")
    again = await stage.resumed(player, fresh=True)
    assert (await state(again, "failed"))["reason"] == "session_over"


async def test_a_player_that_is_lost_while_its_instance_starts_finds_it(stage):
    """Its matchmaker dies between the claim and the connection: the label says whose the instance is."""
    await stage.matchmaker()
    player = await stage.opted()
    await state(player, "queued")
    claimed = asyncio.Event()

    async def before(operation, name):
        if operation == "patch" and name == "demo-1":
            cut(player.socket)
            await eventually(lambda: not stage.matchmakers[0].replica.connections, "lost")
            claimed.set()

    stage.cluster.before = before
    unreal = await stage.instance("demo-1")
    await claimed.wait()
    stage.cluster.before = None
    await eventually(lambda: stage.labels("demo-1")["app.pixel/pool"] == "session", "claimed")
    again = await stage.resumed(player, fresh=True)
    await again.expect("sessionTicket")
    await again.say("listStreamers")
    await stream(again, unreal)


async def test_it_goes_on_though_another_instance_came_to_nothing_for_it_before(stage):
    """A pod takes its time to go, and bears the session's name until it has."""
    await stage.matchmaker()
    await stage.instance("demo-1", streaming=False)
    asked, deleted = asyncio.Event(), asyncio.Event()

    async def before(operation, name):
        if (operation, name) == ("delete", "demo-1"):
            asked.set()
            await deleted.wait()

    stage.cluster.before = before
    player = await stage.opted()
    await asked.wait()
    unreal = await stage.instance("demo-2")
    await stream(player, unreal)
    stage.set_ready("demo-1", ready=False)
    deleted.set()
    await eventually(lambda: stage.matchmakers[0].replica.inventory.get("demo-1") is None, "demo-1 gone")
    cut(player.socket)
    again = await stage.resumed(player)
    await again.expect("sessionTicket")
    await state(again, "resumed")


# Guests


async def test_a_guest_watches_by_invitation(stage):
    await stage.matchmaker()
    await stage.matchmaker()
    owner, unreal, _ = await playing(stage)
    await owner.say("sessionInvite", role="spectator")
    invitation = await owner.expect("sessionInvitation")
    assert (invitation["role"], invitation["seconds"]) == ("spectator", 3600)
    guest = await stage.opted(f"?session=1&ticket={invitation['ticket']}", at=1)
    assert session_of(guest) == session_of(owner)
    ready = await state(guest, "ready")
    assert ready["role"] == "spectator"
    await stream(guest, unreal)
    await guest.say("sessionInvite")
    assert await guest.silent()
    cut(guest.socket)
    again = await stage.resumed(guest)
    await again.expect("sessionTicket")
    assert (await state(again, "resumed"))["role"] == "spectator"


async def test_a_guest_with_control_begins_no_session(stage):
    await stage.matchmaker()
    owner, unreal, _ = await playing(stage)
    began = 'pixel_queue_wait_seconds_count{application="demo"}'
    assert await stage.metric(began) == 1
    await owner.say("sessionInvite", role="owner")
    invitation = await owner.expect("sessionInvitation")
    guest = await stage.opted(f"?session=1&ticket={invitation['ticket']}")
    assert (await state(guest, "ready"))["role"] == "owner"
    await stream(guest, unreal)
    assert await stage.metric(began) == 1


async def test_a_guest_whose_way_to_the_instance_breaks_is_led_there_again(stage):
    await stage.matchmaker()
    owner, unreal, _ = await playing(stage)
    ticket = stage.issuer.sign(InvitationTicket(session=session_of(owner), app="demo"), 60)
    sidecar = stage.sidecars["demo-1"]
    deaf: list[Any] = []
    hear, sidecar.received = sidecar.received, lambda link, data: deaf.append(link)
    guest = await stage.opted(f"?session=1&ticket={ticket}")
    await eventually(lambda: deaf, "the guest has asked")
    sidecar.received = hear
    deaf[0].socket.abort()
    await stream(guest, unreal)
    assert stage.matchmakers[0].replica.waiting("demo") == 0


async def test_a_guest_may_show_the_invitation_as_a_sub_protocol(stage):
    await stage.matchmaker()
    owner, _, _ = await playing(stage)
    ticket = stage.issuer.sign(InvitationTicket(session=session_of(owner), app="demo"), 60)
    url = f"ws://127.0.0.1:{stage.matchmakers[0].ports['players']}/"
    socket = await stage.http.ws_connect(url, protocols=["pixel-streaming.v1+session", f"pixel-ticket.{ticket}"])
    guest = Client(socket)
    await guest.expect("config")
    assert (await guest.expect("sessionTicket"))["session"] == session_of(owner)


async def test_there_is_nothing_to_watch_without_the_session(stage):
    await stage.matchmaker()
    await stage.instance("demo-1")
    ticket = stage.issuer.sign(InvitationTicket(session="gone", app="demo"), 60)
    guest = await stage.opted(f"?session=1&ticket={ticket}")
    failed = await state(guest, "failed")
    assert (failed["reason"], failed["retry"]) == ("session_over", False)
    stock = await stage.player(f"?ticket={ticket}")
    assert (await stock.closed())[0] == 1008
    assert stage.labels("demo-1")["app.pixel/pool"] == "idle"


async def test_an_invitation_is_for_its_application(stage):
    await stage.matchmaker()
    ticket = stage.issuer.sign(InvitationTicket(session="s", app="other"), 60)
    with pytest.raises(WSServerHandshakeError) as refused:
        await stage.player(f"?app=demo&ticket={ticket}")
    assert refused.value.status == 403


async def test_a_session_has_room_for_so_many(stage):
    application(stage, session=SessionSettings(players=1, grace_seconds=2))
    await stage.matchmaker()
    owner, _, _ = await playing(stage)
    ticket = stage.issuer.sign(InvitationTicket(session=session_of(owner), app="demo"), 60)
    guest = await stage.opted(f"?session=1&ticket={ticket}")
    assert (await state(guest, "failed"))["reason"] == "full"


# What operators do


async def test_a_paused_application_lets_nobody_new_in(stage):
    await stage.matchmaker()
    control = stage.matchmakers[0].replica.control
    player, _, _ = await playing(stage)
    waiting = await stage.player()
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 1, "it waits")
    assert await control.pause("demo", paused=True)
    await eventually(lambda: control.paused("demo"), "paused")
    with pytest.raises(WSServerHandshakeError) as refused:
        await stage.player()
    assert refused.value.status == 503
    told = await stage.opted()
    assert (await state(told, "failed"))["reason"] == "paused"
    await stage.instance("demo-2")
    assert await waiting.silent()
    cut(player.socket)
    again = await stage.resumed(player)
    await again.expect("sessionTicket")
    await state(again, "resumed")
    stage.cluster.put(fleet("demo-v2", version="v2"))
    assert await waiting.silent()
    assert await control.pause("demo", paused=False)
    await waiting.expect("streamerList")
    assert not await control.pause("nobody", paused=True)


@pytest.mark.parametrize("kind", ["opted", "stock"])
async def test_a_ticket_that_leads_to_no_place_opens_no_paused_application(stage, kind):
    """Every player gets a ticket when it connects, whether it may wait or not."""
    await stage.matchmaker(queue_grace_seconds=0.1)
    control = stage.matchmakers[0].replica.control
    before = await (stage.opted(ask=False) if kind == "opted" else stage.player(ask=False))
    await before.socket.close()
    assert await control.pause("demo", paused=True)
    await eventually(lambda: control.paused("demo"), "paused")
    if kind == "opted":
        again = await stage.resumed(before, fresh=True)
        await again.expect("sessionTicket")
        assert (await state(again, "failed"))["reason"] == "paused"
        assert (await again.closed())[0] == 1001
    else:
        with pytest.raises(WSServerHandshakeError) as refused:
            await stage.player(headers={"Cookie": f"pixel_session={before.cookie}"})
        assert refused.value.status == 503


async def test_a_place_of_before_is_kept_in_a_paused_application(stage):
    await stage.matchmaker()
    replica = stage.matchmakers[0].replica
    before = await stage.opted()
    await state(before, "queued")
    assert await replica.control.pause("demo", paused=True)
    await eventually(lambda: replica.control.paused("demo"), "paused")
    cut(before.socket)
    await eventually(lambda: replica.waiting("demo") == 0, "lost")
    again = await stage.resumed(before, fresh=True)
    await again.expect("sessionTicket")
    await state(again, "queued")


async def test_a_drained_version_gets_no_new_sessions(stage):
    await stage.matchmaker()
    control = stage.matchmakers[0].replica.control
    stage.cluster.put(fleet("demo-v2", version="v2"))
    assert await control.drain_version("demo", "v1", drained=True)
    await eventually(lambda: stage.matchmakers[0].replica.fleets.shares["demo"][0].weight == 0, "drained")
    await stage.instance("old")
    player = await stage.player()
    assert await player.silent()
    await stage.instance("new", version="v2")
    await player.expect("streamerList")
    assert not await control.drain_version("demo", "v9", drained=True)


async def test_a_drained_instance_is_replaced_or_ends_its_session(stage):
    await stage.matchmaker()
    control = stage.matchmakers[0].replica.control
    await stage.instance("idle")
    await eventually(lambda: stage.matchmakers[0].replica.idle("demo") == 1, "idle")
    assert await control.drain_instance("idle", 5) is Drained.DONE
    await stage.gone("idle")
    player, unreal, _ = await playing(stage)
    assert await control.drain_instance("demo-1", 0) is Drained.WARNED
    await unreal.expect("playerDisconnected")
    assert (await state(player, "ended"))["reason"] == "maintenance"
    assert (await player.closed())[0] == 1012, "it may come again, to another instance"
    await stage.gone("demo-1")
    assert await control.drain_instance("demo-1", 0) is Drained.ABSENT


async def test_an_operator_ends_a_session_and_a_wait_on_any_replica(stage):
    await stage.matchmaker()
    await stage.matchmaker()
    control = stage.matchmakers[1].replica.control
    player, _, _ = await playing(stage)
    waiting = await stage.opted()
    await state(waiting, "queued")
    assert [place.session for place in await control.queue("demo", 10)] == [session_of(waiting)]
    assert await control.waiting("demo") == 1
    assert await control.end("demo", session_of(waiting), Reason.TERMINATED, 5) == 0, "a wait ends at once"
    failed = await state(waiting, "failed")
    assert (failed["reason"], failed["retry"]) == ("terminated", False)
    assert await control.end("demo", session_of(player), Reason.TERMINATED, 0) == 0
    assert (await state(player, "ended"))["reason"] == "terminated"
    assert (await player.closed())[0] == 1001
    await stage.gone("demo-1")
    assert await control.end("demo", "nobody", Reason.TERMINATED, 0) is None


async def test_the_pod_says_whose_its_session_is(stage):
    await stage.matchmaker()
    ticket = PlayerTicket(session="a" * 32, player="a" * 32, app="demo", joined=1, subject="who@example.com")
    player = await stage.player(headers={"Cookie": f"pixel_session={stage.issuer.sign(ticket, 60)}"})
    await stage.instance("demo-1")
    await player.expect("streamerList")
    (instance,) = stage.matchmakers[0].replica.control.instances
    assert (instance.session, instance.player, instance.subject) == ("a" * 32, "a" * 32, "who@example.com")
    assert instance.started is not None
    status = await stage.matchmakers[0].replica.control.status(instance)
    assert status is not None and [each.player for each in status.participants] == ["a" * 32]


# Instances that are used again


async def test_a_reused_instance_goes_back_to_its_fleet(stage):
    application(stage, session=SessionSettings(reuse=True, grace_seconds=1))
    await stage.matchmaker()
    player, unreal, _ = await playing(stage)
    before = json.loads(json.dumps(stage.cluster.pods["demo-1"]["metadata"]["labels"]))
    await player.say("sessionEnd")
    await player.socket.close()
    await unreal.expect("playerDisconnected")
    await eventually(lambda: stage.labels("demo-1")["app.pixel/pool"] == "idle", "idle again")
    assert "app.pixel/session" not in stage.labels("demo-1") and "app.pixel/session" in before
    assert (
        not {"app.pixel/player", "app.pixel/session-started"}
        & stage.cluster.pods["demo-1"]["metadata"]["annotations"].keys()
    )
    second = await stage.opted()
    await stream(second, unreal)
    assert stage.labels("demo-1")["app.pixel/session"] == session_of(second)


async def test_one_that_cannot_be_recycled_is_deleted(stage):
    application(stage, session=SessionSettings(reuse=True, grace_seconds=1))
    await stage.matchmaker()
    player, unreal, _ = await playing(stage)
    await unreal.socket.close()
    await state(player, "failed")
    assert (await player.closed())[0] == 1012
    await stage.gone("demo-1")


# Instances that are shared


async def shared_stage(stage: Stage, players: int = 2) -> None:
    application(stage, sessions=Sessions.SHARED, session=SessionSettings(players=players, grace_seconds=1))
    await stage.matchmaker()
    await stage.matchmaker()


async def test_players_share_the_fullest_instance_and_none_is_claimed(stage):
    await shared_stage(stage)
    first = await stage.instance("demo-1")
    players = [await stage.opted()]
    await stream(players[0], first)
    second = await stage.instance("demo-2")
    players.append(await stage.opted())
    await stream(players[1], first)
    third = await stage.opted(at=1)
    await stream(third, second)
    assert stage.cluster.claims == []
    assert {session_of(each) for each in (*players, third)} == {session_of(each) for each in (*players, third)}

    def counted() -> bool:
        costs = [pod["metadata"].get("annotations", {}) for pod in stage.cluster.pods.values()]
        return [each.get("controller.kubernetes.io/pod-deletion-cost") for each in costs] == ["2", "1"]

    await eventually(counted, "the number of players on the pods")

    async def shown() -> bool:
        return 'pixel_shared_pool_ratio{application="demo"} 0.75' in (await stage.ask("/metrics"))[1]

    await until(shown, "the ratio")


@pytest.mark.parametrize("at", [0, 1])
async def test_who_has_been_counted_is_not_counted_twice(stage, at):
    """One of the replicas writes the number of players on the pod, and knows it before the watch shows it."""
    await shared_stage(stage)
    first = await stage.instance("demo-1")
    one = await stage.opted(at=at)
    await stream(one, first)
    cost = "controller.kubernetes.io/pod-deletion-cost"
    await eventually(lambda: stage.cluster.pods["demo-1"]["metadata"].get("annotations", {}).get(cost) == "1", "count")
    await stage.instance("demo-2")
    other = await stage.opted(at=at)
    await stream(other, first)
    assert not one.socket.closed and not other.socket.closed


async def test_who_finds_no_room_waits_for_it(stage):
    await shared_stage(stage, players=1)
    unreal = await stage.instance("demo-1")
    first = await stage.player()
    await stream(first, unreal)
    second = await stage.opted(at=1)
    message = await second.expect("sessionState")
    if message["state"] == "starting":
        # This replica had not heard yet that the instance is full; its sidecar has said so.
        message = await second.expect("sessionState")
    assert (message["state"], message["position"]) == ("queued", 1)
    await first.socket.close()
    await unreal.expect("playerDisconnected")
    await stream(second, unreal)


async def test_a_shared_instance_without_a_streamer_keeps_nobody_from_the_others(stage):
    """Its pod counts as ready until it is probed again, and as full as it was."""
    await shared_stage(stage, players=8)
    unreal = await stage.instance("demo-1")
    cost = {"controller.kubernetes.io/pod-deletion-cost": "1"}
    await stage.instance("demo-2", streaming=False, annotations=cost)
    for at in (0, 1):
        player = await stage.opted(at=at)
        await stream(player, unreal)


async def test_a_player_of_a_shared_instance_comes_back_to_it(stage):
    await shared_stage(stage)
    unreal = await stage.instance("demo-1")
    player = await stage.opted()
    player_id = await stream(player, unreal)
    await stage.instance("demo-2")
    cut(player.socket)
    again = await stage.resumed(player, at=1)
    await again.expect("sessionTicket")
    await state(again, "resumed")
    await again.say("iceCandidate", candidate={})
    assert (await unreal.expect("iceCandidate"))["playerId"] == player_id


async def test_a_drained_shared_instance_goes_when_it_is_empty(stage):
    await shared_stage(stage)
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    await stream(player, unreal)
    assert await stage.matchmakers[0].replica.control.drain_instance("demo-1", 60)
    other = await stage.instance("demo-2")
    second = await stage.player()
    await stream(second, other)
    assert "demo-1" in stage.cluster.pods
    await player.socket.close()
    await stage.gone("demo-1")


# Nothing is told that should not be


async def test_no_ticket_reaches_a_log(stage, caplog):
    caplog.set_level("DEBUG")
    await stage.matchmaker()
    player, _, _ = await playing(stage)
    await player.say("sessionInvite")
    invitation = await player.expect("sessionInvitation")
    cut(player.socket)
    again = await stage.resumed(player)
    await state_after_ticket(again)
    stock = await stage.player()
    written = json.dumps([vars(record) for record in caplog.records], default=str)
    assert "session started" in written
    for secret in (player.ticket["ticket"], invitation["ticket"], stock.cookie, SECRET, SEED):
        assert secret not in written


async def state_after_ticket(player: Client) -> None:
    await player.expect("sessionTicket")
    await state(player, "resumed")
