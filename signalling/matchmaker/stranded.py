"""What becomes of an instance that has left its fleet, from what its sidecar says: a pure decision.

Nothing live is ever ended: a session is over when its sidecar says so. And nothing is left standing: a matchmaker that
died between a claim and the connection, or between a session's end and the deletion, leaves what is found here.
"""

from dataclasses import dataclass
from enum import Enum

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.matching import position
from signalling.matchmaker.sidecars import Status


class Verdict(Enum):
    """What to do with an instance."""

    KEEP = "keep"
    """Its session goes on."""
    DOUBT = "doubt"
    """No session of its own that is known of: perhaps not yet, perhaps for ever. Long enough, it is STRANDED."""
    OVER = "over"
    """Its session has ended as it should; it is recycled or deleted."""
    STRANDED = "stranded"
    """It has no session, and nobody will bring one."""
    ENDED = "ended"
    """Only its deletion is missing."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that doubt may last."""

    empty: float
    """With a sidecar that has no session: whoever claimed the instance may be about to bring one."""
    silent: float
    """With a sidecar that does not answer, of a pod that is not ready either."""


def verdict(instance: Instance, status: Status | None, doubted: float, patience: Patience) -> Verdict:
    """The verdict; ``doubted`` is for how many seconds it has been DOUBT."""
    if instance.pool is Pool.ENDED:
        return Verdict.ENDED
    if status is None:
        # A pod that is ready answers its kubelet: what is broken lies between us, and its player may see a picture.
        lost = not instance.ready and doubted >= patience.silent
        return Verdict.STRANDED if lost else Verdict.KEEP if instance.ready else Verdict.DOUBT
    if status.over:
        return Verdict.OVER
    its_own = status.session is not None and status.session == instance.session
    if its_own or any(participant.connected for participant in status.participants):
        return Verdict.KEEP
    return Verdict.STRANDED if doubted >= patience.empty else Verdict.DOUBT


def responsible(replica: str, replicas: frozenset[str], instance: str) -> bool:
    """Whether this replica is the one of the live ones that looks after an instance (rendezvous hashing)."""
    return max({*replicas, replica}, key=lambda each: (position(f"{each} {instance}"), each)) == replica
