"""What changed between two decisions that somebody should hear of. Pure."""

from collections.abc import Iterator
from typing import Final

from capacity.controller.actions import Notice
from capacity.controller.allotment import Cap
from capacity.controller.budget import Restraint
from capacity.controller.figures import Figures, FleetFigures

_CAPS: Final = {
    Cap.APPLICATION: "the application's buffer.maximum",
    Cap.POOL: "what pools.gpu.max leaves room for",
    Cap.BUDGET: "the day's GPU hours",
}
_RESTRAINTS: Final = {
    Restraint.NONE: Notice("BudgetRestored", "a new day: instances and nodes are kept ready again"),
    Restraint.SOFT: Notice("BudgetSoftLimit", "the day's GPU hours: nothing is kept ready any more", warning=True),
    Restraint.HARD: Notice("BudgetHardLimit", "the day's GPU hours: no instance is started any more", warning=True),
}


def noticed(before: Figures, now: Figures) -> Iterator[Notice]:
    """What is new: a cap that cuts something off, a budget that is used up, schedules that begin or end."""
    if now.restraint is not before.restraint:
        yield _RESTRAINTS[now.restraint]
    known = {fleet.name: fleet for fleet in before.fleets}
    for fleet in now.fleets:
        yield from _cut(known.get(fleet.name), fleet)
    for pool, figures in now.pools.items():
        was = before.pools.get(pool)
        if figures.cut and not (was and was.cut) and now.restraint is Restraint.NONE:
            text = f"{figures.cut} more are wanted ready of the {pool} pool than it may have"
            yield Notice("PoolCapReached", text, about=pool, warning=True)
    for application, names in now.schedules.items():
        if names != before.schedules.get(application, ()):
            text = f"{application}: {', '.join(names) or 'no schedule is in force any more'}"
            yield Notice("ScheduleChanged", text, about=application)


def _cut(before: FleetFigures | None, now: FleetFigures) -> Iterator[Notice]:
    for cap, number in now.cut.items():
        if cap is not Cap.BUDGET and not (before and cap in before.cut):
            text = f"{number} more instances of version {now.version} are wanted than {_CAPS[cap]}"
            yield Notice("CapReached", text, now.name, cap.value, warning=True)
