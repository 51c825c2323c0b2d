"""What a controller remembers beyond its own life: one JSON text in a ConfigMap, which whoever leads carries on."""

from collections.abc import Mapping
from typing import Final

import msgspec

from capacity.controller.budget import Ledger
from capacity.controller.cluster import Tally
from capacity.controller.rollback import Trial


class Memory(msgspec.Struct, frozen=True):
    """All of it. Everything else can be seen in the cluster."""

    ledger: Ledger = Ledger()
    trials: Mapping[str, Trial] = {}
    """By application."""
    ended: Mapping[str, Mapping[str, Tally]] = {}
    """What each matchmaker had counted when the trials were: the sessions since are not lost with a controller."""
    settings: Mapping[str, str] = {}
    """A fingerprint of each application's settings: other ones lift what an operator has put before them."""


def written(memory: Memory) -> str:
    """The text."""
    return msgspec.json.encode(memory).decode()


def read(text: str) -> Memory:
    """The memory in a text; an empty or spoilt one is none, since the cluster has to go on."""
    try:
        return msgspec.json.decode(text, type=Memory)
    except msgspec.DecodeError:
        return Memory()


def newly_ended(
    before: Mapping[str, Mapping[str, Tally]], now: Mapping[str, Mapping[str, Tally]]
) -> dict[str, dict[str, Tally]]:
    """The sessions that ended since, by application and version.

    A matchmaker that was not there before has counted since its own start, which is what is wanted of it.
    """
    found: dict[str, dict[str, Tally]] = {}
    for process, counts in now.items():
        known = before.get(process, {})
        for key, tally in counts.items():
            new = tally.since(known.get(key, Tally()))
            if new.ended > 0:
                application, _, version = key.partition("/")
                versions = found.setdefault(application, {})
                versions[version] = versions.get(version, Tally()).plus(new)
    return found


_REMEMBERED: Final = 32
"""Matchmakers that do not answer, whose counts are kept all the same: one that is heard of again is no new one."""


def kept(
    before: Mapping[str, Mapping[str, Tally]], now: Mapping[str, Mapping[str, Tally]]
) -> dict[str, Mapping[str, Tally]]:
    """The counts to remember: of all that answer, however many, for they would be counted again; and of the others."""
    others = [(process, counts) for process, counts in before.items() if process not in now]
    return dict([*others[-_REMEMBERED:], *now.items()])
