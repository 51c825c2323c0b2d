"""What is known of a stack's players: a file beside the stack file, written by `capacity learn` or by hand.

    timezone: Europe/Berlin             # of the hours below; UTC if it is left out
    node_seconds: 480                   # from ordering a node to its being ready: a number, or as below
    applications:
      showroom:
        arrivals_per_hour: 12           # or 168 numbers, from Monday 00:00 on
        start_seconds: {mean: 55, spread: 0.3}
        session_seconds: {quantiles: {0.5: 600, 0.9: 2100, 0.99: 5400}}

A duration is a number (always the same), a mean with a `spread` (its standard deviation divided by it), a mean that is
`memoryless: true`, or quantiles.
"""

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml

from capacity.durations import Duration, exponential, fixed, lognormal, through

HOURS: Final = 168
"""Of a week, from Monday 00:00 on."""


class DemandError(ValueError):
    """A file, or a flag, that says nothing usable of players; the text names key, value and remedy."""


@dataclass(frozen=True)
class Demand:
    """The players of one application."""

    arrivals_per_hour: tuple[float, ...]
    """One number, or one for each hour of the week."""
    start: Duration
    session: Duration

    def rate(self, hour: int) -> float:
        """Players a second in an hour of the week."""
        return self.arrivals_per_hour[hour % len(self.arrivals_per_hour)] / 3600


@dataclass(frozen=True)
class StackDemand:
    """The players of a stack, by application."""

    applications: Mapping[str, Demand]
    node: Duration
    """From ordering a node to its being ready for instances."""
    timezone: str = "UTC"

    def hour(self, moment: datetime) -> int:
        """The hour of the week at a moment."""
        local = moment.astimezone(ZoneInfo(self.timezone))
        return 24 * local.weekday() + local.hour


def read(path: Path) -> StackDemand:
    """Read a file.

    Raises:
        DemandError: for one that cannot be used.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise DemandError(f"{path}: {error}; see docs/capacity.md for what belongs into it") from error
    try:
        return of_mapping(content)
    except (KeyError, TypeError) as error:
        raise DemandError(f"{path}: {error} is missing or of the wrong form; see docs/capacity.md") from error
    except ValueError as error:
        raise DemandError(f"{path}: {error}") from error


def of_mapping(content: Mapping[str, Any]) -> StackDemand:
    """The same from what the file holds."""
    timezone = content.get("timezone", "UTC")
    zone_of("timezone", timezone)
    return StackDemand(
        applications={name: _demand(name, each) for name, each in content["applications"].items()},
        node=duration("node_seconds", content["node_seconds"]),
        timezone=timezone,
    )


def zone_of(key: str, timezone: str) -> ZoneInfo:
    """A time zone by its name."""
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:
        raise DemandError(f"{key} is {timezone!r}: no such zone; use a name such as Europe/Berlin") from error


def check_share(key: str, share: float) -> None:
    """A chance, or another part of all, that is neither nothing nor all."""
    if not 0 < share < 1:
        raise DemandError(f"{key} is {share}: use a chance between 0 and 1, such as 0.99")


def check_flags(options: argparse.Namespace, above_zero: str, from_zero: str = "") -> None:
    """Of the flags that are given, those named must be numbers above 0, or from 0 on.

    Raises:
        DemandError: for the first that is not.
    """
    for names, least, words in ((above_zero, math.ulp(0.0), "above 0"), (from_zero, 0.0, "from 0 on")):
        for name in names.split():
            value = getattr(options, name)
            if value is not None and not least <= value < math.inf:
                raise DemandError(f"--{name.replace('_', '-')} is {value}: use a number {words}")


def _demand(name: str, entry: Mapping[str, Any]) -> Demand:
    given = entry["arrivals_per_hour"]
    arrivals = tuple(map(float, given)) if isinstance(given, list) else (float(given),)
    if len(arrivals) not in (1, HOURS) or not all(0 <= each < math.inf for each in arrivals):
        raise DemandError(
            f"applications.{name}.arrivals_per_hour has {len(arrivals)} numbers, the least {min(arrivals)}: "
            f"use one number, or {HOURS}, none below 0"
        )
    session = duration(f"applications.{name}.session_seconds", entry["session_seconds"])
    if not session.mean:
        raise DemandError(
            f"applications.{name}.session_seconds is {entry['session_seconds']!r}: sessions take some time"
        )
    return Demand(arrivals, duration(f"applications.{name}.start_seconds", entry["start_seconds"]), session)


def duration(key: str, given: Any) -> Duration:  # noqa: ANN401 - what a YAML file holds
    """A duration as the file has it."""
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return fixed(float(given))
        if "quantiles" in given:
            return through({float(level): float(seconds) for level, seconds in given["quantiles"].items()})
        mean = float(given["mean"])
        return exponential(mean) if given.get("memoryless") else lognormal(mean, float(given["spread"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DemandError(
            f"{key} is {given!r}: no duration ({error}); use seconds, {{mean, spread}}, {{mean, memoryless: true}} or "
            "{quantiles: {0.5: ..., 0.99: ...}}"
        ) from error
