"""What the CPU exporter costs, against psutil reading every field of every process for each scrape.

``make bench NAME=cpu_exporter`` (Linux, root). In a process namespace of its own with fifty processes it scrapes a
running exporter by HTTP, takes what the kernel counted for the exporter, and lets psutil do its work in the same run.
"""

import argparse
import os
import subprocess
import sys
import time
from http.client import HTTPConnection

import psutil

from streamer.cpu_exporter.processes import TICKS, parse

INSIDE = "PIXEL_BENCH_INSIDE"
INTERVAL = 15.0
"""Seconds between two scrapes of a real Prometheus."""


def used_by(pid: int) -> float:
    """CPU seconds of a process so far."""
    with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - nothing between it and the kernel
        return parse(file.read())[1] / TICKS


def exporter_seconds(scrapes: int) -> float:
    """CPU seconds of the exporter for one scrape, with the sending of it."""
    environ = {**os.environ, "CPU_REQUEST_APP": "3750", "CPU_EXPORTER_PORT": "0", "CPU_EXPORTER_LEAST_SECONDS": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "streamer.cpu_exporter"], env=environ, stdout=subprocess.PIPE, text=True
    ) as exporter:
        assert exporter.stdout is not None
        port = int(exporter.stdout.readline().rpartition(" ")[2])
        before = 0.0
        for number in range(scrapes + 10):
            if number == 10:
                before = used_by(exporter.pid)
            connection = HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
            connection.close()
        seconds = (used_by(exporter.pid) - before) / scrapes
        exporter.terminate()
    print(f"{text.count('process_cpu_usage_percent{')} processes")
    return seconds


def psutil_seconds(scrapes: int) -> float:
    """CPU seconds of psutil for every field of every process once."""
    before = time.process_time()
    for _ in range(scrapes):
        for process in psutil.process_iter():
            process.as_dict()
    return (time.process_time() - before) / scrapes


def main() -> None:
    """Start the processes, measure both in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=50)
    parser.add_argument("--scrapes", type=int, default=200)
    options = parser.parse_args()
    if INSIDE not in os.environ:
        again = [sys.executable, "-m", "tests.bench.cpu_exporter", *sys.argv[1:]]
        isolated = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *again]
        sys.exit(subprocess.run(isolated, env={**os.environ, INSIDE: "1"}, check=False).returncode)
    # The exporter is one of them; this process, the first of its namespace, is not told of.
    others = [subprocess.Popen(["sleep", "600"]) for _ in range(options.processes - 1)]
    try:
        ratios = []
        for _ in range(3):
            ours, theirs = exporter_seconds(options.scrapes), psutil_seconds(max(options.scrapes // 20, 1))
            ratios.append(theirs / ours)
            print(
                f"exporter {1000 * ours:.2f} ms a scrape, {100 * ours / INTERVAL:.4f} % of a core at one every "
                f"{INTERVAL:.0f} s; psutil {1000 * theirs:.1f} ms, {theirs / ours:.1f} times as much",
                flush=True,
            )
        print(f"least ratio {min(ratios):.1f}")
    finally:
        for each in others:
            each.kill()
            each.wait()


if __name__ == "__main__":
    main()
