import os
import shutil
import time
from pathlib import Path

import pytest

from local.images import page, sandbox
from local.images.errors import ImageError
from local.progress import Step


class Shown(Step):
    def __init__(self) -> None:
        super().__init__("title")
        self.lines: list[str] = []

    def update(self, text: str, done: float | None = None) -> None:
        self.lines.append(text)


def test_output_goes_to_the_log_and_the_latest_line_is_shown(tmp_path: Path) -> None:
    step = Shown()
    log = tmp_path / "logs/x.log"
    sandbox.run(["sh", "-c", "echo one; echo; echo two >&2"], "x", log, step, os.environ)
    assert log.read_text() == "one\n\ntwo\n"
    assert step.lines == ["one", "two"]


def test_a_failure_shows_the_end_of_the_output_and_where_all_of_it_is(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    command = ["sh", "-c", "for i in $(seq 100); do echo line $i; done; exit 3"]
    with pytest.raises(ImageError) as caught:
        sandbox.run(command, "building x", log, Shown(), os.environ)
    text = str(caught.value)
    assert text.startswith("building x failed (exit 3):\n    line 81\n")
    assert text.endswith(f"    line 100\nAll of it: {log}")


def test_an_interrupt_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    class Interrupted(Shown):
        def update(self, text: str, done: float | None = None) -> None:
            self.lines.append(text)
            raise KeyboardInterrupt

    step = Interrupted()
    command = ["sh", "-c", "sleep 600 & echo $!; wait"]
    with pytest.raises(KeyboardInterrupt):
        sandbox.run(command, "x", tmp_path / "x.log", step, os.environ)
    assert ended(int(step.lines[0]))


def ended(pid: int) -> bool:
    """Whether a killed process ends; the kernel takes a moment for it, and nobody may reap an orphan here."""
    status = Path(f"/proc/{pid}/status")
    for _ in range(500):
        try:
            if "State:\tZ" in status.read_text():
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_without_root_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ImageError, match=r"needs root.*sudo"):
        sandbox.check_machine()


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None if name in ("buildah", "setpriv") else f"/bin/{name}")
    with pytest.raises(ImageError) as caught:
        sandbox.check_machine()
    assert str(caught.value) == (
        "not installed: buildah, setpriv; run: apt-get install -y --no-install-recommends buildah util-linux"
    )


def test_npm_missing_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ImageError, match=r"npm is not installed; install Node\.js 20\.19 or newer"):
        page.check_node()


@pytest.mark.parametrize(
    ("version", "good"),
    [
        ("v20.19.0\n", True),
        ("v20.20.2\n", True),
        ("v24.1.0\n", True),
        ("v20.18.9\n", False),
        ("v18.19.0\n", False),
        ("", False),
    ],
)
def test_node_must_be_recent(version: str, good: bool) -> None:
    assert page.recent(version) is good
