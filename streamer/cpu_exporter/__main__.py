"""``python -m streamer.cpu_exporter``: serves ``/metrics`` until it is ended."""

import os
import signal
import sys

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from signalling.shell.environment import SettingError
from streamer.cpu_exporter import settings
from streamer.cpu_exporter.metrics import CpuCollector


def main() -> None:
    """Read the settings, serve, end on SIGTERM or SIGINT."""
    try:
        its = settings.read(os.environ)
        cores = settings.requested_cores(os.environ)
    except SettingError as error:
        sys.exit(str(error))
    # Before the server's threads start: a signal is waited for, and never handled.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(CpuCollector(its, cores))
    server, _ = start_http_server(its.port, its.host, registry)
    print(f"serving on port {server.server_port}", flush=True)
    signal.sigwait((signal.SIGTERM, signal.SIGINT))


if __name__ == "__main__":
    main()
