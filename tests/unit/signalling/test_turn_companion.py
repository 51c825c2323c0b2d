"""The companion beside a real coturn: figures while calls last, refusals, drains, and a new start of either."""

import asyncio
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict

import pytest
from aiohttp import ClientSession

from signalling.shell.environment import SettingError
from signalling.turn.companion import Companion
from signalling.turn.configuration import CONSOLE_PASSWORD
from signalling.turn.console import Listed
from signalling.turn.following import Follower
from signalling.turn.peers import write_addresses
from signalling.turn.settings import CompanionSettings, read_companion
from tests.ports import free_port
from tests.unit.signalling.clients import PATIENCE, eventually
from tests.unit.signalling.coturn import (
    NEEDS_COTURN,
    RELAY_PORTS,
    Allocation,
    Coturn,
    as_named,
    close_all,
    refused,
)
from tests.unit.signalling.turn_pod import PASSWORD, flow, running


@NEEDS_COTURN
async def test_figures_are_live_while_calls_last():
    async with running(turn_total_quota=40) as pod:
        udp, tcp = [await pod.coturn.allocate(transport=each, user="s1") for each in ("udp", "tcp")]
        other = await pod.coturn.allocate(user="s2.p9")
        await pod.until("pixel_turn_allocations", lambda value: value == 3)
        await pod.until("pixel_turn_allocations_limit", lambda value: value == 40)
        for session, transport in (("s1", "udp"), ("s1", "tcp"), ("s2", "udp")):
            await pod.until(
                "pixel_turn_session_allocations", lambda value: value == 1, session=session, transport=transport
            )
        await pod.until("pixel_turn_allocations_made_total", lambda value: value == 3)
        # Each of these is four to coturn, which adds up every 4096.
        sent, _ = await flow(udp, 1200)
        of_session = {"session": "s1", "transport": "udp"}
        passed = await pod.until(
            "pixel_turn_session_bytes_total",
            lambda value: value > 100_000,
            **of_session,
            direction="to_player",
        )
        # Four bytes of each are the channel's.
        assert 0.8 * sent <= passed <= sent * 904 / 900 + 1000
        await pod.until(
            "pixel_turn_session_bytes_total", lambda value: value > 4000, **of_session, direction="from_player"
        )
        in_all = await pod.until("pixel_turn_bytes_total", lambda value: value > 100_000, direction="to_player")
        assert in_all >= passed
        await pod.until("pixel_turn_packets_total", lambda value: value >= 1000, direction="to_player")
        close_all([udp, tcp])
        await pod.until("pixel_turn_allocations", lambda value: value == 1)
        await pod.until("pixel_turn_session_allocations", lambda value: value == 0, **of_session)
        # Until Prometheus has surely seen it.
        assert (await pod.samples())[
            key("pixel_turn_session_bytes_total", **of_session, direction="to_player")
        ] >= passed
        other.close()


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


@NEEDS_COTURN
async def test_what_is_refused_is_counted_by_its_reason():
    async with running(user_quota=1, turn_total_quota=2) as pod:
        mine = [await pod.coturn.allocate(user="s1"), await pod.coturn.allocate(user="s2")]
        for user in ("s1", "s3"):
            with refused(486):
                await pod.coturn.allocate(user=user)
        with refused(401):
            await pod.coturn.allocate("another-secret-of-some-length")
        with refused(403):
            await mine[0].permit("169.254.169.254")
        await pod.until("pixel_turn_allocation_failures_total", lambda value: value == 2, why="quota")
        await pod.until("pixel_turn_allocation_failures_total", lambda value: value >= 1, why="credentials")
        await pod.until("pixel_turn_peers_refused_total", lambda value: value >= 1)
        found = await pod.samples()
        assert found["pixel_turn_allocation_failures_total", frozenset({("why", "ports")})] == 0
        assert not [labels for name, labels in found if name.startswith("pixel_turn") and ("why", "peer") in labels]
        close_all(mine)


@NEEDS_COTURN
async def test_without_a_free_port_an_allocation_fails_and_that_is_counted():
    async with running(max_port=RELAY_PORTS[0] + 1, turn_max_port=RELAY_PORTS[0] + 1) as pod:
        mine = [await pod.coturn.allocate(user=user) for user in ("s1", "s2")]
        with refused(508):
            await pod.coturn.allocate(user="s3")
        await pod.until("pixel_turn_allocation_failures_total", lambda value: value >= 1, why="ports")
        await pod.until("pixel_turn_allocations_limit", lambda value: value == 2)
        assert (await pod.get("metrics", "/status"))["load"] == 1.0
        close_all(mine)


async def passes(mine: Allocation) -> bool:
    return (await flow(mine, 1))[0] > 0


@NEEDS_COTURN
async def test_a_drain_takes_no_new_allocation_and_waits_for_those_that_there_are():
    async with running(turn_drain_seconds=60) as pod:
        mine = await pod.coturn.allocate(user="s1")
        draining = asyncio.create_task(pod.get("control", "/drain"))
        await pod.until("pixel_turn_draining", lambda value: value == 1)
        await until_refused(pod.coturn)
        assert not draining.done()
        await mine.refresh()
        assert await passes(mine)
        assert (await pod.get("metrics", "/status"))["draining"] is True
        mine.close()
        assert await asyncio.wait_for(draining, PATIENCE) == {"left": 0}
        assert pod.coturn.process.poll() is None


async def until_refused(coturn: Coturn) -> None:
    """A drain shows before its next look has emptied the table."""
    deadline = time.monotonic() + PATIENCE
    while await is_given(coturn):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def is_given(coturn: Coturn) -> bool:
    try:
        (await coturn.allocate(user="s2")).close()
    except Exception as error:
        assert "401" in str(error)
        return False
    return True


@NEEDS_COTURN
async def test_a_drain_without_allocations_is_over_and_the_next_one_too():
    async with running(turn_drain_seconds=60) as pod:
        for _ in range(2):
            assert await asyncio.wait_for(pod.get("control", "/drain"), PATIENCE) == {"left": 0}


@NEEDS_COTURN
async def test_a_drain_ends_with_its_time_and_one_of_no_time_at_once():
    async with running(turn_drain_seconds=2.5) as pod:
        mine = await pod.coturn.allocate(user="s1")
        assert await asyncio.wait_for(pod.get("control", "/drain"), PATIENCE) == {"left": 1}
        mine.close()
    async with running() as pod:
        mine = await pod.coturn.allocate(user="s1")
        assert await asyncio.wait_for(pod.get("control", "/drain"), PATIENCE) == {"left": 1}
        (await pod.coturn.allocate(user="s2")).close()
        mine.close()


@NEEDS_COTURN
async def test_who_waits_for_an_empty_node_changes_nothing_for_players():
    async with running(turn_drain_seconds=60) as pod:
        mine = await pod.coturn.allocate(user="s1")
        waiting = asyncio.create_task(pod.get("control", "/empty"))
        late = await pod.coturn.allocate(user="s2")
        close_all([mine])
        await pod.until("pixel_turn_allocations", lambda value: value == 1)
        assert not waiting.done()
        late.close()
        assert await asyncio.wait_for(waiting, PATIENCE) == {"left": 0}
        (await pod.coturn.allocate(user="s3")).close()


@NEEDS_COTURN
async def test_a_companion_that_starts_anew_ends_no_call_and_knows_all_there_is():
    async with running() as pod:
        mine = await pod.coturn.allocate(user="s1")
        await pod.companion.stop()
        assert await passes(mine)
        late = await pod.coturn.allocate(user="s2")
        await pod.start_companion()
        await pod.until("pixel_turn_allocations", lambda value: value == 2)
        for session in ("s1", "s2"):
            await pod.until(
                "pixel_turn_session_allocations", lambda value: value == 1, session=session, transport="udp"
            )
        assert pod.coturn.process.poll() is None
        close_all([mine, late])


@NEEDS_COTURN
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("name", ["1:%s%s%s%s%s%s", "1:%n%n%d%d", "1:ses>ion", "9999999999:s9"])
async def test_a_stranger_s_name_ends_nothing_and_counts_for_nothing(transport, name):
    """coturn 4.6.1 with `redis-statsdb` dies of the first."""
    async with running() as pod:
        mine = await pod.coturn.allocate(user="s1")
        with refused(401):
            await as_named(pod.coturn, name, transport)
        await pod.until("pixel_turn_allocation_failures_total", lambda value: value >= 1, why="credentials")
        await pod.until("pixel_turn_session_allocations", lambda value: value == 1, session="s1", transport="udp")
        sessions = {dict(labels).get("session") for _, labels in await pod.samples()}
        assert sessions == {None, "s1"}
        assert await passes(mine)


@NEEDS_COTURN
async def test_a_coturn_that_starts_anew_holds_nothing():
    async with running() as pod:
        await pod.coturn.allocate(user="s1")
        await pod.until("pixel_turn_session_allocations", lambda value: value == 1, session="s1", transport="udp")
        pod.coturn.process.kill()
        pod.coturn.process.wait(PATIENCE)
        await pod.until("pixel_turn_allocations", lambda value: value == 0)
        pod.coturn.start()
        await pod.coturn.until_it_answers()
        await pod.until("pixel_turn_session_allocations", lambda value: value == 0, session="s1", transport="udp")
        again = await pod.coturn.allocate(user="s2")
        await pod.until("pixel_turn_session_allocations", lambda value: value == 1, session="s2", transport="udp")
        again.close()


async def test_it_does_not_answer_before_coturn_could_start(tmp_path):
    (tmp_path / "addresses").write_text("10.244.1.7\n")
    (tmp_path / CONSOLE_PASSWORD).write_text(PASSWORD)
    its = CompanionSettings(
        turn_secret_file=tmp_path / "secret",
        turn_peers_file=tmp_path / "addresses",
        turn_configuration=tmp_path / "turnserver.conf",
        turn_log_folder=tmp_path,
        turn_metrics_port=0,
        turn_control_port=0,
    )
    companion = Companion(its)
    starting = asyncio.create_task(companion.start())
    await eventually(lambda: companion.node.peers == 1, "the peers are written")
    assert not starting.done()
    (tmp_path / "secret").write_text("a" * 32)
    await asyncio.wait_for(starting, PATIENCE)
    await companion.stop()


@NEEDS_COTURN
async def test_it_is_a_program_that_ends_when_it_is_told_to():
    """On uvloop, as in the cluster; the settings come from the environment."""
    async with running() as pod:
        await pod.companion.stop()
        ports = {"turn_metrics_port": free_port(), "turn_control_port": free_port()}
        settings = {key.upper(): str(value) for key, value in {**asdict(pod.its), **ports}.items()}
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "signalling.turn.companion", env={**os.environ, **settings}
        )
        try:
            await pod.coturn.allocate(user="s1")
            await until_it_says(pod.http, ports["turn_metrics_port"], "pixel_turn_session_allocations{")
        finally:
            program.terminate()
        assert await asyncio.wait_for(program.wait(), PATIENCE) == 0
        # It is stopped once more at the end.
        await pod.start_companion()


async def until_it_says(http: ClientSession, port: int, word: str) -> None:
    deadline, said = time.monotonic() + 2 * PATIENCE, ""
    while word not in said:
        assert time.monotonic() < deadline, said
        await asyncio.sleep(0.1)
        with suppress(OSError):
            async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
                said = await answer.text()


async def test_the_load_is_the_greater_share_and_the_rate_that_of_the_last_half_minute(tmp_path):
    first, last = RELAY_PORTS
    its = CompanionSettings(
        turn_log_folder=tmp_path, turn_bandwidth_mbps=8, turn_min_port=first, turn_max_port=last, turn_total_quota=100
    )
    companion = Companion(its)
    node = companion.node
    assert (node.status()["bits_per_second"], node.status()["load"]) == (0, 0.0)
    for second in range(0, 90, 5):
        node.allocations.update([Listed(1, "1:s1", "UDP", 0, second * 25_000, 0, second * 100_000)])
        node.remember(float(second))
    assert node.bits_per_second() == pytest.approx(1_000_000)
    assert node.status()["load"] == 0.125


@pytest.mark.parametrize(
    ("key", "value"),
    [("TURN_METRICS_PORT", "70000"), ("TURN_DRAIN_SECONDS", "-1"), ("TURN_TOTAL_QUOTA", "-1"), ("TURN_MIN_PORT", "x")],
)
def test_a_setting_that_cannot_be_used_is_named(key, value):
    with pytest.raises(SettingError, match=f"{key}.*{value}"):
        read_companion({key: value})


def test_the_quota_is_never_more_than_the_ports():
    assert read_companion({}).most_allocations == 16384
    assert read_companion({"TURN_TOTAL_QUOTA": "12000"}).most_allocations == 12000
    assert read_companion({"TURN_TOTAL_QUOTA": "99999"}).most_allocations == 16384


def test_whoever_reads_the_age_of_peers_before_there_are_any_hears_that_they_are_old(tmp_path):
    companion = Companion(CompanionSettings(turn_peers_file=tmp_path / "addresses"))
    assert companion.node.peers_age() == float("inf")
    write_addresses(tmp_path / "addresses", [])
    assert 0 <= companion.node.peers_age() < 3600
    assert isinstance(companion.node.follower, Follower)
