"""What buffers a stack needs, hour by hour of the week, what they promise, and what they cost. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from capacity.demand import HOURS, Demand, StackDemand
from capacity.durations import Duration, exponential
from capacity.planning import base_stock
from capacity.planning.base_stock import Promise
from capacity.planning.demand_process import Players
from capacity.planning.finite_pool import CappedBuffer, OverloadedError
from capacity.planning.layers import Layers
from capacity.planning.node_buffer import NodeBuffer

SURPLUS_SECONDS: Final = 900.0
"""How long a node is not needed before it is removed: the cluster autoscaler's `scaleDownUnneededTime`."""

_CAP_FELT: Final = 4.0
"""Standard deviations of players between what is needed on average and the cap: nearer, the cap is reckoned with."""


@dataclass(frozen=True)
class Pool:
    """The GPU pool as the stack file has it."""

    slots: int
    """Instances of one node."""
    gpus: int
    """Of one node."""
    least_nodes: int
    most_nodes: int
    gpu_hour_price: float
    surplus_seconds: float = SURPLUS_SECONDS


@dataclass(frozen=True)
class Sizes:
    """Buffers: warm instances by application, and free slots on nodes."""

    instances: Mapping[str, int]
    slots: int


@dataclass(frozen=True)
class Promised:
    """What a buffer promises the players of one application in one hour."""

    arrivals_per_hour: float
    chance_of_waiting: float
    mean_wait: float
    """Seconds, over all players."""
    mean_wait_of_the_waiting: float
    waits_longest: float
    """What one player in a hundred waits longer than."""
    overloaded: bool = False
    """More players than the pool can ever serve: the queue grows without end, and there is no mean."""


@dataclass(frozen=True)
class Hour:
    """One hour of the week, with some buffers."""

    sizes: Sizes
    promised: Mapping[str, Promised]
    nodes: float
    """Up or ordered, on average."""
    capped: bool
    """Whether the pool's largest size is felt."""


@dataclass(frozen=True)
class Planner:
    """A stack's demand and its pool."""

    demand: StackDemand
    pool: Pool
    levels: Mapping[str, float]
    """The share of players, by application, that is to find something ready."""
    rush: bool = False
    """Whether nobody leaves while a node is made, as in the first minutes of an event."""

    def rates(self, hour: int) -> dict[str, float]:
        """Players a second, of those applications that have some."""
        found = {name: its.rate(hour) for name, its in self.demand.applications.items()}
        return {name: rate for name, rate in found.items() if rate > 0}

    def propose(self, hour: int) -> Sizes:
        """The buffers of least cost that keep the service levels.

        A warm instance and a free slot cost the same, a slot. A warm instance serves one application at once, a free
        slot any after a start, so for one application warm instances alone are best; several share free slots.
        """
        nodes = self._nodes(hour)
        growth = self._growth(hour)
        # What several are to have is not known until all do.
        others = 0 if len(self.rates(hour)) == 1 else None
        best: Sizes | None = None
        fewest = self._fewest(hour)
        slots = 0
        while best is None or fewest + slots < sum(best.instances.values()) + best.slots:
            instances = {
                name: Layers(rate, self.demand.applications[name].start, nodes, slots, others).buffer_for(
                    self.levels[name]
                )
                for name, rate in self.rates(hour).items()
            }
            found = Sizes(instances, slots)
            if best is None or sum(instances.values()) + slots < sum(best.instances.values()) + best.slots:
                best = found
            slots += 1
        # Quiet applications keep none; what the hour's own growth takes comes on top, on nodes.
        every = {name: best.instances.get(name, 0) for name in self.demand.applications}
        return Sizes(every, best.slots + growth)

    def evaluate(self, hour: int, sizes: Sizes) -> Hour:
        """What buffers promise in an hour, and the nodes that they take."""
        nodes = self._nodes(hour)
        warm = sum(sizes.instances.values()) + sizes.slots
        most = self.pool.most_nodes * self.pool.slots
        mean = nodes.players.mean
        capped = mean + sum(sizes.instances.values()) + _CAP_FELT * math.sqrt(mean) > most
        promised = {
            name: self._promised(name, rate, nodes, sizes, capped=capped) for name, rate in self.rates(hour).items()
        }
        needed = nodes.nodes(warm) if mean else math.ceil(warm / self.pool.slots)
        return Hour(sizes, promised, min(max(needed, self.pool.least_nodes), self.pool.most_nodes), capped)

    def _promised(self, name: str, rate: float, nodes: NodeBuffer, sizes: Sizes, *, capped: bool) -> Promised:
        demand, instances = self.demand.applications[name], sizes.instances[name]
        others = sum(sizes.instances.values()) - instances if rate == nodes.players.rate else None
        layers = Layers(rate, demand.start, nodes, sizes.slots, others)
        promise = layers.promise(instances)
        if capped:
            try:
                capped_promise = self._under_cap(rate, demand, nodes, sizes)
            except OverloadedError:
                return Promised(3600 * rate, 1.0, math.inf, math.inf, math.inf, overloaded=True)
            if capped_promise.chance_of_waiting > promise.chance_of_waiting:
                # The longest waits are then those for a session to end, which a mean tells best.
                hundredth = capped_promise.mean_wait_of_the_waiting * max(
                    math.log(100 * capped_promise.chance_of_waiting), 0.0
                )
                return _shown(rate, capped_promise, hundredth)
        return _shown(rate, promise, _hundredth(layers, instances, promise))

    def _under_cap(self, rate: float, demand: Demand, nodes: NodeBuffer, sizes: Sizes) -> Promise:
        """All applications as one, which share the slots: at the cap the queue is for any of them."""
        total = nodes.players
        share = rate / total.rate
        most = self.pool.most_nodes * self.pool.slots
        buffer = sum(sizes.instances.values())
        found = CappedBuffer(total.rate, total.session.mean, demand.start.mean, most, buffer).promise()
        return Promise(found.chance_of_waiting, found.waiting * share, found.mean_wait)

    def _nodes(self, hour: int) -> NodeBuffer:
        if hour not in self._known:
            rates = self.rates(hour)
            key = tuple(rates.values())
            self._known[hour] = self._by_rates.setdefault(
                key,
                NodeBuffer(
                    Players(sum(rates.values()), self._session(rates)),
                    self.demand.node,
                    self.pool.slots,
                    self.pool.surplus_seconds,
                    gives_back=not self.rush,
                    least_nodes=self.pool.least_nodes,
                ),
            )
        return self._known[hour]

    @cached_property
    def _known(self) -> dict[int, NodeBuffer]:
        return {}

    @cached_property
    def _by_rates(self) -> dict[tuple[float, ...], NodeBuffer]:
        """Hours that are alike are reckoned once."""
        return {}

    def _session(self, rates: Mapping[str, float]) -> Duration:
        """Sessions of all applications together: one application's own, else memoryless with the mean of all."""
        if len(rates) == 1:
            return self.demand.applications[next(iter(rates))].session
        total = sum(rates.values())
        mean = sum(rate * self.demand.applications[name].session.mean for name, rate in rates.items())
        return exponential(mean / total if total else 1.0)

    def _fewest(self, hour: int) -> int:
        """Warm instances if slots never lacked: no fewer will do."""
        return sum(
            base_stock.buffer_for(self.levels[name], rate, self.demand.applications[name].start.mean)
            for name, rate in self.rates(hour).items()
        )

    def _growth(self, hour: int) -> int:
        """Slots by which the number of players grows at most while a node is provisioned, beyond chance.

        Within an hour the mean goes from what the hours before left towards what this hour's rate upholds.
        """
        lead, growth = self.demand.node.mean, 0.0
        for name in self.demand.applications:
            mean = self.demand.applications[name].session.mean
            towards = self.demand.applications[name].rate(hour) * mean
            growth += (towards - self._players_before(name)[hour % HOURS]) * -math.expm1(-lead / mean)
        return max(math.ceil(growth - 0.5), 0)

    def _players_before(self, name: str) -> Sequence[float]:
        """Players of an application at the beginning of each hour of the week, on average."""
        if name not in self._beginnings:
            its = self.demand.applications[name]
            stays, mean = math.exp(-3600 / its.session.mean), its.session.mean
            at = its.rate(HOURS - 1) * mean
            beginnings = [0.0] * HOURS
            # Twice around: what the first guess was is forgotten by then.
            for turn in range(2 * HOURS):
                beginnings[turn % HOURS] = at
                towards = its.rate(turn) * mean
                at = towards + (at - towards) * stays
            self._beginnings[name] = beginnings
        return self._beginnings[name]

    @cached_property
    def _beginnings(self) -> dict[str, list[float]]:
        return {}


def _shown(rate: float, promise: Promise, hundredth: float) -> Promised:
    return Promised(
        arrivals_per_hour=3600 * rate,
        chance_of_waiting=promise.chance_of_waiting,
        mean_wait=promise.mean_wait,
        mean_wait_of_the_waiting=promise.mean_wait_of_the_waiting,
        waits_longest=hundredth,
    )


def _hundredth(layers: Layers, instances: int, promise: Promise) -> float:
    """What one player in a hundred waits longer than, to a second."""
    if promise.chance_of_waiting <= 0.01:
        return 0.0
    low, high = 0.0, layers.start.seconds[-1] + layers.nodes.provisioning.mean
    while high - low > 0.5:
        middle = (low + high) / 2
        if layers.chance_to_wait_longer(middle, instances) > 0.01:
            low = middle
        else:
            high = middle
    return round(high, 1)
