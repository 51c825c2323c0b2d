"""``python -m tests.fuzz [--frames 1000000] [--sockets 20000] [--seed 1]``: so many frames to each port.

The frames go through the machines, the sidecar's and the matchmaker's, and a sample through real sockets on loopback.
Prints what became of them; the first frame that leads to what must not be ends the run with an error that shows it.
"""

import argparse
import time
from functools import partial

import uvloop

from signalling.protocol.messages import Role
from tests.fuzz import machine, relay, sockets

MOST_GROWN: int = 8 << 20
"""Bytes; what an allocator keeps for itself differs from run to run."""


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="to each port of the machine")
    parser.add_argument("--sockets", type=int, default=20_000, help="to each port through real sockets")
    parser.add_argument("--seed", type=int, default=1)
    its = parser.parse_args()
    runs = {port.value: partial(machine.fuzz, port) for port in Role} | {"relay": relay.fuzz}
    for name, run in runs.items():
        started = time.monotonic()
        outcome = run(its.frames, its.seed)
        seconds = time.monotonic() - started
        print(
            f"{name:>8}: {outcome.frames:,} frames in {seconds:.0f} s; {outcome.sent:,} messages sent, "
            f"{outcome.closed:,} connections closed, {outcome.dropped:,} frames dropped; "
            f"memory grew by {outcome.grown_bytes / 1024:,.0f} KiB"
        )
        if outcome.grown_bytes > MOST_GROWN:
            raise SystemExit("memory grows")
    ended = uvloop.run(sockets.fuzz(its.sockets, its.seed))
    print(f" sockets: {its.sockets:,} frames to each port; connections that were ended: {ended}")


if __name__ == "__main__":
    main()
