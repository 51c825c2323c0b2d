"""Recorded players, as CSV: `arrival` (seconds, or a time such as 2026-03-02T18:04:11Z), `session_seconds`, and where
there are several applications or priorities `application` and `priority`."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from capacity.simulation.draws import NEVER, Players


class TraceError(ValueError):
    """A recording that cannot be played; the text names file, line, value and remedy."""


@dataclass(frozen=True)
class Recording:
    """Players as they came."""

    players: Players
    """From the first arrival on."""
    begin: datetime | None
    """The first arrival; None where only seconds are told."""


def read(path: Path, applications: Sequence[str]) -> Recording:
    """A recording; `applications` are those of the scenario, in its order.

    Raises:
        TraceError: for a line that cannot be used.
    """
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror}") from error
    if not rows or not {"arrival", "session_seconds"} <= rows[0].keys():
        raise TraceError(f"{path} needs a line of names with arrival and session_seconds, and a line for each player")
    numbers = {name: number for number, name in enumerate(applications)}
    arrival, session, application, priority = [], [], [], []
    for line, row in enumerate(rows, 2):
        try:
            arrival.append(_seconds(row["arrival"]))
            session.append(float(row["session_seconds"]))
            application.append(numbers[row.get("application") or applications[0]])
            priority.append(int(row.get("priority") or 0))
        except (ValueError, TypeError) as error:
            raise TraceError(
                f"{path}, line {line}: {error}; arrival is seconds or a time, the others are numbers"
            ) from None
        except KeyError as error:
            known = ", ".join(applications)
            raise TraceError(f"{path}, line {line}: no application {error}; known: {known}") from None
    if min(session) < 0:
        raise TraceError(f"{path}: a session of {min(session)} seconds; use 0 or more")
    order = np.argsort(arrival, kind="stable")
    times = np.array(arrival, dtype=np.float64)[order]
    players = Players(
        arrival=times - times[0],
        application=np.array(application, dtype=np.int64)[order],
        session=np.array(session, dtype=np.float64)[order],
        patience=np.full(len(times), NEVER),
        priority=np.array(priority, dtype=np.int64)[order],
    )
    told = not _is_number(rows[order[0]]["arrival"])
    return Recording(players, datetime.fromtimestamp(times[0], UTC) if told else None)


def _seconds(text: str) -> float:
    return float(text) if _is_number(text) else datetime.fromisoformat(text).timestamp()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
