"""What executables say of their version, and which versions fit."""

import pytest

from local.tools import versions
from local.tools.catalogue import Fit
from local.tools.versions import Version, ask, fits, pinned, read
from tests.unit.tools.conftest import script


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v3.258.0", Version(3, 258, 0)),
        ("Kubernetes v1.36.3", Version(1, 36, 3)),
        ("Client Version: v1.36.3\nKustomize Version: v5.8.1", Version(1, 36, 3)),
        ("etcd Version: 3.6.8\nGit SHA: Not provided\nGo Version: go1.26.8", Version(3, 6, 8)),
        ("CoreDNS-1.14.7\nlinux/amd64, go1.26.8, ", Version(1, 14, 7)),
        ("v1.37.0-rc.1+d0c", Version(1, 37, 0)),
        ("v3.258.0-alpha.x123", Version(3, 258, 0)),
        ("unknown command", None),
        ("1.2", None),
        ("", None),
    ],
)
def test_a_version_is_read_from_what_a_tool_prints(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize("text", ["1.36", "v1.36.3", "1.36.3-rc.1", "1.36.03", ""])
def test_a_pinned_version_is_three_numbers_and_nothing_else(text):
    with pytest.raises(ValueError, match=r"major\.minor\.patch"):
        pinned(text)


@pytest.mark.parametrize(
    ("found", "same_minor", "or_newer"),
    [
        ("1.36.3", True, True),
        ("1.36.0", True, True),
        ("1.36.9", True, True),
        ("1.35.9", False, False),
        ("1.37.0", False, True),
        ("1.100.0", False, True),
        ("2.36.3", False, False),
        ("0.36.3", False, False),
    ],
)
def test_which_version_on_path_serves(found, same_minor, or_newer):
    wanted = Version(1, 36, 3)
    assert fits(pinned(found), wanted, Fit.SAME_MINOR) is same_minor
    assert fits(pinned(found), wanted, Fit.SAME_MINOR_OR_NEWER) is or_newer


def test_an_executable_is_asked_with_the_given_arguments(tmp_path):
    tool = script(tmp_path / "tool", '[ "$1 $2" = "version --client" ] && echo "Client Version: v1.36.3"')
    assert ask(tool, ("version", "--client")) == Version(1, 36, 3)
    assert ask(tool, ("--version",)) is None


def test_what_does_not_answer_has_no_version(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "_SECONDS_TO_ANSWER", 0.2)
    assert ask(script(tmp_path / "fails", "echo 1.2.3; exit 1"), ()) is None
    assert ask(script(tmp_path / "silent", "exit 0"), ()) is None
    assert ask(script(tmp_path / "talks", "echo 1.2.3 >&2"), ()) is None
    assert ask(script(tmp_path / "hangs", "exec sleep 60"), ()) is None
    assert ask(tmp_path / "absent", ()) is None
    (tmp_path / "text").write_text("1.2.3")
    assert ask(tmp_path / "text", ()) is None


def test_asking_leaves_the_users_pulumi_home_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    tool = script(tmp_path / "tool", 'mkdir -p "${PULUMI_HOME:-$HOME/.pulumi}/logs"; echo "v3.258.0"')
    assert ask(tool, ("version",)) == Version(3, 258, 0)
    assert not (tmp_path / "home").exists()
