"""The labels and annotations that the controller reads and writes.

What matchmakers read too has the same name there.
"""

from typing import Final

APPLICATION_LABEL: Final = "app.pixel/app"
VERSION_LABEL: Final = "app.pixel/version"
POOL_LABEL: Final = "app.pixel/pool"
IDLE: Final = "idle"
SESSION: Final = "session"
ENDED: Final = "ended"
"""Of an instance that has left its fleet and is only to be deleted: nobody can claim it."""

GPU_LABEL: Final = "app.pixel/gpu"
TURN_LABEL: Final = "app.pixel/turn"
PLACEHOLDER_LABEL: Final = "app.pixel/placeholder"
"""On placeholder pods and their Deployments; its value is the pool: `gpu` or `turn`."""

WEIGHT: Final = "app.pixel/weight"
"""On a fleet, by the program: its share of new sessions."""
WEIGHT_OVERRIDE: Final = "app.pixel/weight-override"
"""On a fleet, by a rollback or an operator: goes before the weight for as long as it is there."""
ROLLED_BACK: Final = "app.pixel/rolled-back"
"""On a fleet, by the controller: what was rolled back and why, as JSON."""
BUFFER_OVERRIDE: Final = "app.pixel/buffer-override"
"""On a fleet, by an operator: goes before the stack's buffer until the application's settings change."""
BUFFER_TARGET: Final = "app.pixel/buffer-target"
"""On a fleet, by the controller: the warm instances that it keeps ready for players to come."""
DRAINING: Final = "app.pixel/draining"
"""`true` on a node or a fleet, by an operator: it gets no new session. On a shared instance, by the controller."""
PAUSED: Final = "app.pixel/paused"
"""`true` on a fleet, by an operator: matchmakers let nobody new into its application, also of those who wait."""
EMPTY: Final = "app.pixel/empty"
"""`true` on a node or a fleet, by the controller: it was draining, and has no session any more."""
LEAVING: Final = "app.pixel/leaving"
"""`true` on a TURN node, by the controller: it was cordoned because the others can carry what it does."""

SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
"""On a shared instance, by matchmakers: its players. On a placeholder, by the controller: whether it goes first."""
REVISION: Final = "deployment.kubernetes.io/revision"
"""Kubernetes' own count of a Deployment's templates."""
