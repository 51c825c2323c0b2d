"""The reference server's read-only REST interface, for tools that poll it: an instance is its streamer.

Shapes are those of Epic's SignallingWebServer (``/api/status``, ``/api/streamers``, ``/api/players``); what is not
known is left out, as it leaves out what is undefined.
"""

from collections.abc import Sequence
from typing import Any, Final

from signalling.operations.definitions import Instance, InstanceState, Session, SessionState

VERSION: Final = "1.3.0"
"""Of the protocol that is spoken."""
_STREAMING: Final = frozenset({InstanceState.IDLE, InstanceState.SESSION, InstanceState.DRAINING})
_PLAYING: Final = frozenset({SessionState.RUNNING, SessionState.AWAY, SessionState.ENDING})


def status(instances: Sequence[Instance], sessions: Sequence[Session], uptime_seconds: float) -> dict[str, Any]:
    """``GET /api/status``; players are those who wait too, as in the reference."""
    return {
        "uptime": round(uptime_seconds * 1000),
        "streamer_count": len(instances),
        "player_count": len(sessions),
        "version": VERSION,
    }


def players(sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """``GET /api/players``: a session's owner each."""
    return [_player(session) for session in sessions]


def streamers(instances: Sequence[Instance], sessions: Sequence[Session], *, addresses: bool) -> list[dict[str, Any]]:
    """``GET /api/streamers``; ``addresses`` shows those of pods, which are nobody's business outside."""
    by_instance: dict[str, list[dict[str, Any]]] = {}
    for session in sessions:
        if session.instance is not None and session.state in _PLAYING:
            by_instance.setdefault(session.instance, []).append(_player(session))
    return [
        {
            "streamerId": instance.name,
            "type": "Streamer",
            "streaming": instance.state in _STREAMING,
            **({"remoteAddress": instance.address} if addresses and instance.address else {}),
            "subscribers": by_instance.get(instance.name, []),
        }
        for instance in instances
    ]


def _player(session: Session) -> dict[str, Any]:
    subscribed = {"subscribedTo": session.instance} if session.instance and session.state in _PLAYING else {}
    return {"playerId": session.id, "type": "Player", **subscribed}
