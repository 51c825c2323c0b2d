"""Settings and logs."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import pytest

from signalling.shell import environment
from signalling.shell.environment import SettingError
from signalling.shell.logs import JsonLines
from signalling.sidecar import settings as sidecar_settings


@dataclass(frozen=True)
class Example:
    number: int = 1
    share: float = 0.5
    text: str = "a"
    place: Path = Path("/x")
    on: bool = False


def test_settings_are_read_by_type_and_defaults_stay():
    given = {"P_NUMBER": "7", "P_SHARE": "1e-3", "P_PLACE": "/y", "P_ON": "True", "P_TEXT": "", "OTHER": "1"}
    assert environment.read(Example, "P_", given) == Example(7, 1e-3, "a", Path("/y"), True)
    assert environment.read(Example, "P_", {}) == Example()


@pytest.mark.parametrize(("key", "value"), [("P_NUMBER", "1.5"), ("P_SHARE", "half"), ("P_ON", "yes")])
def test_a_value_of_another_type_is_an_error_with_a_remedy(key, value):
    with pytest.raises(SettingError, match=f"{key}='{value}' is not .*; set it"):
        environment.read(Example, "P_", {key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("STREAMER_PORT", "-1"), ("MAX_PLAYERS", "0"), ("HEARTBEAT_SECONDS", "-3"), ("PLAYER_PORT", "ws")],
)
def test_the_sidecar_refuses_settings_it_cannot_use(key, value):
    with pytest.raises(SettingError, match=f"(?i){key}"):
        sidecar_settings.read({"SIDECAR_ADMIT_ANYBODY": "true", f"SIDECAR_{key}": value})


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({}, "ticket_keys"),
        ({"TICKET_KEYS": "/x", "ADMIT_ANYBODY": "true"}, "ticket_keys"),
        ({"TICKET_KEYS": "/x"}, "instance"),
        ({"TICKET_KEYS": "/x", "INSTANCE": "a", "STREAMER_HOST": "0.0.0.0"}, "streamer_host"),
        ({"TICKET_KEYS": "/x", "INSTANCE": "a", "SFU_HOST": "pod"}, "sfu_host"),
        ({"ADMIT_ANYBODY": "true", "CONTROL_URL": "http://169.254.169.254/"}, "control_url"),
        ({"ADMIT_ANYBODY": "true", "CONTROL_URL": "http://localhost@evil:1/"}, "control_url"),
        ({"ADMIT_ANYBODY": "true", "CONTROL_URL": "http://localhost:1/?x="}, "control_url"),
        ({"ADMIT_ANYBODY": "true", "CONTROL_URL": "https://localhost:1"}, "control_url"),
    ],
)
def test_the_sidecar_refuses_settings_that_would_leave_it_open(environ, key):
    with pytest.raises(SettingError, match=f"^{key}="):
        sidecar_settings.read({f"SIDECAR_{name}": value for name, value in environ.items()})


@pytest.mark.parametrize(
    "environ",
    [
        {"TICKET_KEYS": "/x", "INSTANCE": "a"},
        {"TICKET_KEYS": "/x", "INSTANCE": "a", "STREAMER_HOST": "0.0.0.0", "STREAMER_TOKEN_FILE": "/t"},
        {"ADMIT_ANYBODY": "true", "STREAMER_HOST": "0.0.0.0", "CONTROL_URL": "http://127.0.0.1:8111/api"},
    ],
)
def test_the_sidecar_takes_settings_that_do_not(environ):
    sidecar_settings.read({f"SIDECAR_{name}": value for name, value in environ.items()})


def test_a_log_line_is_one_object_with_its_fields_apart():
    record = logging.LogRecord("matchmaker", logging.INFO, "", 0, "player left\n%s", ("x",), None)
    record.session = "s1"
    record.odd = Path("/x")
    line = JsonLines().format(record)
    entry = json.loads(line)
    assert "\n" not in line
    assert entry | {"time": 0} == {
        "time": 0,
        "level": "info",
        "logger": "matchmaker",
        "message": "player left\nx",
        "session": "s1",
        "odd": "/x",
    }
