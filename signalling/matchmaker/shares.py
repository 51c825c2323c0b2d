"""What the fleets say about their weights, followed, and reported where somebody has to do something."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, TypeAlias

from lightkube.resources.apps_v1 import Deployment

from signalling.kubernetes.api import Changed, Event, Listed
from signalling.kubernetes.fleets import DEFAULT_WEIGHT, WEIGHT_ANNOTATION, Fleet, fleet_of
from signalling.matchmaker.matching import Share

LOG: Final = logging.getLogger("matchmaker.shares")

Shares: TypeAlias = Mapping[str, tuple[Share, ...]]
"""By application."""


def fleets_after(known: Mapping[str, Fleet], event: Event[Deployment]) -> dict[str, Fleet]:
    """The fleets by name, once an event has happened."""
    if isinstance(event, Listed):
        return {fleet.name: fleet for item in event.items if (fleet := fleet_of(item))}
    meta = event.item.metadata
    others = {name: fleet for name, fleet in known.items() if meta is None or name != meta.name}
    fleet = fleet_of(event.item) if isinstance(event, Changed) else None
    return {**others, fleet.name: fleet} if fleet else others


def shares_of(fleets: Iterable[Fleet], applications: Iterable[str]) -> Shares:
    """The versions of each application with their weights; empty for one without a fleet.

    Of two fleets of one version, as a renamed one leaves for a moment, the heavier counts: the version's share does not
    double. A drained fleet weighs nothing, and neither does any of a paused application.
    """
    known = list(fleets)
    paused = paused_of(known)
    weights: dict[str, dict[str, int]] = {application: {} for application in applications}
    for fleet in known:
        if fleet.application in weights:
            versions = weights[fleet.application]
            weight = 0 if fleet.drained or fleet.application in paused else fleet.weight
            versions[fleet.version] = max(weight, versions.get(fleet.version, 0))
    return {name: tuple(Share(*share) for share in sorted(versions.items())) for name, versions in weights.items()}


def paused_of(fleets: Iterable[Fleet]) -> frozenset[str]:
    """The applications that let nobody new in. One of whose fleets says so is: a version that is added meanwhile does
    not open it again."""
    return frozenset(fleet.application for fleet in fleets if fleet.paused)


def obstacle(shares: Collection[Share], *, paused: bool = False) -> str | None:
    """Why an application's players wait whatever instances there are; None when they do not."""
    if paused:
        return "it is paused"
    if not shares:
        return "it has no fleet"
    return None if any(share.weight for share in shares) else f"no fleet of it has {WEIGHT_ANNOTATION} above 0"


class FleetWatch:
    """What is known of the fleets; ``apply`` is called with every change of the shares."""

    def __init__(self, applications: Iterable[str], apply: Callable[[Shares], None]) -> None:
        self._applications: Final = tuple(applications)
        self._apply: Final = apply
        self._fleets: dict[str, Fleet] = {}
        self._obstacles: dict[str, str | None] = dict.fromkeys(self._applications)
        self.shares: Shares = shares_of((), self._applications)
        self._paused: frozenset[str] = frozenset()

    @property
    def fleets(self) -> Iterable[Fleet]:
        """All of them."""
        return self._fleets.values()

    def paused(self, application: str) -> bool:
        """Whether an application lets nobody new in."""
        return application in self._paused

    def observe(self, event: Event[Deployment]) -> None:
        """The watch of the fleets says something."""
        before, self._fleets = self._fleets, fleets_after(self._fleets, event)
        shares = shares_of(self._fleets.values(), self._applications)
        self._paused = paused_of(self._fleets.values())
        self._report_fleets(before)
        self._report_obstacles(shares)
        if shares != self.shares:
            self.shares = shares
            self._apply(shares)

    def _report_fleets(self, before: Mapping[str, Fleet]) -> None:
        """Say what is new. Every claim changes a Deployment's status: what was said before is not said again."""
        for fleet in self._fleets.values():
            if before.get(fleet.name) == fleet:
                continue
            said = {"fleet": fleet.name, "application": fleet.application, "version": fleet.version}
            LOG.info("fleet", extra={**said, "weight": fleet.weight})
            if not fleet.stated_well:
                stated = f"{WEIGHT_ANNOTATION}: {fleet.stated!r:.100}"
                remedy = f"counts as {DEFAULT_WEIGHT}; annotate the Deployment with a whole number from 0 to 999999"
                LOG.warning("unusable weight", extra={**said, "stated": stated, "remedy": remedy})
        for name in before.keys() - self._fleets.keys():
            LOG.info("fleet gone", extra={"fleet": name, "application": before[name].application})

    def _report_obstacles(self, shares: Shares) -> None:
        for application, its in shares.items():
            why = obstacle(its, paused=application in self._paused)
            if why not in (None, self._obstacles[application]):
                LOG.warning("nobody is matched", extra={"application": application, "why": why})
            self._obstacles[application] = why
