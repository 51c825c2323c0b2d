"""How a session ended, as a pure decision."""

from enum import Enum


class Outcome(Enum):
    """What became of an instance that was claimed for a player; the last two are failures."""

    COMPLETED = "completed"
    """The player left an instance it was connected to."""
    ABANDONED = "abandoned"
    """The player left before its instance was connected."""
    UNREACHABLE = "unreachable"
    """The instance could not be connected to."""
    INTERRUPTED = "interrupted"
    """The instance ended the connection while the player was there."""
