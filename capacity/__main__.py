"""``python -m capacity``: plan, simulate, learn, classify. Runs on a machine of one's own, never in the cluster."""

import argparse
import importlib
import sys
from collections.abc import Mapping
from typing import Final

COMMANDS: Final[Mapping[str, str]] = {
    "plan": "capacity.planning.command",
    "simulate": "capacity.simulation.command",
    "learn": "capacity.learning.command",
    "classify": "capacity.classification.command",
}
"""Each module has `HELP`, `add_arguments` and `run`; only the one that is asked for is imported whole."""


def main() -> None:
    """Run one command; what somebody wrote wrongly ends with a sentence and no traceback."""
    parser = argparse.ArgumentParser(prog="python -m capacity", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    wanted = next((each for each in sys.argv[1:] if each in COMMANDS), None)
    for name, module in COMMANDS.items():
        if wanted not in (None, name):
            continue
        command = importlib.import_module(module)
        its = commands.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(its)
        its.set_defaults(run=command.run)
    options = parser.parse_args()
    try:
        options.run(options)
    except ValueError as error:
        sys.exit(f"{parser.prog}: {error}")


if __name__ == "__main__":
    main()
