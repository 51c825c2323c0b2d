"""How far the planner is from the simulator, over a large grid of services.

``make bench NAME=planner_agreement``, some minutes. Each line is a service, with chance of waiting, mean wait and
nodes, as planned and as simulated. The tests' grid comes first; then more players, and what the theory is less sure
of: slow nodes with short sessions, times that vary, sessions of one length.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from itertools import product

from capacity.durations import exponential, fixed, lognormal
from tests.unit.capacity.agreement import Case, Compared, compare, grid, well_kept


def large_grid() -> Iterator[Case]:
    """All of it."""
    yield from grid()
    for rate, start in product((0.01, 0.2), (fixed(60), exponential(60), lognormal(60, 1))):
        for above in (0, 2):
            yield Case(rate, exponential(1200), start, fixed(0), round(60 * rate) + above, 0)
    for rate, length, lead in product((0.02, 0.2), (1200, 2700), (120, 240)):
        for slots, per_node in ((0, 1), (3, 1), (2, 2)):
            yield Case(rate, exponential(length), fixed(60), fixed(lead), well_kept(60 * rate), slots, per_node)
    for rate, node in product((0.02, 0.2, 1.0), (240, 480)):
        for session in (exponential(600), exponential(1800), lognormal(1800, 1), fixed(1800)):
            for start in (fixed(60), lognormal(60, 0.5)):
                yield Case(rate, session, start, lognormal(node, 0.3), well_kept(60 * rate), 3)


def main() -> None:
    """Print every case, then the greatest differences and how many cases are within 5 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=4_000_000, help="simulated of each service")
    options = parser.parse_args()
    found: dict[str, list[Compared]] = defaultdict(list)
    for case in large_grid():
        compared = compare(case, options.players)
        print(case, " | ".join(map(str, compared)), flush=True)
        for each in compared:
            found[each.name].append(each)
    for name, its in found.items():
        within = sum(each.apart <= 0.05 for each in its)
        by_chance = sum(each.apart > 0.05 and each.far <= 3 for each in its)
        print(
            f"{name}: {within} of {len(its)} within 5 %, {by_chance} more within 3 standard errors, "
            f"the worst {100 * max(each.apart for each in its):.1f} %"
        )


if __name__ == "__main__":
    main()
