"""The small decisions around a session: stranded instances, pauses, settings, the page's table."""

import json
from pathlib import Path
from typing import Any

import pytest

from signalling.ice.servers import TransportPolicy
from signalling.matchmaker.page import page_files
from signalling.matchmaker.settings import read, read_stack
from signalling.matchmaker.watching import LONGEST_PAUSE, pause
from signalling.shell.environment import SettingError

STACK = {
    "instances_namespace": "pixel-instances",
    "applications": [{"name": "demo"}, {"name": "other"}],
    "turn": {"port": 3478, "transport_policy": "relay", "realm": "pixel", "credential_seconds": 86400},
}


def test_pauses_grow_to_a_limit_and_differ_between_replicas():
    assert pause(0, 0.5) == 0.0
    grown = [pause(failures, 0.999) for failures in range(1, 30)]
    assert grown == sorted(grown) and LONGEST_PAUSE / 2 < grown[-1] <= LONGEST_PAUSE
    assert pause(3, 0.0) < pause(3, 0.9)


def written(tmp_path: Path, stack: object) -> Path:
    file = tmp_path / "matchmaker.json"
    file.write_text(json.dumps(stack))
    return file


def test_the_settings_file_is_read(tmp_path):
    stack = read_stack(written(tmp_path, STACK))
    assert stack.application(None) == stack.application("demo") == stack.applications[0]
    assert stack.application("other") == stack.applications[1]
    assert stack.application("nobody") is None
    assert stack.turn.transport_policy is TransportPolicy.RELAY


def changed(**more: Any) -> dict[str, Any]:
    return {**STACK, **more}


def app(**more: Any) -> dict[str, Any]:
    return {"name": "demo", **more}


@pytest.mark.parametrize(
    ("stack", "says"),
    [
        (changed(applications=[]), "applications"),
        (changed(applications=[app(), app()]), "demo"),
        (changed(applications=[app(name="De mo")]), "name"),
        (changed(applications=[app(versions=[{"tag": "1", "label": "v1"}])]), "versions"),
        (changed(turn={"transport_policy": "none"}), "transport_policy"),
        (changed(turn={"port": 0}), "port"),
        (changed(unknown=1), "unknown"),
        ({"applications": [app()]}, "instances_namespace"),
    ],
)
def test_a_wrong_settings_file_says_what_is_wrong(tmp_path, stack, says):
    with pytest.raises(SettingError, match=says):
        read_stack(written(tmp_path, stack))


def test_a_missing_settings_file_names_the_remedy(tmp_path):
    with pytest.raises(SettingError, match="MATCHMAKER_SETTINGS"):
        read_stack(tmp_path / "absent.json")


def test_the_environment_overrides_and_the_variables_of_a_service_do_not_disturb():
    its, places = read(
        {
            "MATCHMAKER_SETTINGS": "/a.json",
            "MATCHMAKER_PORT": "tcp://10.0.0.1:3000",
            "MATCHMAKER_SERVICE_HOST": "10.0.0.1",
            "MATCHMAKER_STRANDED_SECONDS": "2.5",
            "PLAYER_PAGE": "/page",
        }
    )
    assert (its.settings, its.stranded_seconds, its.player_port) == (Path("/a.json"), 2.5, 3000)
    assert (places.player_page, places.turn_secret_file) == (Path("/page"), Path("/etc/pixel/turn/secret"))


@pytest.mark.parametrize(
    "environ",
    [{"MATCHMAKER_PLAYER_PORT": "x"}, {"MATCHMAKER_PLAYER_PORT": "70000"}, {"MATCHMAKER_CONNECT_SECONDS": "0"}],
)
def test_a_wrong_variable_says_which(environ):
    with pytest.raises(SettingError, match="(?i)" + next(iter(environ)).removeprefix("MATCHMAKER_")):
        read(environ)


def test_the_page_is_a_table_of_files(tmp_path):
    (tmp_path / "page/assets").mkdir(parents=True)
    (tmp_path / "outside.txt").write_text("no")
    for name in ("index.html", "favicon.svg", "assets/index-abc.js"):
        (tmp_path / "page" / name).write_text("x")
    (tmp_path / "page/link.txt").symlink_to(tmp_path / "outside.txt")
    files = page_files(tmp_path / "page")
    assert {path: file.headers["Cache-Control"] for path, file in files.items()} == {
        "/": "no-cache",
        "/favicon.svg": "no-cache",
        "/assets/index-abc.js": "public, max-age=31536000, immutable",
    }
    for file in files.values():
        assert "unsafe" not in file.headers["Content-Security-Policy"]
    assert page_files(tmp_path / "absent") == {}
