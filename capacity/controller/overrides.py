"""What goes before the stack's own weights and buffers: set by a rollback or an operator, lifted by a deployment."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec

from capacity.controller import names
from capacity.controller.actions import Action, Annotate, Kind, Notice
from capacity.controller.cluster import Fleet, Rollback
from capacity.controller.settings import Application


def rolled_back(fleets: Iterable[Fleet], worse: Mapping[str, str], now: datetime) -> Iterator[Action | Notice]:
    """Versions that do worse get no more sessions; those they have go on."""
    for fleet in fleets:
        why = worse.get(fleet.version)
        if why is None or fleet.share == 0:
            continue
        at = now.astimezone(UTC).isoformat(timespec="seconds")
        record = msgspec.json.encode(Rollback(fleet.stated, fleet.revision, at, why)).decode()
        yield Annotate(Kind.FLEET, fleet.name, {names.WEIGHT_OVERRIDE: "0", names.ROLLED_BACK: record}, fleet.seen)
        yield Notice("VersionRolledBack", f"version {fleet.version}: {why}", fleet.name, warning=True)


def lifted(
    fleets: Iterable[Fleet], applications: Iterable[Application], known: Mapping[str, str]
) -> Iterator[Action | Notice]:
    """What no longer holds.

    A rollback is lifted by another weight or template of the fleet, or by whoever takes its override away; a buffer of
    an operator's by other settings of the application.
    """
    changed = {each.name for each in applications if _changed(each, known)}
    for fleet in fleets:
        gone: dict[str, str | None] = {}
        if fleet.rollback is not None and not _stands(fleet, fleet.rollback):
            gone = {names.WEIGHT_OVERRIDE: None, names.ROLLED_BACK: None}
            yield Notice("RollbackLifted", f"version {fleet.version} gets sessions again", fleet.name)
        if fleet.buffer_override is not None and fleet.application in changed:
            gone[names.BUFFER_OVERRIDE] = None
        if gone:
            yield Annotate(Kind.FLEET, fleet.name, gone, fleet.seen)


def _stands(fleet: Fleet, rollback: Rollback) -> bool:
    same = (fleet.stated, fleet.revision) == (rollback.weight, rollback.revision)
    return same and fleet.weight_override is not None


def known_settings(
    fleets: Iterable[Fleet], applications: Iterable[Application], known: Mapping[str, str]
) -> dict[str, str]:
    """The fingerprints to remember: the former one while a buffer still stands that other settings lift.

    To lift it may be refused, since a deployment changes the fleet at the same time: then it is tried again.
    """
    overridden = {fleet.application for fleet in fleets if fleet.buffer_override is not None}
    return {
        each.name: known[each.name] if each.name in overridden and _changed(each, known) else fingerprint(each)
        for each in applications
    }


def _changed(application: Application, known: Mapping[str, str]) -> bool:
    now = fingerprint(application)
    return known.get(application.name, now) != now


def fingerprint(application: Application) -> str:
    """What an application's settings are, in one text."""
    return msgspec.json.encode(application).decode()
