"""A simulation as one HTML file: figures in a table, plots within it, nothing to fetch."""

import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from capacity.simulation.result import BUSY, PENDING, STARTING, WAITING, WARM, Result
from capacity.simulation.world import GAVE_UP

_HOUR = 3600.0
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; } figure { margin: 2rem 0; } svg { max-width: 100%; height: auto; }
"""


@dataclass(frozen=True)
class Priced:
    """What was simulated with one size of the buffers, and what it costs."""

    warm: int
    """Instances and free slots together."""
    chance_of_waiting: float
    gpu_hours: float
    """A day."""
    money: float
    """A day."""


@dataclass(frozen=True)
class Figures:
    """The numbers of one application."""

    application: str
    players: int
    chance_of_waiting: float
    mean_wait: float
    wait_95: float
    """Seconds that one player in twenty waits longer than."""
    wait_99: float
    gave_up: int


def figures(result: Result) -> list[Figures]:
    """The numbers of each application; seconds."""
    found = []
    for number, its in enumerate(result.scenario.applications):
        waits = result.waits(number)
        chosen = result.counted & (result.players.application == number)
        found.append(
            Figures(
                application=its.name,
                players=len(waits),
                chance_of_waiting=result.chance_of_waiting(number),
                mean_wait=result.mean_wait(number),
                wait_95=float(np.quantile(waits, 0.95)) if len(waits) else 0.0,
                wait_99=float(np.quantile(waits, 0.99)) if len(waits) else 0.0,
                gave_up=int((result.outcome[chosen] == GAVE_UP).sum()),
            )
        )
    return found


def page(title: str, result: Result, priced: Sequence[Priced], currency: str) -> str:
    """The whole report."""
    plots = [waiting(result), distribution(result), utilisation(result)]
    if priced:
        plots.append(cost(priced, currency))
    its = result.scenario
    facts = (
        f"{its.seconds / _HOUR:.0f} hours, of which the first {its.settling / _HOUR:.1f} only settle; "
        f"{len(result.players)} players, {result.events} events, {result.interrupted} sessions cut off, "
        f"{result.mean_nodes:.1f} nodes on average, {result.node_hours:.0f} node hours."
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style>\n<h1>{html.escape(title)}</h1>\n<p>{facts}</p>\n{_table(figures(result))}\n"
        + "\n".join(f"<figure>{_svg(plot)}</figure>" for plot in plots)
        + "\n</html>\n"
    )


def waiting(result: Result) -> Figure:
    """Who waits when."""
    figure, axes = _axes("Players waiting", "hours", "players")
    for number, its in enumerate(result.scenario.applications):
        axes.plot(result.times / _HOUR, result.by_application[:, number, WAITING], label=its.name, linewidth=1)
    axes.legend()
    return figure


def distribution(result: Result) -> Figure:
    """How long one waits, at worst."""
    figure, axes = _axes("Share of players who wait longer", "seconds", "share")
    for number, its in enumerate(result.scenario.applications):
        waits = np.sort(result.waits(number))
        if len(waits):
            axes.step(waits, 1 - np.arange(1, len(waits) + 1) / (len(waits) + 1), where="post", label=its.name)
    axes.set_yscale("log")
    axes.legend()
    return figure


def utilisation(result: Result) -> Figure:
    """What the slots are used for."""
    figure, axes = _axes("Slots", "hours", "slots")
    slots = result.scenario.pool.slots
    sums = result.by_application.sum(axis=1)
    kinds = (("in session", BUSY), ("warm", WARM), ("starting", STARTING))
    axes.stackplot(result.times / _HOUR, [sums[:, column] for _, column in kinds], labels=[name for name, _ in kinds])
    lines = (
        ("on nodes that are up", slots * result.by_nodes[:, 0], "black", "-"),
        ("ordered", slots * result.by_nodes.sum(axis=1), "black", ":"),
        ("lacking", sums[:, PENDING], "red", "-"),
    )
    for label, values, color, style in lines:
        axes.plot(result.times / _HOUR, values, color=color, linestyle=style, linewidth=1, label=label)
    axes.legend(loc="upper left")
    return figure


def cost(priced: Sequence[Priced], currency: str) -> Figure:
    """What less waiting costs."""
    figure, axes = _axes("Cost against buffer", "warm instances and free slots", f"{currency} a day")
    warm = [each.warm for each in priced]
    (line,) = axes.plot(warm, [each.money for each in priced], marker="o", color="black", label=f"{currency} a day")
    other = axes.twinx()
    other.set_ylabel("share of players who wait")
    (second,) = other.plot(warm, [each.chance_of_waiting for each in priced], marker="o", color="red", label="who wait")
    axes.legend(handles=[line, second], loc="upper center")
    return figure


def _axes(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    # Without pyplot, which keeps figures and wants a screen.
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=across, ylabel=up)
    return figure, axes


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    # The same report for the same run: no date, and names that do not change.
    with mpl.rc_context({"svg.hashsalt": "capacity"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _table(rows: Iterable[Figures]) -> str:
    names = ("application", "players", "who wait", "mean wait", "1 in 20 waits", "1 in 100 waits", "gave up")
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(each))}</tr>" for each in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cells(each: Figures) -> tuple[str, ...]:
    return (
        html.escape(each.application),
        str(each.players),
        f"{100 * each.chance_of_waiting:.2f} %",
        f"{each.mean_wait:.1f} s",
        f"{each.wait_95:.0f} s",
        f"{each.wait_99:.0f} s",
        str(each.gave_up),
    )
