"""Instances in a session that no matchmaker relays any more: when they may be deleted, as a pure function."""

from collections.abc import Mapping


def stranded(
    empty_since: Mapping[str, float], players: Mapping[str, int | None], now: float, patience: float
) -> tuple[dict[str, float], list[str]]:
    """The instances to delete, and what to remember until the next round.

    ``empty_since`` is what the last round returned; ``players`` the number of players each instance has, None when it
    does not answer; ``now`` and ``patience`` seconds. An instance another matchmaker has just claimed has no player for
    a moment, and one whose network hiccups does not answer for one: only a long silence counts.
    """
    since = {name: empty_since.get(name, now) for name, count in players.items() if not count}
    lost = [name for name, start in since.items() if now - start >= patience]
    return since, lost
