"""Whether a version does worse than the others: a comparison that may be repeated as sessions come in.

Versions are compared over the same time. What is counted begins anew whenever the application's versions, their weights
or their templates change, so that last month's calm is not held against today's canary.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from capacity.controller.cluster import Fleet, Tally
from capacity.controller.settings import RollbackRule


class Trial(msgspec.Struct, frozen=True):
    """The versions of one application, side by side."""

    setup: str = ""
    """What is compared: another one begins a trial anew."""
    tallies: Mapping[str, Tally] = {}
    """By version."""
    looks: Mapping[str, int] = {}
    """How often each version was looked at: each look spends a part of the risk."""
    worse: Mapping[str, str] = {}
    """Versions that were found to be so, each with the reason."""


def setup_of(fleets: Iterable[Fleet]) -> str:
    """What the versions of an application are, in one text."""
    return " ".join(f"{each.version}:{each.share}:{each.revision}" for each in sorted(fleets, key=lambda f: f.name))


def went_on(trial: Trial, fleets: Iterable[Fleet], ended: Mapping[str, Tally]) -> Trial:
    """The trial with sessions that have ended since, by version."""
    setup = setup_of(fleets)
    if setup != trial.setup:
        trial = Trial(setup)
    if not ended:
        return trial
    versions = trial.tallies.keys() | ended.keys()
    sums = {each: trial.tallies.get(each, Tally()).plus(ended.get(each, Tally())) for each in sorted(versions)}
    return msgspec.structs.replace(trial, tallies=sums)


def judged(trial: Trial, fleets: Iterable[Fleet], rule: RollbackRule) -> Trial:
    """The trial with what was found about its versions: never that the last one that gets sessions is worse.

    A version is looked at when its sessions, and those of the others, have doubled since the last look.
    """
    open_ = [fleet.version for fleet in fleets if fleet.share > 0]
    looks, worse = dict(trial.looks), dict(trial.worse)
    for version in open_:
        own = trial.tallies.get(version, Tally())
        others = _sum(trial.tallies.get(each, Tally()) for each in open_ if each != version)
        look = looks.get(version, 0)
        if min(own.ended, others.ended) < rule.sessions * 2**look:
            continue
        looks[version] = look + 1
        why = _worse(own, others, rule, look)
        if why is not None and len(worse) + 1 < len(open_):
            worse[version] = why
    return msgspec.structs.replace(trial, looks=looks, worse=worse)


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for each in tallies:
        total = total.plus(each)
    return total


_QUESTIONS: Final = 2
"""Failed sessions, and bad ones."""


def _worse(own: Tally, others: Tally, rule: RollbackRule, look: int) -> str | None:
    # The risks of all looks add up to less than the rule's: half of it at the first, then half of what is left.
    risk = rule.risk / _QUESTIONS / 2 ** (look + 1)
    for what, mine, theirs in (("failed", own.failed, others.failed), ("bad", own.bad, others.bad)):
        if exceeds(Part(mine, own.ended), Part(theirs, others.ended), rule.margin, risk):
            return f"{mine} of {own.ended} sessions {what}, of the other versions' {theirs} of {others.ended}"
    return None


class Part(NamedTuple):
    """So many of so many."""

    number: int
    of: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.number / self.of


def exceeds(mine: Part, theirs: Part, margin: float, risk: float) -> bool:
    """Whether one share is larger than another by more than a margin, but for a risk of being wrong.

    By the lower bound of the difference that follows from a bound of each share (G. Zou and A. Donner, "Construction of
    confidence limits about effect measures", Statistics in Medicine 27, 2008), with exact bounds (C. Clopper and
    E. Pearson, Biometrika 26, 1934): approximate ones promise too much for twenty sessions.
    """
    difference = mine.share - theirs.share
    if difference <= margin:
        return False
    return difference - math.hypot(mine.share - least(mine, risk), theirs.share - most(theirs, risk)) > margin


def least(part: Part, risk: float) -> float:
    """The smallest share that so many, or more, are no great surprise of: their chance is the risk."""
    return _bisected(lambda share: _at_least(part, share) < risk) if part.number else 0.0


def most(part: Part, risk: float) -> float:
    """The largest share that so few, or less, are no great surprise of."""
    return 1 - least(Part(part.of - part.number, part.of), risk)


def _at_least(part: Part, share: float) -> float:
    """The chance of so many or more, each with the chance ``share``."""
    count, of = part.number, part.of
    if not 0 < share < 1:
        return float(share >= 1)
    odds = math.log(share) - math.log1p(-share)
    term = math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)
    term += count * math.log(share) + (of - count) * math.log1p(-share)
    total = 0.0
    for each in range(count, of + 1):
        chance = math.exp(term)
        total += chance
        if each >= of * share and chance <= total * 1e-12:
            break
        term += math.log((of - each) / (each + 1)) + odds if each < of else 0.0
    return min(total, 1.0)


def _bisected(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return low
