"""How much CPU games used, by session and by process: asked of Prometheus, which the CPU exporters told."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.learning.prometheus import Prometheus

STEP: Final = 60.0
"""Seconds between two looks at a session."""

BY_SESSION: Final = (
    'sum by (application, game_id, session_id, pod_cpu_request) (process_cpu_usage_percent{session_id!=""})'
)
BY_PROCESS: Final = (
    'sum by (application, game_id, process_name) (sum_over_time(process_cpu_usage_percent{session_id!=""}[%ds]))'
)

ROLES: Final[Mapping[str, str]] = {
    "encoder": r"(?i)(gst|ffmpeg|.*enc(od|$)).*",
    "system": r"python3?|pause|sh|bash|tini|catatonit",
}
"""Role of a process by a pattern for its whole name, the first that fits; what fits none is the game."""


@dataclass(frozen=True)
class Game:
    """What was seen of one game."""

    application: str
    name: str
    sessions: int
    hours: float
    """Of sessions, together."""
    cores: tuple[float, ...]
    """Used by a session's whole pod, at each look; rising."""
    request: float
    """Cores that its pod requested last."""
    shares: Mapping[str, float]
    """Of its CPU, by role of process."""

    @property
    def title(self) -> str:
        """What tells it from every other, also from a game of the same name in another application."""
        return self.application if self.name == self.application else f"{self.application}/{self.name}"

    def quantile(self, level: float) -> float:
        """Cores that a share `level` of all looks saw no more than."""
        return float(np.quantile(self.cores, level))


def games(prometheus: Prometheus, start: float, end: float, roles: Mapping[str, str] = ROLES) -> list[Game]:
    """Every game that was played in a time (seconds of the Unix epoch)."""
    cores: dict[tuple[str, str], list[float]] = defaultdict(list)
    sessions: dict[tuple[str, str], set[str]] = defaultdict(set)
    requests: dict[tuple[str, str], tuple[float, float]] = {}
    for each in prometheus.during(BY_SESSION, start, end, STEP):
        key = (each.labels.get("application", ""), each.labels["game_id"])
        # The look at which a session begins covers less than a whole one.
        cores[key] += [value / 100 for value in each.values[1:]]
        sessions[key].add(each.labels["session_id"])
        # The latest counts: it may have been changed meanwhile.
        latest = (each.times[-1], float(each.labels["pod_cpu_request"]))
        requests[key] = max(requests.get(key, latest), latest)
    shares = by_role(_processes(prometheus, start, end), roles)
    return [
        Game(
            *key,
            len(sessions[key]),
            len(seen) * STEP / 3600,
            tuple(sorted(seen)),
            requests[key][1],
            shares.get(key, {}),
        )
        for key, seen in sorted(cores.items())
        if seen
    ]


def _processes(prometheus: Prometheus, start: float, end: float) -> Iterator[tuple[tuple[str, str], str, float]]:
    for each in prometheus.at(BY_PROCESS % int(end - start), end):
        labels = each.labels
        yield (labels.get("application", ""), labels["game_id"]), labels["process_name"], each.values[0]


def by_role(
    used: Iterator[tuple[tuple[str, str], str, float]] | Sequence[tuple[tuple[str, str], str, float]],
    roles: Mapping[str, str],
) -> dict[tuple[str, str], dict[str, float]]:
    """The share of each role in each game's CPU, from what each of its processes used."""
    sums: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for game, process, amount in used:
        sums[game][role_of(process, roles)] += amount
    return {
        game: {role: amount / total for role, amount in its.items()}
        for game, its in sums.items()
        if (total := sum(its.values())) > 0
    }


def role_of(process: str, roles: Mapping[str, str]) -> str:
    """What a process is there for."""
    return next((role for role, pattern in roles.items() if re.fullmatch(pattern, process)), "game")
