"""`capacity classify`: tables of games, classes and nodes, and requests as a diff of the stack file."""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from capacity import proposal, shapes, stack_file
from capacity.classification.classes import Class, Need, classify
from capacity.classification.use import ROLES, Game, games
from capacity.learning.prometheus import Prometheus
from capacity.shapes import Fit, fit
from capacity.stack_file import Application, Stack

HELP: Final = "Sort games into classes by the CPU that they use, and propose requests as a diff"
DAY: Final = 86400.0
LEAST_HOURS: Final = 0.5
"""Of sessions: a game that was played less is left out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument("--stack", required=True, help="a stack, by name or file")
    parser.add_argument("--stacks-folder", type=Path, default=stack_file.STACKS, help=argparse.SUPPRESS)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="address of Prometheus")
    parser.add_argument("--days", type=float, default=7.0, help="that are looked at (7)")
    parser.add_argument("--until", type=float, help="seconds of the Unix epoch; now, unless it is given")
    parser.add_argument(
        "--quantile", type=float, default=0.95, help="share of the time that a request is enough (0.95)"
    )
    parser.add_argument("--headroom", type=float, default=0.1, help="share of its need that a class has more (0.1)")
    parser.add_argument("--classes", type=int, default=3, help="at most (3)")
    parser.add_argument("--encoder", default=ROLES["encoder"], help="pattern for the names of encoders' processes")
    parser.add_argument("--json", action="store_true", help="numbers for programs, in place of tables and diff")


def run(options: argparse.Namespace) -> None:
    """Print what was found, then the diff."""
    stack = stack_file.read(options.stack, options.stacks_folder)
    end = options.until or time.time()
    with Prometheus(options.prometheus) as prometheus:
        seen = games(prometheus, end - options.days * DAY, end, {**ROLES, "encoder": options.encoder})
    played = [game for game in seen if game.hours >= LEAST_HOURS]
    if not played:
        raise ValueError("no game was played for half an hour: is this the Prometheus of the stack's cluster?")
    needs = [Need(game.title, game.quantile(options.quantile), game.hours) for game in played]
    found = classify(needs, options.classes, options.headroom)
    if options.json:
        numbers = {
            "games": [_numbers(game, options.quantile) for game in played],
            "classes": [asdict(c) for c in found],
        }
        print(json.dumps(numbers, indent=2))
        return
    # The diff goes to the standard output, for `patch`; what is for eyes goes beside it.
    console = Console(stderr=True)
    for table in (_games(played, options.quantile), _classes(found), _nodes(found, stack)):
        console.print(table)
    print(diff(stack, played, found), end="")


def diff(stack: Stack, played: Sequence[Game], found: Sequence[Class]) -> str:
    """Requests as they would stand in the stack file.

    An application whose games are of one class gets that class's request. One whose games are of several becomes an
    application for each class, so that each has a fleet and buffers of its own; its page chooses by `?app=`.
    """
    class_of = {game: each for each in found for game in each.games}
    requests: dict[str, dict[str, str]] = {}
    for application in stack.applications:
        its = [game for game in played if game.application == application.name]
        if its:
            classes = {class_of[game.title] for game in its}
            requests[application.name] = {
                each.name.lower() if len(classes) > 1 else "": cpu_of(each) for each in found if each in classes
            }
    return proposal.of_fleets(stack.path, requests)


def cpu_of(its: Class) -> str:
    """The `cpu` of an application's container, in thousandths of a core.

    What stands beside it is not told from what pods were seen to request: that may have been before the last change.
    """
    return f"{max(round(1000 * its.cores) - shapes.COMPANIONS_MILLICORES, 50)}m"


def fits(found: Sequence[Class], application: Application, slots_per_gpu: int | None) -> dict[str, dict[str, Fit]]:
    """How many instances of each class each shape holds, by class and shape; of the application's other sizes."""
    sizes = {each.name: replace(application.size, millicores=round(1000 * each.cores)) for each in found}
    return {
        name: {its: fit(shape, size, slots_per_gpu) for its, shape in shapes.SHAPES.items()}
        for name, size in sizes.items()
    }


def _numbers(game: Game, level: float) -> Mapping[str, object]:
    return {
        "application": game.application,
        "game": game.name,
        "sessions": game.sessions,
        "hours": game.hours,
        "cores": {"0.5": game.quantile(0.5), str(level): game.quantile(level), "1": game.cores[-1]},
        "request": game.request,
        "shares": dict(game.shares),
    }


def _games(played: Sequence[Game], level: float) -> Table:
    table = Table(title="Games: cores of a session, against what its pod requests")
    columns = (
        "application",
        "game",
        "hours",
        "half",
        f"{100 * level:g} %",
        "most",
        "request",
        "used",
        "game",
        "encoder",
    )
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < 2 else "right")
    for game in played:
        at = game.quantile(level)
        table.add_row(
            game.application,
            game.name,
            f"{game.hours:.1f}",
            f"{game.quantile(0.5):.2f}",
            f"{at:.2f}",
            f"{game.cores[-1]:.2f}",
            f"{game.request:.2f}",
            f"{100 * at / game.request:.0f} %",
            f"{100 * game.shares.get('game', 0.0):.0f} %",
            f"{100 * game.shares.get('encoder', 0.0):.0f} %",
        )
    return table


def _classes(found: Sequence[Class]) -> Table:
    table = Table(title="Classes: one fleet each")
    for column in ("class", "cores", "unused", "games"):
        table.add_column(column, justify="right" if column in ("cores", "unused") else "left")
    for each in found:
        table.add_row(each.name, f"{each.cores:.2f}", f"{100 * each.unused:.0f} %", ", ".join(each.games))
    return table


def _nodes(found: Sequence[Class], stack: Stack) -> Table:
    # The largest picture, and the most memory: no other application has fewer instances on a node.
    largest = max(stack.applications, key=lambda each: (each.pixels_per_second, each.gpu_mebibytes))
    table = Table(title=f"Instances of one node, of the size of {largest.name}, and what runs out first")
    table.add_column("shape")
    for each in found:
        table.add_column(each.name)
    by_class = fits(found, largest, stack.slots_per_gpu)
    for shape in shapes.SHAPES:
        marked = f"{shape} (this stack's)" if shape == stack.shape else shape
        table.add_row(
            marked, *(f"{by_class[c.name][shape].instances} ({by_class[c.name][shape].bound})" for c in found)
        )
    return table
