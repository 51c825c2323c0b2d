"""How long an application's sessions last, who shares them, and what their players may ask the application itself."""

from dataclasses import dataclass
from enum import StrEnum

from components.settings.reading import Reader, Refusals


class Sharing(StrEnum):
    """Who has an instance."""

    EXCLUSIVE = "exclusive"
    """One session at a time; others take part as spectators."""
    SHARED = "shared"
    """Every player is a session of its own on an instance that several have at once."""


@dataclass(frozen=True)
class SessionSettings:
    """The keys `sessions` and `session` of an application. 0 is no limit."""

    sharing: Sharing
    """The key `sessions`: who has an instance."""
    max_minutes: int
    """How long a session may last; 0 for no limit."""
    idle_minutes: int
    """Without input; the player page reports it, a stock player is measured by its connection alone."""
    grace_seconds: int
    """How long a player that is lost may come back to where it was."""
    warning_seconds: int
    """How long before an end by a limit the player page says so."""
    drain_minutes: int
    """How long sessions may go on when their pod is to go."""
    players: int
    """Players of one instance at once, spectators included."""
    reuse: bool
    """Whether an instance serves session after session, instead of ending with its first."""

    @property
    def drain_seconds(self) -> int:
        """The drain time in seconds."""
        return 60 * self.drain_minutes


def read_session(app: Reader) -> SessionSettings:
    """Read the keys `sessions` and `session` of an application."""
    reader = app.section("session", optional=True)
    settings = SessionSettings(
        sharing=app.choice("sessions", Sharing, Sharing.EXCLUSIVE),
        max_minutes=reader.whole("max_minutes", 0, 10_080, 0),
        idle_minutes=reader.whole("idle_minutes", 0, 10_080, 0),
        grace_seconds=reader.whole("grace_seconds", 0, 3_600, 30),
        warning_seconds=reader.whole("warning_seconds", 0, 3_600, 60),
        drain_minutes=reader.whole("drain_minutes", 0, 1_440, 60),
        players=reader.whole("players", 1, 100, 8),
        reuse=reader.flag("reuse") if reader.has("reuse") else False,
    )
    reader.close()
    return settings


def read_control(app: Reader) -> str | None:
    """Read the key `control` of an application: the base of its own API, or nothing where it is closed to players."""
    if not app.has("control"):
        return None
    reader = app.section("control")
    url = reader.text(
        "url",
        r"http://(localhost|127\.0\.0\.1):[1-9]\d{0,4}(/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*",
        'an address on the pod itself, such as "http://localhost:8111"',
        "http://localhost:8111",
    )
    reader.close()
    return url


def check_session(session: SessionSettings, prefix: str, refusals: Refusals) -> None:
    """Refuse what contradicts itself."""
    if session.reuse and session.sharing is Sharing.SHARED:
        refusals.add(
            f"{prefix}session.reuse",
            True,
            "of no use to sessions that share an instance, which does not end with any of them",
            "Leave it out",
        )
    for limit in ("max_minutes", "idle_minutes"):
        minutes = getattr(session, limit)
        if 0 < 60 * minutes < session.warning_seconds:
            refusals.add(
                f"{prefix}session.warning_seconds",
                session.warning_seconds,
                f"longer than {limit}, {minutes}",
                "Lower it",
            )
