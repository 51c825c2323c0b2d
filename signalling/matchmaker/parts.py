"""What the ways of a replica's players lead through."""

from collections.abc import Mapping
from dataclasses import dataclass

from signalling.matchmaker.admission import Admission
from signalling.matchmaker.connecting import Connector
from signalling.matchmaker.connections import Connections
from signalling.matchmaker.endings import Chronicle, Endings
from signalling.matchmaker.holding import Holding
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.leases import Leases
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.neighbours import Neighbours
from signalling.matchmaker.queues import Queues
from signalling.matchmaker.seats import Seats
from signalling.matchmaker.settings import ApplicationSettings, MatchmakerSettings
from signalling.matchmaker.shares import FleetWatch
from signalling.matchmaker.sharing import SharedInstances
from signalling.matchmaker.sidecars import Sidecars
from signalling.matchmaker.sweeping import Sweeper
from signalling.matchmaker.whereabouts import Whereabouts


@dataclass(frozen=True)
class Parts:
    """See the module."""

    applications: Mapping[str, ApplicationSettings]
    settings: MatchmakerSettings
    admission: Admission
    issuer: Issuer
    neighbours: Neighbours
    connections: Connections
    leases: Leases
    holding: Holding
    queues: Queues
    fleets: FleetWatch
    shared: SharedInstances
    seats: Seats
    whereabouts: Whereabouts
    sidecars: Sidecars
    connector: Connector
    endings: Endings
    sweeper: Sweeper
    metrics: MatchmakerMetrics
    chronicle: Chronicle
