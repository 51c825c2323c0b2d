"""The CPU exporter: what it reads, what it makes of it, whom it believes; and it agrees with the kernel's groups."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from signalling.shell.environment import SettingError
from streamer.cpu_exporter import identity, settings
from streamer.cpu_exporter.metrics import LABELS, CpuCollector
from streamer.cpu_exporter.processes import TICKS, Process, Processes, parse
from streamer.cpu_exporter.usage import Look, between

USED = "process_cpu_usage_percent"
SHARE = "process_cpu_utilization_percent_by_request"


def line(pid: int, name: str, user: int, system: int, started: int) -> bytes:
    return f"{pid} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {user} {system} 7 7 20 0 1 0 {started} 0 0\n".encode()


class Proc:
    """A folder like /proc."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, pid: int, name: str, ticks: int, started: int = 100, command: bytes = b"") -> None:
        (self.folder / str(pid)).mkdir(exist_ok=True)
        (self.folder / str(pid) / "stat").write_bytes(line(pid, name, ticks - 1, 1, started))
        (self.folder / str(pid) / "cmdline").write_bytes(command)

    def end(self, pid: int) -> None:
        for each in (self.folder / str(pid)).iterdir():
            each.unlink()
        (self.folder / str(pid)).rmdir()


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    (tmp_path / "proc").mkdir()
    proc = Proc(tmp_path / "proc")
    proc.put(1, "pause", 500)
    (tmp_path / "proc" / "meminfo").write_text("not a process")
    return proc


@pytest.mark.parametrize("name", ["game", "a (b) c", "))((", "with space"])
def test_a_name_may_hold_parentheses(name: str) -> None:
    assert parse(line(7, name, 30, 12, 99)) == (name, 42, 99)


def test_the_line_of_a_real_process_is_understood() -> None:
    name, ticks, started = parse(Path("/proc/self/stat").read_bytes())
    times = os.times()
    assert name == Path("/proc/self/comm").read_text().strip()
    assert abs(ticks / TICKS - times.user - times.system) < 1
    assert 0 < started / TICKS < time.clock_gettime(time.CLOCK_BOOTTIME)


def test_pid_1_is_left_out_and_long_names_are_whole(proc: Proc) -> None:
    proc.put(2, "Showroom-Linux-", 10, command=b"/opt/Showroom-Linux-Shipping\0-RenderOffScreen\0")
    proc.put(3, "exactly-fifteen", 10, command=b"something else\0")
    found = {each.pid: each.name for each in Processes(proc.folder).read()}
    assert found == {2: "Showroom-Linux-Shipping", 3: "exactly-fifteen"}


def test_a_process_that_vanishes_while_it_is_read_is_no_error(proc: Proc) -> None:
    proc.put(2, "game", 10)
    (proc.folder / "5").mkdir()  # Listed, and gone before its file is opened.
    assert [each.pid for each in Processes(proc.folder).read()] == [2]
    real = subprocess.Popen([sys.executable, "-c", "pass"])
    processes = Processes(Path("/proc"))
    listed = processes._pids()
    assert real.pid in listed
    real.wait()
    assert processes._content(real.pid, "stat", 1024) is None


def look(seconds: float, *processes: Process) -> Look:
    return Look({(each.pid, each.started): each for each in processes}, seconds)


def test_usage_is_what_was_used_between_two_looks() -> None:
    before = look(100, Process(2, 500, "game", 40 * TICKS), Process(3, 500, "gone", 7))
    after = look(110, Process(2, 500, "game", 55 * TICKS))
    assert [(each.process.pid, each.percent) for each in between(before, after)] == [(2, 150.0)]


def test_a_number_that_is_used_again_is_another_process() -> None:
    before = look(100, Process(2, 500, "game", 40 * TICKS))
    after = look(110, Process(2, 105 * TICKS, "encoder", 3 * TICKS))
    (usage,) = between(before, after)
    assert (usage.process.name, usage.percent) == ("encoder", 30.0)


def test_a_process_that_was_not_looked_at_before_counts_from_now() -> None:
    (usage,) = between(look(100), look(110, Process(2, 50 * TICKS, "game", 40 * TICKS)))
    assert usage.percent == 0.0


def test_both_gauges_have_all_five_labels(proc: Proc, tmp_path: Path) -> None:
    proc.put(2, "game", 10)
    its = settings.CpuExporterSettings(
        application="showroom",
        proc=proc.folder,
        session_file=tmp_path / "session",
        game_file=tmp_path / "game_id",
        least_seconds=0,
    )
    registry = CollectorRegistry()
    registry.register(CpuCollector(its, 2.5))

    def scraped() -> dict[str, dict[str, str]]:
        families = text_string_to_metric_families(generate_latest(registry).decode())
        return {
            each.name: family_labels for family in families for each in family.samples if (family_labels := each.labels)
        }

    found = scraped()
    assert found[USED] == found[SHARE]
    assert found[USED] == dict(zip(LABELS, ("showroom", "", "game", "2", "2.500000"), strict=True))
    # Allocated: the kubelet writes the label, the application says what it plays.
    (tmp_path / "session").write_text("s-1")
    (tmp_path / "game_id").write_text("racing\n")
    assert (scraped()[USED]["game_id"], scraped()[USED]["session_id"]) == ("racing", "s-1")
    proc.end(2)
    assert USED not in scraped()


def test_the_share_is_of_what_the_pod_requests(proc: Proc, tmp_path: Path) -> None:
    proc.put(2, "game", 10)
    its = settings.CpuExporterSettings(proc=proc.folder, game_file=tmp_path / "none", least_seconds=0)
    collector = CpuCollector(its, 2.0)
    proc.put(2, "game", 10_000)
    used, share = (family.samples[0].value for family in list(collector.collect())[:2])
    assert used > 0
    assert share == pytest.approx(used / 2)


def test_only_a_plain_file_with_a_plain_name_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "game_id"
    assert identity.game_of(path, "showroom") == "showroom"
    for text in ("", 'a"b', "two words", "x" * 200, "a\nb"):
        path.write_text(text)
        assert identity.game_of(path, "showroom") == "showroom", text
    path.write_text("racing@1.2\n")
    assert identity.game_of(path, "showroom") == "racing@1.2"
    secret = tmp_path / "secret"
    path.rename(secret)
    path.symlink_to(secret)
    assert identity.game_of(path, "showroom") == "showroom"
    path.unlink()
    os.mkfifo(path)
    assert identity.game_of(path, "showroom") == "showroom"


def test_requests_are_added_up_and_needed() -> None:
    given = {"CPU_REQUEST_APP": "3750", "CPU_REQUEST_SIDECAR": "50", "CPU_REQUEST_CPU_EXPORTER": "10", "OTHER": "x"}
    assert settings.requested_cores(given) == 3.81
    with pytest.raises(SettingError, match="no CPU_REQUEST_<CONTAINER>"):
        settings.requested_cores({"CPU_REQUEST_APP": "0"})
    with pytest.raises(SettingError, match=r"CPU_REQUEST_APP='3\.75' is not thousandths"):
        settings.requested_cores({"CPU_REQUEST_APP": "3.75"})


UNIFIED = next(
    (each for each in map(Path, ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")) if (each / "cgroup.procs").exists()), None
)
ACCOUNTING = Path("/sys/fs/cgroup/cpuacct")


class Group:
    """A control group of the test's own, of one version or the other."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / f"pixel-cpu-exporter-test-{os.getpid()}"

    def seconds(self) -> float:
        """CPU time that its processes have used."""
        usage = self.folder / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
        found = re.search(r"^usage_usec (\d+)$", (self.folder / "cpu.stat").read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1e6


@contextmanager
def groups() -> Iterator[list[Group]]:
    """One of each version that this machine has."""
    parents = [each for each in (UNIFIED, ACCOUNTING if (ACCOUNTING / "cpuacct.usage").exists() else None) if each]
    made = [Group(parent) for parent in parents]
    for group in made:
        group.folder.mkdir()
    try:
        yield made
    finally:
        for group in made:
            group.folder.rmdir()


WORK = """
import os, sys, time
share = float(sys.argv[1])
while True:
    until = time.process_time() + share / 20
    while time.process_time() < until:
        pass
    time.sleep((1 - share) / 20)
"""
"""Uses a share of a core."""

POD = """
import os, subprocess, sys
work = open(sys.argv[1]).read()
for share in (0.35, 0.1, 0.02):
    subprocess.Popen([sys.executable, "-c", work, str(share)])
exporter = subprocess.Popen([sys.executable, "-m", "streamer.cpu_exporter"])
# One short process after the other, as a game's helpers.
while exporter.poll() is None:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(1.5)"])
"""
"""The first process of a process namespace, as the pause container is of a pod's; here it also starts the others."""


@contextmanager
def pod(folder: Path, within: list[Group]) -> Iterator[int]:
    """The pod's processes in the groups; the exporter's port."""
    (folder / "work.py").write_text(WORK)
    (folder / "pod.py").write_text(POD)
    enter = "".join(f"echo $$ > {group.folder}/cgroup.procs; " for group in within)
    namespace = f"exec unshare --pid --fork --mount-proc --kill-child {sys.executable} {folder}/pod.py {folder}/work.py"
    environ = {**os.environ, "CPU_REQUEST_APP": "2000", "CPU_EXPORTER_PORT": "0", "CPU_EXPORTER_HOST": "127.0.0.1"}
    started = subprocess.Popen(["sh", "-c", enter + namespace], env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        yield int(started.stdout.readline().rpartition(" ")[2])
    finally:
        started.kill()
        started.communicate()
        deadline = time.monotonic() + 20
        while any((group.folder / "cgroup.procs").read_text() for group in within):
            assert time.monotonic() < deadline, "the pod's processes do not end"
            time.sleep(0.05)


@pytest.mark.cluster
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces and control groups")
async def test_figures_are_within_two_points_of_the_control_group_s_over_a_minute(tmp_path: Path) -> None:
    """A minute of scrapes every 5 seconds, against what the kernel counted for the same processes."""
    scrapes, interval = 12, 5.0
    with groups() as made, pod(tmp_path, made) as port:
        assert made
        async with ClientSession() as http:

            async def scrape() -> dict[str, float]:
                async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
                    text = await answer.text()
                families = list(text_string_to_metric_families(text))
                return {
                    f"{each.name} {each.labels['process_pid']}": each.value
                    for family in families
                    for each in family.samples
                    if each.name in (USED, SHARE)
                }

            await scrape()
            before, began = [group.seconds() for group in made], time.monotonic()
            used, last = 0.0, began
            for number in range(1, scrapes + 1):
                await asyncio.sleep(max(began + number * interval - time.monotonic(), 0))
                found = await scrape()
                now = time.monotonic()
                assert f"{USED} 1" not in found
                total = sum(value for name, value in found.items() if name.startswith(USED))
                assert sum(found.values()) == pytest.approx(1.5 * total)
                used += total * (now - last)
                last = now
            seconds = last - began
            counted = [100 * (group.seconds() - earlier) / seconds for group, earlier in zip(made, before, strict=True)]
    assert counted[0] > 5, "the workload did not run"
    for percent in counted:
        assert abs(used / seconds - percent) <= 2, (used / seconds, counted)


def test_it_ends_on_sigterm_and_says_what_is_missing() -> None:
    environ = {**os.environ, "CPU_REQUEST_APP": "500", "CPU_EXPORTER_PORT": "0", "CPU_EXPORTER_HOST": "127.0.0.1"}
    command = [sys.executable, "-m", "streamer.cpu_exporter"]
    running = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert "serving on port" in running.stdout.readline()
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
    running.stdout.close()
    refused = subprocess.run(
        command, env={**environ, "CPU_REQUEST_APP": ""}, check=False, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert "CPU_REQUEST" in refused.stderr
