"""The matchmaker on real sockets, with real sidecars as instances; only the API server is in memory."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging

import pytest
from aiohttp import WSServerHandshakeError

from signalling.kubernetes.instances import Instance
from tests.unit.signalling.clients import Client, cut, eventually
from tests.unit.signalling.memory_cluster import MemoryCluster, fleet, node, pod
from tests.unit.signalling.stage import SECRET, stream


async def test_a_session_from_the_page_to_the_deleted_instance(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    await stream(player, unreal)
    labels, annotations = stage.labels("demo-1"), stage.cluster.pods["demo-1"]["metadata"]["annotations"]
    assert labels["app.pixel/pool"] == "session"
    assert stage.cluster.claims == [("demo-1", labels["app.pixel/session"])]
    assert annotations.keys() == {"app.pixel/session-started", "app.pixel/player"}
    assert await stage.metric("matchmaker_player_socket_connections") == 1
    assert await stage.metric("pixel_sessions") == 1
    await player.socket.close()
    await unreal.expect("playerDisconnected")
    await stage.gone("demo-1")
    assert await stage.metric("matchmaker_player_socket_connections") == 0


async def test_a_player_s_ice_servers_are_the_turn_pool_with_credentials_of_its_own(stage):
    await stage.matchmaker()
    first, second = await stage.player(), await stage.player()
    options = first.config["peerConnectionOptions"]
    assert options["iceTransportPolicy"] == "relay"
    (turn,) = options["iceServers"]
    assert turn["urls"] == ["turn:198.51.100.7:3478?transport=udp", "turn:198.51.100.7:3478?transport=tcp"]
    proof = base64.b64encode(hmac.digest(SECRET.encode(), turn["username"].encode(), hashlib.sha1)).decode()
    assert turn["credential"] == proof
    assert turn["username"] != second.config["peerConnectionOptions"]["iceServers"][0]["username"]


async def test_turn_nodes_come_and_go(stage):
    await stage.matchmaker()

    async def urls() -> set[str]:
        servers = (await stage.player(ask=False)).config["peerConnectionOptions"]["iceServers"]
        return {url for server in servers for url in server["urls"] if url.endswith("udp")}

    stage.cluster.put(node("turn-2", {"InternalIP": "10.0.30.5"}))
    await eventually(lambda: len(stage.matchmakers[0].replica.turn) == 2, "second node")
    assert await urls() == {"turn:198.51.100.7:3478?transport=udp", "turn:10.0.30.5:3478?transport=udp"}
    stage.cluster.put(node("turn-1", {"ExternalIP": "198.51.100.7"}, cordoned=True))
    await eventually(lambda: len(stage.matchmakers[0].replica.turn) == 1, "first node cordoned")
    assert await urls() == {"turn:10.0.30.5:3478?transport=udp"}
    stage.cluster.remove("turn-2")
    await eventually(lambda: not stage.matchmakers[0].replica.turn, "second node gone")
    assert await urls() == set()


async def test_a_player_waits_without_a_word_and_its_pings_are_answered(stage):
    await stage.matchmaker()
    player = await stage.player()
    assert await player.silent()
    await player.say("ping", time=1795397333123)
    assert await player.hear() == {"type": "pong", "time": 1795397333123}
    assert await stage.metric("matchmaker_player_queue_count") == 1
    assert await stage.metric("matchmaker_streamer_demand_ratio") == 2
    await stream(player, await stage.instance("demo-1"))
    assert await stage.metric("matchmaker_player_queue_count") == 0


async def test_players_are_served_in_their_order_and_by_application(stage):
    await stage.matchmaker()
    first = await stage.player("?app=demo", "/ws")
    second = await stage.player()
    other = await stage.player("?app=other")
    await stage.instance("demo-1")
    await first.expect("streamerList")
    await stage.instance("other-1", application="other")
    await other.expect("streamerList")
    assert await second.silent()
    await stage.instance("demo-2")
    await second.expect("streamerList")


async def test_a_player_that_only_connects_takes_no_instance(stage):
    await stage.matchmaker()
    await stage.instance("demo-1")
    player = await stage.player(ask=False)
    assert await player.silent()
    assert stage.labels("demo-1")["app.pixel/pool"] == "idle"


async def test_a_player_that_leaves_the_queue_costs_nothing(stage):
    await stage.matchmaker()
    player = await stage.player()
    await player.socket.close()
    await eventually(lambda: not stage.matchmakers[0].replica.connections._all, "player gone")
    await stage.instance("demo-1")
    await asyncio.sleep(0.1)
    assert stage.cluster.claims == []


async def test_an_instance_that_dies_sends_its_player_back_with_a_code_it_retries_after(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    await stream(player, unreal)
    cut(unreal.socket)
    code, _ = await player.closed()
    assert code == 1012
    await stage.gone("demo-1")


async def test_the_streamer_s_disconnect_reaches_the_player_as_it_is(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    player_id = await stream(player, unreal)
    await unreal.say("disconnectPlayer", playerId=player_id, reason="idle")
    assert await player.closed() == (1011, "idle")
    await stage.gone("demo-1")


async def test_an_instance_that_does_not_answer_is_replaced_and_the_player_sees_nothing(stage):
    await stage.matchmaker()
    stage.cluster.put(pod("dead", address="127.0.0.250"))
    player = await stage.player()
    await stage.gone("dead")
    assert await player.silent()
    await stream(player, await stage.instance("demo-1"))


async def test_an_instance_without_a_streamer_is_replaced_and_the_player_sees_nothing(stage):
    await stage.matchmaker()
    await stage.instance("empty", streaming=False)
    player = await stage.player()
    await stage.gone("empty")
    await stream(player, await stage.instance("demo-1"))


async def test_a_player_is_sent_away_after_several_instances_that_do_not_answer(stage):
    await stage.matchmaker()
    player = await stage.player()
    for number in range(5):
        stage.cluster.put(pod(f"dead-{number}", address="127.0.0.250"))
    assert (await player.closed())[0] == 1012


async def test_a_claim_that_somebody_else_won_goes_to_the_next_instance(stage):
    await stage.matchmaker()
    lost: list[str] = []

    async def before(operation, name):
        if operation == "patch" and not lost:
            lost.append(name)
            # Another matchmaker's patch arrives first; the watch has not told us yet.
            stage.cluster.pods[name]["metadata"]["labels"]["app.pixel/pool"] = "session"

    stage.cluster.before = before
    await stage.instance("demo-1")
    await stage.instance("demo-2")
    player = await stage.player()
    await player.expect("streamerList")
    assert lost and [name for name, _ in stage.cluster.claims] == [
        name for name in ("demo-1", "demo-2") if name != lost[0]
    ]


async def test_an_instance_that_is_going_is_not_taken(stage):
    await stage.matchmaker()

    async def before(operation, name):
        if operation == "patch" and name == "going":
            stage.cluster.pods[name]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    stage.cluster.before = before
    await stage.instance("going")
    player = await stage.player()
    assert await player.silent()
    await stream(player, await stage.instance("demo-1"))


async def test_an_api_server_that_fails_is_asked_again(stage):
    await stage.matchmaker()
    failures = {"patch": 2, "delete": 2}

    async def before(operation, name):
        if failures[operation]:
            failures[operation] -= 1
            raise ConnectionResetError("no answer")

    stage.cluster.before = before
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    await stream(player, unreal)
    await player.socket.close()
    await stage.gone("demo-1")
    assert failures == {"patch": 0, "delete": 0}


async def test_a_broken_watch_starts_over_and_sessions_go_on(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    await stream(player, unreal)
    stage.cluster.break_watches()
    await unreal.say("iceCandidate", playerId="1", candidate={"candidate": ""})
    await player.expect("iceCandidate")
    second = await stage.player()
    await stream(second, await stage.instance("demo-2"))
    assert (await stage.ask("/readyz"))[0] == 200


async def test_a_claimed_instance_without_a_session_is_deleted_and_one_with_a_session_is_not(stage):
    unreal = await stage.instance("used")
    server = await stage.matchmaker()
    player = await stage.player()
    await stream(player, unreal)
    await stage.instance("left", pool="session")
    await server.stop()
    stage.matchmakers.clear()
    await stage.matchmaker()
    await stage.gone("left")
    # Longer than any doubt, and the grace time of the player, which has been sent away, is not over.
    await asyncio.sleep(0.6)
    assert stage.cluster.pods.keys() == {"used"}
    await unreal.expect("playerDisconnected")
    await stage.gone("used")


async def test_silence_that_is_over_does_not_count_towards_the_next(stage, monkeypatch):
    patience = 2.0
    server = await stage.matchmaker(silent_seconds=patience)
    player, unreal = await stage.player(), await stage.instance("demo-1")
    await stream(player, unreal)
    stage.probed.clear()
    asked: list[str] = []

    async def silent(instance: Instance) -> None:
        asked.append(instance.name)

    async def hiccup() -> None:
        asked.clear()
        with monkeypatch.context() as patch:
            patch.setattr(server.replica.sweeper._sidecars, "status", silent)
            patch.setattr(stage, "sidecars", {})
            stage.set_ready("demo-1", ready=False)
            await eventually(lambda: asked, "the sidecar is asked")
            stage.set_ready("demo-1", ready=True)
            await eventually(lambda: server.replica.inventory.get("demo-1").ready, "ready again")

    await hiccup()
    await asyncio.sleep(patience)
    await hiccup()
    await player.say("ping", time=1)
    await player.expect("pong")
    assert stage.labels("demo-1")["app.pixel/pool"] == "session"


async def test_two_matchmakers_share_the_instances(stage):
    await stage.matchmaker()
    await stage.matchmaker()
    for number in range(6):
        await stage.instance(f"demo-{number}")
    players = []
    for server in stage.matchmakers * 3:
        url = f"ws://127.0.0.1:{server.ports['players']}/"
        player = await Client.connect(stage.http, url)
        await player.expect("config")
        players.append(player)
    await asyncio.gather(*(player.say("listStreamers") for player in players))
    for player in players:
        await player.expect("streamerList")
    claimed = [name for name, _ in stage.cluster.claims]
    assert sorted(claimed) == [f"demo-{number}" for number in range(6)]


async def test_stopping_sends_players_back_and_ends_no_session(stage):
    server = await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player, waiting = await stage.player(), await stage.player()
    await stream(player, unreal)
    reading = asyncio.gather(player.closed(), waiting.closed())
    await server.stop()
    stage.matchmakers.clear()
    assert list(await reading) == [(1012, "the matchmaker is restarting")] * 2
    assert stage.labels("demo-1")["app.pixel/pool"] == "session"
    assert await unreal.silent()


@pytest.mark.parametrize("watch", ["watch_fleets", "watch_instances", "watch_turn_nodes"])
async def test_readiness_follows_the_watches(stage, watch):
    async def away():
        raise ConnectionRefusedError("no API server")
        yield

    stage.cluster = MemoryCluster()
    setattr(stage.cluster, watch, away)
    await stage.matchmaker(wait=False)
    await asyncio.sleep(0.05)
    assert (await stage.ask("/readyz"))[0] == 503
    assert (await stage.ask("/healthz"))[0] == 200


async def test_players_wait_for_a_fleet_and_are_served_when_it_appears(stage):
    await stage.matchmaker()
    stage.cluster.remove("demo-v1")
    await weights(stage, {})
    await stage.instance("demo-1")
    player = await stage.player()
    assert await player.silent()
    assert await stage.metric("matchmaker_player_queue_count") == 1
    assert (await stage.ask("/readyz"))[0] == 200
    stage.cluster.put(fleet("demo-v1"))
    await player.expect("streamerList")


async def test_a_new_weight_moves_new_sessions_without_a_restart(stage):
    await stage.matchmaker()
    await stage.instance("old")
    await stage.instance("new", version="v2")
    stage.cluster.put(fleet("demo-v1", weight="0"))
    await weights(stage, {"v1": 0})
    player = await stage.player()
    assert await player.silent()
    stage.cluster.put(fleet("demo-v2", version="v2", weight="5"))
    await player.expect("streamerList")
    assert [name for name, _ in stage.cluster.claims] == ["new"]


async def test_fleets_are_followed_through_a_broken_watch_and_sessions_outlive_theirs(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    await stream(player, unreal)
    stage.cluster.fleets.pop("demo-v1")
    stage.cluster.break_watches()
    await weights(stage, {})
    await unreal.say("iceCandidate", playerId="1", candidate={"candidate": ""})
    await player.expect("iceCandidate")


async def weights(stage, expected: dict[str, int]) -> None:
    """Wait until the matchmaker knows these weights of the application ``demo``."""
    its = stage.matchmakers[0].replica.fleets

    def known() -> bool:
        return {share.version: share.weight for share in its.shares["demo"]} == expected

    await eventually(known, f"weights {expected}")
    assert json.loads((await stage.ask("/status"))[1])["weights"]["demo"] == expected


async def test_an_unknown_application_and_a_full_matchmaker_refuse(stage):
    await stage.matchmaker(max_players=1)
    with pytest.raises(WSServerHandshakeError) as unknown:
        await stage.player("?app=nobody")
    first = await stage.player()
    with pytest.raises(WSServerHandshakeError) as full:
        await stage.player()
    assert (unknown.value.status, full.value.status) == (404, 503)
    await first.socket.close()
    await eventually(lambda: not stage.matchmakers[0].replica.connections._all, "room again")
    await stage.player()


async def test_nothing_secret_reaches_a_log(stage, caplog):
    caplog.set_level(logging.DEBUG)
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player("?app=demo&token=the-token")
    await stream(player, unreal)
    await player.socket.close()
    await stage.gone("demo-1")
    password = player.config["peerConnectionOptions"]["iceServers"][0]["credential"]
    written = json.dumps([vars(record) for record in caplog.records], default=str)
    assert "session started" in written
    for secret in (SECRET, password, "v=0 offer", "v=0 answer", "the-token"):
        assert secret not in written
