"""The mounted file with ICE servers that are not the pool's."""

import json
from pathlib import Path

import pytest

from components.settings import load
from components.workloads.ice_servers import ice_file
from signalling.ice.elsewhere import Elsewhere, FollowedElsewhere, read_elsewhere
from signalling.ice.secret import SecretError
from signalling.ice.servers import ExternalTurn, IceServer, TransportPolicy
from tests.unit.components.settings_cases import GOOD, patched

EXTERNAL = {"urls": ["turn:turn.example.net:443?transport=tcp"], "secret": "shared-with-them"}


def replaced(file: Path, content: str) -> None:
    """As a kubelet does: another file in the place of the first."""
    new = file.with_name("new")
    new.write_text(content)
    new.replace(file)


def test_what_the_program_writes_is_what_the_matchmaker_reads(tmp_path):
    config = patched("pixel:turn", {"external": [EXTERNAL]})
    config["pixel:apps"][0]["ice"] = {
        "servers": [
            {"urls": ["stun:198.51.100.1:3478"]},
            {"urls": ["turn:198.51.100.1:3478"], "username": "acme", "credential": "p"},
        ],
        "transport_policy": "relay",
    }
    its = load(config)
    file = tmp_path / "ice-servers.json"
    content = ice_file(its.turn, its.apps)
    assert content is not None
    file.write_text(content)
    found = read_elsewhere(file)
    assert found.external == (ExternalTurn(("turn:turn.example.net:443?transport=tcp",), "shared-with-them"),)
    own = found.applications["showroom"]
    assert own.servers == (
        IceServer(("stun:198.51.100.1:3478",)),
        IceServer(("turn:198.51.100.1:3478",), "acme", "p"),
    )
    assert own.transport_policy is TransportPolicy.RELAY
    its = load(GOOD)
    assert ice_file(its.turn, its.apps) is None


def test_a_stack_without_any_has_no_file(tmp_path):
    assert read_elsewhere(tmp_path / "ice-servers.json") == Elsewhere()


@pytest.mark.parametrize("content", ["", "{", '{"external": [{"urls": "turn:a", "secret": "hidden"}]}', '{"else": 1}'])
def test_an_unusable_file_is_named_and_not_shown(content, tmp_path):
    file = tmp_path / "ice-servers.json"
    file.write_text(content)
    with pytest.raises(SecretError) as error:
        read_elsewhere(file)
    assert str(file) in str(error.value) and "hidden" not in str(error.value)


def test_a_change_is_followed_and_a_bad_one_is_not(tmp_path):
    file = tmp_path / "ice-servers.json"
    followed = FollowedElsewhere(file)
    assert followed().external == ()
    replaced(file, json.dumps({"external": [EXTERNAL]}))
    assert [each.secret for each in followed().external] == ["shared-with-them"]
    replaced(file, "{")
    assert [each.secret for each in followed().external] == ["shared-with-them"]
    replaced(file, json.dumps({"external": [{**EXTERNAL, "secret": "another"}]}))
    assert [each.secret for each in followed().external] == ["another"]
    file.unlink()
    assert followed().external == ()
