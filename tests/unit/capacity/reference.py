"""The simulated service in plain Python, object by object: the compiled engine agrees with it to the last digit."""

import heapq
import math
from dataclasses import dataclass, field
from itertools import count

from capacity.simulation.draws import Draws
from capacity.simulation.scenario import Application, Change, Scenario, SlotsChange


@dataclass(eq=False)
class Node:
    turn: int
    up: bool = False
    emptied: int = 0
    """Rises each time that its number of instances changes: of several alike the latest is taken first."""
    instances: list["Instance"] = field(default_factory=list)


@dataclass(eq=False)
class Instance:
    application: int
    node: Node
    crash: float
    state: str = "starting"
    player: int | None = None
    alive: bool = True
    plan: int = 0
    """Rises when an event that was announced for it holds no longer."""


@dataclass
class Outcome:
    wait: list[float]
    fate: list[str]
    node_seconds: float = 0.0
    busy_seconds: float = 0.0
    cut: int = 0


class Service:
    """One run: ``play`` it once."""

    def __init__(self, scenario: Scenario, draws: Draws) -> None:
        self.its = scenario
        self.draws = draws
        self.players = draws.players
        self.now = 0.0
        self.serial = count()
        self.events: list[tuple[float, int, str, tuple[object, ...]]] = []
        self.kept: list[Application | Change] = list(scenario.applications)
        self.node_buffer = scenario.pool.buffer
        self.starting: list[list[Instance]] = [[] for _ in scenario.applications]
        self.warm: list[list[Instance]] = [[] for _ in scenario.applications]
        self.busy: list[list[Instance]] = [[] for _ in scenario.applications]
        self.pending = [0 for _ in scenario.applications]
        self.queue: list[list[int]] = [[] for _ in scenario.applications]
        self.started = [0 for _ in scenario.applications]
        self.nodes: list[Node] = []
        self.ordered = 0
        self.moves = count(1)
        self.surplus: list[float] = []
        self.outcome = Outcome([math.inf] * len(self.players), ["queued"] * len(self.players))

    def play(self) -> Outcome:
        self.fill()
        coming: list[tuple[float, int, SlotsChange | Change]] = [
            (each.time, -1, each) for each in self.its.pool.changes
        ]
        for number, its in enumerate(self.its.applications):
            coming += [(each.time, number, each) for each in its.changes]
        coming.sort(key=lambda each: each[:2])
        player = 0
        while True:
            moments = [
                coming[0][0] if coming else math.inf,
                self.events[0][0] if self.events else math.inf,
                float(self.players.arrival[player]) if player < len(self.players) else math.inf,
            ]
            then = min(moments)
            seconds = min(then, self.its.seconds) - self.now
            self.outcome.node_seconds += seconds * len(self.nodes)
            self.outcome.busy_seconds += seconds * sum(map(len, self.busy))
            if then > self.its.seconds:
                return self.outcome
            self.now = then
            if moments[0] == then:
                touched = self.change(*coming.pop(0)[1:])
            elif moments[1] == then:
                _, _, kind, arguments = heapq.heappop(self.events)
                touched = getattr(self, kind)(*arguments)
            else:
                touched = self.arrive(player)
                player += 1
            for application in touched:
                self.settle(application)
            self.grant()
            self.reclaim()
            self.fit()

    def later(self, seconds: float, kind: str, *arguments: object) -> None:
        heapq.heappush(self.events, (self.now + seconds, next(self.serial), kind, arguments))

    def at(self, time: float, kind: str, *arguments: object) -> None:
        heapq.heappush(self.events, (time, next(self.serial), kind, arguments))

    def fill(self) -> None:
        for application in range(len(self.kept)):
            self.settle(application)
        for _ in range(self.needed()):
            self.nodes.append(Node(self.ordered))
            self.ordered += 1
            self.node_ready(self.nodes[-1])
        self.grant()
        for row in self.starting:
            for instance in list(row):
                instance.plan += 1
                self.ready(instance, instance.plan)

    # Players and instances.

    def arrive(self, player: int) -> list[int]:
        application = int(self.players.application[player])
        if self.warm[application]:
            self.claim(application, player)
        else:
            self.queue[application].append(player)
            self.queue[application].sort(key=lambda each: (-self.players.priority[each], each))
            if math.isfinite(patience := float(self.players.patience[player])):
                self.later(patience, "leave", player)
        return [application]

    def leave(self, player: int) -> list[int]:
        application = int(self.players.application[player])
        if player not in self.queue[application]:
            return []
        self.queue[application].remove(player)
        self.outcome.fate[player] = "gave up"
        return [application]

    def claim(self, application: int, player: int) -> None:
        instance = self.warm[application].pop(0)
        self.busy[application].append(instance)
        instance.state, instance.player = "busy", player
        self.outcome.wait[player] = self.now - float(self.players.arrival[player])
        self.outcome.fate[player] = "served"
        end = self.now + float(self.players.session[player])
        if end <= instance.crash:
            instance.plan += 1
            self.at(end, "end", instance, instance.plan)

    def serve(self, application: int) -> None:
        while self.queue[application] and self.warm[application]:
            self.claim(application, self.queue[application].pop(0))

    def begin(self, application: int) -> None:
        node = self.roomy()
        turn = self.started[application] % self.draws.start.shape[1]
        self.started[application] += 1
        instance = Instance(application, node, float(self.draws.crash[application, turn]))
        self.place(node, instance)
        self.starting[application].append(instance)
        self.later(float(self.draws.start[application, turn]), "ready", instance, instance.plan)

    def ready(self, instance: Instance, plan: int) -> list[int]:
        if not instance.alive or plan != instance.plan:
            return []
        self.starting[instance.application].remove(instance)
        self.to_warm(instance)
        instance.crash += self.now
        if math.isfinite(instance.crash):
            self.at(instance.crash, "crash", instance, instance.plan)
        self.serve(instance.application)
        return [instance.application]

    def to_warm(self, instance: Instance) -> None:
        instance.state = "warm"
        self.warm[instance.application].append(instance)

    def end(self, instance: Instance, plan: int) -> list[int]:
        if not instance.alive or plan != instance.plan:
            return []
        if self.its.applications[instance.application].reuse:
            self.busy[instance.application].remove(instance)
            self.to_warm(instance)
            if math.isfinite(instance.crash):
                self.at(instance.crash, "crash", instance, instance.plan)
            self.serve(instance.application)
        else:
            self.delete(instance)
        return [instance.application]

    def crash(self, instance: Instance, plan: int) -> list[int]:
        if not instance.alive or plan != instance.plan:
            return []
        self.cut(instance)
        return [instance.application]

    def cut(self, instance: Instance) -> None:
        if instance.state == "busy":
            assert instance.player is not None
            self.outcome.fate[instance.player] = "interrupted"
            self.outcome.cut += 1
        self.delete(instance)

    def delete(self, instance: Instance) -> None:
        {"starting": self.starting, "warm": self.warm, "busy": self.busy}[instance.state][instance.application].remove(
            instance
        )
        instance.alive = False
        instance.node.instances.remove(instance)
        instance.node.emptied = next(self.moves)

    def change(self, application: int, change: SlotsChange | Change) -> list[int]:
        if isinstance(change, SlotsChange):
            self.node_buffer = change.slots
            return []
        self.kept[application] = change
        return [application]

    def settle(self, application: int) -> None:
        its, busy = self.kept[application], len(self.busy[application])
        buffer = max(its.buffer, math.ceil(its.buffer_percent * busy / 100 - 1e-9), its.least - busy)
        most = self.slots if its.most is None else its.most
        wanted = max(min(buffer + len(self.queue[application]), most - busy), 0)
        rows = self.starting[application], self.warm[application]
        self.pending[application] += wanted - self.pending[application] - sum(map(len, rows))
        while self.pending[application] < 0:
            self.delete((rows[0] or rows[1])[-1])
            self.pending[application] += 1

    @property
    def slots(self) -> int:
        return self.its.pool.most_nodes * self.its.pool.slots

    def next_for_slot(self) -> int | None:
        able = [each for each, number in enumerate(self.pending) if number]
        order = [(self.its.applications[each].priority, len(self.queue[each]), -each) for each in able]
        return -max(order)[2] if order else None

    def grant(self) -> None:
        while self.room() and (application := self.next_for_slot()) is not None:
            self.pending[application] -= 1
            self.begin(application)

    def reclaim(self) -> None:
        while not self.room() and len(self.nodes) >= self.its.pool.most_nodes:
            greater = self.next_for_slot()
            if greater is None or len(self.queue[greater]) <= len(self.starting[greater]):
                return
            idle = [each for each in range(len(self.warm)) if self.warm[each] or self.starting[each]]
            if not idle:
                return
            lesser = min(idle, key=lambda each: (self.its.applications[each].priority, each))
            if self.its.applications[lesser].priority >= self.its.applications[greater].priority:
                return
            self.delete((self.starting[lesser] or self.warm[lesser])[-1])
            self.pending[lesser] += 1
            self.grant()

    # Nodes.

    def room(self) -> int:
        return sum(self.its.pool.slots - len(node.instances) for node in self.nodes if node.up)

    def roomy(self) -> Node:
        able = [node for node in self.nodes if node.up and len(node.instances) < self.its.pool.slots]
        return max(able, key=lambda node: (len(node.instances), node.emptied))

    def place(self, node: Node, instance: Instance) -> None:
        node.instances.append(instance)
        node.emptied = next(self.moves)

    def needed(self) -> int:
        rows = (*self.starting, *self.warm, *self.busy)
        slots = sum(map(len, rows)) + sum(self.pending) + self.node_buffer
        for its, busy in zip(self.kept, self.busy, strict=True):
            slots += max(its.slots, math.ceil(its.slots_percent * len(busy) / 100 - 1e-9))
        pool = self.its.pool
        return max(min(math.ceil(slots / pool.slots), pool.most_nodes), pool.least_nodes)

    def fit(self) -> None:
        surplus = max(len(self.nodes) - self.needed(), 0)
        self.surplus = self.surplus[:surplus] + [self.now] * (surplus - len(self.surplus))
        while len(self.nodes) < self.needed():
            begun = self.now
            for outage in self.its.pool.outages:
                if outage.start <= begun < outage.end:
                    begun = outage.end
            node = Node(self.ordered)
            self.nodes.append(node)
            self.ordered += 1
            provisioning = float(self.draws.provisioning[node.turn % len(self.draws.provisioning)])
            self.at(begun + provisioning, "node_ready", node)
        self.remove_surplus()

    def remove_surplus(self) -> list[int]:
        while self.surplus and self.surplus[0] + self.its.pool.surplus_seconds <= self.now:
            empty = [node for node in self.nodes if node.up and not node.instances]
            if not empty:
                return []
            self.nodes.remove(min(empty, key=lambda node: node.emptied))
            self.surplus.pop(0)
        if self.surplus:
            due = self.surplus[0] + self.its.pool.surplus_seconds
            if not any(kind == "remove_surplus" for _, _, kind, _ in self.events):
                self.at(due, "remove_surplus")
        return []

    def node_ready(self, node: Node) -> list[int]:
        node.up = True
        node.emptied = next(self.moves)
        if math.isfinite(loss := float(self.draws.loss[node.turn % len(self.draws.loss)])):
            self.later(loss, "lose_node", node)
        return []

    def lose_node(self, node: Node) -> list[int]:
        if node not in self.nodes:
            return []
        for instance in list(node.instances):
            self.cut(instance)
        self.nodes.remove(node)
        return list(range(len(self.kept)))
