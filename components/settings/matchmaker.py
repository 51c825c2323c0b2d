"""The matchmaker: how many of it there are."""

from dataclasses import dataclass

from components.settings.reading import Reader, Refusals
from components.settings.redis import RedisMode, RedisSettings


@dataclass(frozen=True)
class MatchmakerSettings:
    """The `matchmaker` key of a stack file."""

    replicas: int
    """Side by side; several share queue and leases in Redis."""


def read_matchmaker(reader: Reader, redis: RedisSettings) -> MatchmakerSettings:
    """Read the `matchmaker` key; without it there are two where they can share Redis, else one."""
    settings = MatchmakerSettings(replicas=reader.whole("replicas", 1, 50, 1 if redis.mode is RedisMode.NONE else 2))
    reader.close()
    return settings


def check_matchmaker(matchmaker: MatchmakerSettings, redis: RedisSettings, refusals: Refusals) -> None:
    """Refuse several matchmakers without anything to share."""
    if matchmaker.replicas > 1 and redis.mode is RedisMode.NONE:
        refusals.add(
            "pixel:matchmaker.replicas",
            matchmaker.replicas,
            "more than one, and each would have a queue of its own",
            "Set redis.mode to in-cluster or managed, or use 1",
        )
