"""Several previews at once: order, failures, room and interruption, with small commands in the previews' place."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import __main__ as command_line
from local import previews
from local.previews import Job, preview_job, room, run_all
from local.touched import stack_names

ROOT = Path(__file__).resolve().parents[3]


def job(name: str, code: str) -> Job:
    return Job(name, os.execv, (sys.executable, [sys.executable, "-c", code]))


def test_output_is_whole_and_in_order_whatever_ends_first(capsys: pytest.CaptureFixture[str]) -> None:
    slow = "import time; print('a1', flush=True); time.sleep(0.5); print('a2')"
    assert run_all([job("slow", slow), job("fast", "print('b1'); print('b2')")], 2) == 0
    assert capsys.readouterr().out == "━━━ slow\na1\na2\n\n━━━ fast\nb1\nb2\n\n"


def test_one_that_fails_hides_no_other_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    bad = "import sys; print('why', file=sys.stderr); sys.exit(3)"
    assert run_all([job("one", "print(1)"), job("bad", bad), job("two", "print(2)")], 1) == 1
    shown = capsys.readouterr()
    assert shown.out == "━━━ one\n1\n\n━━━ bad: failed, status 3\nwhy\n\n━━━ two\n2\n\n"
    assert shown.err == "1 of 3 previews failed: bad\n"


def test_no_more_run_at_once_than_there_is_room_for(tmp_path: Path) -> None:
    code = (
        f"import os, pathlib, time; here = pathlib.Path({str(tmp_path)!r}); mine = here / str(os.getpid());"
        "mine.touch(); n = len(list(here.glob('[0-9]*'))); (here / f'seen-{os.getpid()}').write_text(str(n));"
        "time.sleep(0.3); mine.unlink()"
    )
    assert run_all([job(str(i), code) for i in range(5)], 2) == 0
    seen = [int(path.read_text()) for path in tmp_path.glob("seen-*")]
    assert len(seen) == 5
    assert max(seen) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("heeds", [True, False])
def test_an_interruption_ends_every_process_of_every_preview(tmp_path: Path, number: int, heeds: bool) -> None:
    """Each preview has a process of its own below it, as the engine is; a deaf one is killed."""
    below = "import time; time.sleep(600)"
    if not heeds:
        below = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {below}"
    code = (
        "import os, pathlib, subprocess, sys, signal;"
        f"child = subprocess.Popen([sys.executable, '-c', {below!r}]);"
        f"pathlib.Path({str(tmp_path)!r}, f'{{os.getpid()}}-{{child.pid}}').touch();"
        + ("" if heeds else "signal.signal(signal.SIGINT, signal.SIG_IGN);")
        + "child.wait()"
    )
    runner = (
        # Whoever runs the tests in the background has it ignored, and so would everything that they start.
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from local import previews; previews._ENGINES_GRACE = 1;"
        f"argv = [sys.executable, '-c', {code!r}];"
        "jobs = [previews.Job(str(i), os.execv, (sys.executable, argv)) for i in range(4)]\n"
        "try: previews.run_all(jobs, 2)\nexcept KeyboardInterrupt: sys.exit(130)"
    )
    with subprocess.Popen([sys.executable, "-c", runner], cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(60) == 130
    started = [int(pid) for path in tmp_path.iterdir() for pid in path.name.split("-")]
    assert len(started) == 4, "the two that waited for room never start"
    deadline = time.monotonic() + 30
    while any(map(alive, started)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in started if alive(pid)]


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], int]]:
    """The stacks, and the room, that the command line asks previews for."""
    calls: list[tuple[list[str], int]] = []

    def remember(jobs: list[Job], workers: int) -> int:
        calls.append(([each.stack for each in jobs], workers))
        return 0

    monkeypatch.setattr(previews, "run_all", remember)
    return calls


def test_all_stacks_unless_named_each_once(asked: list[tuple[list[str], int]]) -> None:
    assert command_line.main(["preview"]) == 0
    assert command_line.main(["preview", "b", "a", "b", "--workers", "7"]) == 0
    assert asked == [(stack_names(), room(os.cpu_count() or 1)), (["b", "a"], 7)]


def test_there_is_room_for_one_and_for_more_than_processors() -> None:
    assert [room(processors) for processors in (1, 2, 3, 4)] == [2, 3, 5, 6]


def test_a_job_is_the_command_lines_own_preview(tmp_path: Path) -> None:
    (arguments,) = preview_job("local", tmp_path).arguments
    options = command_line._parser().parse_args(arguments)
    assert (options.command, options.stacks, options.reports) == ("preview", ["local"], tmp_path)


def test_several_stacks_end_as_the_first_of_them_would_alone(tmp_path: Path) -> None:
    """Through the command line, forked from what is loaded once; no engine, since there are no such stacks."""
    command = [sys.executable, "-m", "local", "preview", "no-such-a", "no-such-b", "--reports", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("━━━ no-such-a: failed, status 1\nerror: no stack 'no-such-a'")
    assert "━━━ no-such-b: failed, status 1\nerror: no stack 'no-such-b'" in done.stdout
    assert done.stderr == "2 of 2 previews failed: no-such-a, no-such-b\n"
    assert {path.name for path in tmp_path.iterdir()} == {"no-such-a.json", "no-such-b.json"}


def test_what_is_loaded_before_the_fork_starts_no_thread() -> None:
    code = (
        "import local.preloaded, sys, os; print(len(os.listdir('/proc/self/task')), 'pulumi_kubernetes' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1 True\n"


def test_a_broken_stack_file_is_one_error(tmp_path: Path) -> None:
    """By a copy of the stack files, one with a wrong word, and without the engine."""
    (tmp_path / "stacks").mkdir()
    good = (ROOT / "stacks" / "Pulumi.local.yaml").read_text()
    (tmp_path / "stacks" / "Pulumi.broken.yaml").write_text(good.replace("endpoint: public", "endpoint: pubic"))
    code = (
        "import sys, pathlib; from local import stack, touched; from local.__main__ import main;"
        f"stack.STACK_FILES = touched.STACK_FILES = pathlib.Path({str(tmp_path / 'stacks')!r});"
        f"sys.exit(main(['preview', 'broken', '--reports', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "error: the stack file was refused:\n"
        '  pixel:cluster.endpoint is "pubic": not a choice. Did you mean public? Known: public, private.\n'
    )
    assert '"failure": "the stack file was refused' in (tmp_path / "broken.json").read_text()
