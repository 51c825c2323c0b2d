"""How far the planner is from the simulator, over a large grid of services.

``make bench NAME=planner_agreement``, a quarter of an hour. Each line is a service, with chance of waiting, mean wait
and nodes, as planned and as simulated. A service is simulated until the standard error of its mean wait is small, or
for the most players: of 3600 an hour it is some 2.5 % even then. The tests run every second of these services or so,
for fewer players.
"""

import argparse
from collections import defaultdict

from tests.unit.capacity.agreement import Compared, compare, large_grid


def main() -> None:
    """Print every case, then the greatest differences and how many cases are within 5 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=2_000_000, help="simulated of each service at a time")
    parser.add_argument("--precision", type=float, default=0.015, help="standard error of the mean wait that is enough")
    parser.add_argument("--most", type=int, default=15, help="times that so many players are simulated")
    options = parser.parse_args()
    found: dict[str, list[Compared]] = defaultdict(list)
    for case in large_grid():
        compared = compare(case, options.players, options.precision, options.most)
        print(case, " | ".join(map(str, compared)), flush=True)
        for each in compared:
            found[each.name].append(each)
    for name, its in found.items():
        within = sum(each.apart <= 0.05 for each in its)
        by_chance = sum(each.apart > 0.05 >= each.surely_apart for each in its)
        print(
            f"{name}: {within} of {len(its)} within 5 %, {by_chance} more within 3 standard errors of that, "
            f"the worst {100 * max(each.apart for each in its):.1f} %"
        )


if __name__ == "__main__":
    main()
