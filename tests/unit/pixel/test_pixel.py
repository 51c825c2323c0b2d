"""``pixel`` against a real front with real instances and players; each action is refused without the admin key."""

import asyncio
import io
import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiohttp import ClientSession

from local.paths import CHECKOUT
from pixel.__main__ import main
from pixel.arguments import parser
from pixel.commands import COMMANDS
from signalling.kubernetes.fleets import BUFFER_OVERRIDE_ANNOTATION, BUFFER_TARGET_ANNOTATION
from signalling.kubernetes.instances import DRAINING_ANNOTATION
from signalling.operations.routes import ROUTES
from tests.unit.signalling.clients import eventually
from tests.unit.signalling.operations.front_stage import ADMIN, HOOK, SHARED, FrontStage, furnished
from tests.unit.signalling.stage import stream

ARGUMENTS = {
    "session": ("{session}",),
    "end": ("{session}", "--seconds", "0"),
    "queue": ("demo",),
    "buffer": ("demo", "v1", "3"),
    "reset-buffer": ("demo", "v1"),
    "drain-instance": ("demo-1",),
    "drain-version": ("demo", "v1"),
    "resume-version": ("demo", "v1"),
    "application": ("demo",),
    "pause": ("demo",),
    "resume": ("demo",),
    "link": ("demo", "--subject", "ada"),
    "usage": ("2027-01-15T00:00:00Z", "2027-01-16T00:00:00Z"),
}


class Terminal:
    """Where commands are typed."""

    def __init__(self, stage: FrontStage) -> None:
        self._stage = stage

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._stage.fronts[0].operations_port}"

    async def types(self, *words: str, key: str = ADMIN, **environment: str) -> tuple[int, str, str]:
        """Status, output and errors of one command."""
        said = {"PIXEL_API": self.address, "PIXEL_ADMIN_KEY": key, "PIXEL_OPERATOR": "Zoë", **environment}
        out, err = io.StringIO(), io.StringIO()
        status = await asyncio.to_thread(main, words, said, out, err)
        return status, out.getvalue(), err.getvalue()

    async def shows(self, *words: str) -> str:
        """The output of a command that does what it should."""
        status, out, err = await self.types(*words)
        assert (status, err) == (0, "")
        return out

    async def rows(self, *words: str) -> list[dict[str, str]]:
        """The lines of a table whose cells have no blanks."""
        head, *lines = (line.split() for line in (await self.shows(*words)).splitlines())
        return [dict(zip(head, line, strict=True)) for line in lines]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[FrontStage]:
    async with ClientSession() as http:
        it = furnished(http, tmp_path)
        target = {BUFFER_TARGET_ANNOTATION: "1"}
        it.cluster.fleets["demo-v1"]["metadata"]["annotations"].update(target)
        await it.matchmaker()
        yield it
        await it.close()


@pytest.fixture
def terminal(stage: FrontStage) -> Terminal:
    return Terminal(stage)


def annotations(stage: FrontStage) -> dict[str, str]:
    found: dict[str, str] = stage.cluster.fleets["demo-v1"]["metadata"]["annotations"]
    return found


def test_every_operation_of_the_api_has_a_command() -> None:
    assert sorted(each.operation for each in COMMANDS) == sorted(route.operation for route in ROUTES)
    assert len({each.name for each in COMMANDS}) == len(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
async def test_without_the_admin_key_nothing_is_shown_and_nothing_is_done(command, stage, terminal):
    unreal = await stage.instance("demo-1")
    playing = await stage.player()
    await stream(playing, unreal)
    _, found = await stage.api("GET", "/api/v1/sessions")
    (session,) = found["items"]
    before = dict(annotations(stage))
    words = [word.format(session=session["id"]) for word in ARGUMENTS.get(command.name, ())]
    for key in ("a-key-of-nobody", SHARED, HOOK):
        status, out, err = await terminal.types(command.name, *words, key=key)
        assert (status, out) == (1, "")
        assert err.startswith("error: Authorization: The admin key is missing or wrong.")
        assert key not in err
    status, out, err = await terminal.types(command.name, *words, key="")
    assert (status, out) == (1, "")
    assert "PIXEL_ADMIN_KEY" in err
    assert "demo-1" in stage.cluster.pods
    assert annotations(stage) == before
    _, found = await stage.api("GET", "/api/v1/sessions")
    assert found["items"] == [session]
    assert (await stage.api("GET", "/api/v1/audit"))[1]["items"] == []


async def test_sessions_and_the_queue_are_shown_and_ended(stage, terminal):
    unreal = await stage.instance("demo-1")
    playing = await stage.player()
    await stream(playing, unreal)
    waiting = await stage.player()
    await eventually_shows(terminal, ("sessions", "--state", "queued"), 1)
    running, queued = sorted(await terminal.rows("sessions", "--players"), key=lambda row: row["INSTANCE"] == "-")
    assert (running["STATE"], running["APPLICATION"], running["INSTANCE"]) == ("running", "demo", "demo-1")
    (place,) = await terminal.rows("queue", "demo")
    assert (place["POSITION"], place["SESSION"]) == ("1", queued["ID"])
    assert json.loads(await terminal.shows("session", running["ID"]))["players"][0]["role"] == "owner"
    (instance,) = await terminal.rows("instances", "--state", "session")
    assert (instance["NAME"], instance["SESSION"]) == ("demo-1", running["ID"])
    assert await terminal.shows("end", queued["ID"]) == f"done: {queued['ID']}\n"
    assert (await waiting.closed())[0] == 1008
    status, _, err = await terminal.types("end", running["ID"], "--queued-only")
    assert (status, err) == (1, "error: The session has begun, and waits no more. Look at its state, and try then.\n")
    await terminal.shows("end", running["ID"], "--seconds", "0", "--reason", "maintenance")
    await stage.gone("demo-1")
    await eventually_shows(terminal, ("sessions",), 0)
    assert await terminal.shows("sessions") == "nothing\n"
    status, _, err = await terminal.types("end", "nobody")
    assert (status, err.startswith("error: There is no such session.")) == (1, True)
    audit = json.loads(await terminal.shows("--json", "audit"))["items"]
    assert [(each["action"], each["operator"], each["status"]) for each in audit] == [
        ("endSession", "Zoë", 404),
        ("endSession", "Zoë", 202),
        ("endSession", "Zoë", 409),
        ("endSession", "Zoë", 202),
    ]
    assert audit[1]["details"] == {"seconds": 0, "reason": "maintenance", "queued_only": False}


async def eventually_shows(terminal: Terminal, words: Sequence[str], count: int) -> None:
    for _ in range(500):
        if len(json.loads(await terminal.shows("--json", *words))["items"]) == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(await terminal.shows(*words))


async def test_instances_versions_applications_and_buffers_are_told(stage, terminal):
    await stage.instance("demo-1")
    replica = stage.matchmakers[0].replica
    await terminal.shows("pause", "demo")
    await eventually(lambda: replica.fleets.paused("demo"), "paused")
    assert "paused" in await terminal.shows("buffers")
    await terminal.shows("resume", "demo")
    await eventually(lambda: not replica.fleets.paused("demo"), "resumed")
    await terminal.shows("drain-version", "demo", "v1")
    assert annotations(stage)[DRAINING_ANNOTATION] == "true"
    await terminal.shows("resume-version", "demo", "v1")
    assert DRAINING_ANNOTATION not in annotations(stage)
    assert await terminal.shows("buffer", "demo", "v1", "3") == "done: demo/v1\n"
    assert annotations(stage)[BUFFER_OVERRIDE_ANNOTATION] == "3"
    await terminal.shows("reset-buffer", "demo", "v1")
    assert BUFFER_OVERRIDE_ANNOTATION not in annotations(stage)
    status, _, err = await terminal.types("buffer", "other", "v1", "3")
    assert (status, "No fleet controller keeps this version's buffer" in err) == (1, True)
    await terminal.shows("drain-instance", "demo-1", "--seconds", "0")
    await stage.gone("demo-1")


async def test_nodes_turn_and_regions_are_shown(terminal):
    assert {row["NAME"]: row["POOLS"] for row in await terminal.rows("nodes")} == {"gpu-1": "gpu", "turn-1": "turn"}
    assert await terminal.rows("turn") == [{"NAME": "turn-1", "ADDRESS": "198.51.100.7", "OFFERED": "yes"}]
    assert await terminal.shows("regions") == "nothing\n"


async def test_a_link_lets_in(stage, terminal):
    await stage.instance("demo-1")
    path = (await terminal.shows("link", "demo", "--subject", "ada\x1b[31m")).splitlines()[0]
    player = await stage.player(path.removeprefix("/"))
    await player.expect("streamerList")
    (row,) = await terminal.rows("sessions")
    # A name does not steer the terminal.
    assert row["SUBJECT"] == "ada\N{REPLACEMENT CHARACTER}[31m"


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        (("buffer", "demo", "v1", "-3"), {}, "instances: Expected `int` >= 0"),
        (("link", "demo", "--valid-seconds", "soon"), {}, "valid_seconds: Expected `int`, got `str`"),
        (("sessions",), {"PIXEL_API": "http://play.example.com"}, "the admin key would go in the clear"),
        (("sessions",), {"PIXEL_API": "play.example.com"}, "give an address such as https://"),
        (("sessions",), {"PIXEL_API": "http://127.0.0.1:1"}, "does not answer"),
        (("sessions",), {"PIXEL_ADMIN_KEY_FILE": "/nowhere"}, "No such file or directory"),
    ],
)
async def test_what_is_wrong_is_said(words, environment, expected, terminal):
    status, out, err = await terminal.types(*words, **environment)
    assert (status, out) == (1, "")
    assert expected in err


def test_a_session_is_ended_for_no_reason_that_its_instance_does_not_take(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["end", "s1", "--reason", "idle"])
    assert re.search(
        r"invalid choice: '?idle'? \(choose from '?terminated'?, '?maintenance'?\)", capsys.readouterr().err
    )


async def test_the_key_may_be_in_a_file_and_the_program_runs_by_its_name(terminal, tmp_path):
    (tmp_path / "key").write_text(f"{ADMIN}\n")
    environment = {"PIXEL_API": terminal.address, "PIXEL_ADMIN_KEY_FILE": str(tmp_path / "key")}
    command = (sys.executable, "-m", "pixel", "nodes")
    its = await asyncio.create_subprocess_exec(
        *command, cwd=CHECKOUT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await its.communicate()
    assert (its.returncode, err) == (0, b"")
    assert out.decode().startswith("NAME")
