"""A million frames that no honest player sends against the relay's machine, and what they do to its memory.

``make bench NAME=matchmaker_fuzz ARGS="--frames 1000000 --seed 1"``. The memory after the first tenth is what the rest
is held against: nothing may stay.
"""

import argparse
import gc
import time
import tracemalloc

from tests.unit.signalling.test_relay_fuzz import drive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    tenth, machines, sizes = arguments.frames // 10, 0, []
    started = time.process_time()
    tracemalloc.start()
    for part in range(10):
        machines += drive(arguments.seed * 1000 + part, tenth)
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    print(f"{10 * tenth} frames, {machines} connections, {time.process_time() - started:.0f} s of CPU (memory traced)")
    print(f"memory after a tenth {sizes[0] / 1024:.0f} KiB, after all {sizes[-1] / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
