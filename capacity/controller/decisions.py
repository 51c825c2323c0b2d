"""From the state of the cluster to what is to be done. Pure: the same state, memory and time give the same decision."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from capacity.controller import budget, names, wishes
from capacity.controller.actions import Action, Annotate, Cordon, Kind, Notice, Scale
from capacity.controller.allotment import Allotment
from capacity.controller.cluster import Cluster, Fleet, Placeholders, Stage
from capacity.controller.drains import drained_fleets, drained_nodes, left, lost, pins
from capacity.controller.figures import Figures, FleetFigures, PoolFigures
from capacity.controller.memory import Memory, kept, newly_ended
from capacity.controller.overrides import known_settings, lifted, rolled_back
from capacity.controller.rollback import Trial, judged, went_on
from capacity.controller.settings import StackSettings
from capacity.controller.turn import TurnPlan, planned
from capacity.schedules import buffer_at, in_force


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, said, shown and remembered."""

    actions: tuple[Action, ...]
    notices: tuple[Notice, ...]
    figures: Figures
    memory: Memory


def decide(cluster: Cluster, its: StackSettings, memory: Memory, now: datetime) -> Decision:
    """The decision."""
    ledger = budget.counted(memory.ledger, cluster.gpu_nodes, its.gpu.gpus_per_node, its.timezone, now)
    restraint = budget.restraint(ledger, its.budget)
    memory = _with_trials(msgspec.structs.replace(memory, ledger=ledger), cluster, its)
    schedules = {each.name: in_force((*its.schedules, *each.schedule), now) for each in its.applications}
    buffers = {each.name: buffer_at(each.buffer, schedules[each.name], now) for each in its.applications}
    given = wishes.instances(cluster, its, buffers, restraint)
    slots = wishes.slots(cluster, its, buffers, restraint, sum(each.instances for each in given.values()))
    turn = planned(cluster.turn_nodes, cluster.relays, its.turn) if its.turn else None
    doing: list[Action | Notice] = [
        *_overridden(cluster, its, memory, now),
        *_scaled(cluster, given),
        *_targets(cluster, given),
        *_placed(cluster.gpu_placeholders, slots.given),
        *(_relaying(cluster, turn) if turn else ()),
        *pins(cluster.instances),
        *left(cluster.instances),
        *lost(cluster),
        *drained_nodes(cluster, its.shared),
        *drained_fleets(cluster),
    ]
    pools = {"gpu": PoolFigures(slots.given, _running(cluster.gpu_placeholders), slots.cut)}
    if turn:
        pools["turn"] = PoolFigures(turn.placeholders, _running(cluster.turn_placeholders), turn.cut)
    return Decision(
        actions=tuple(each for each in doing if not isinstance(each, Notice)),
        notices=tuple(each for each in doing if isinstance(each, Notice)),
        figures=Figures(
            fleets=tuple(_figures(fleet, cluster, given.get(fleet.name)) for fleet in cluster.fleets),
            pools=pools,
            turn_nodes=turn.wanted if turn else None,
            schedules={name: tuple(each.name for each in found) for name, found in schedules.items()},
            restraint=restraint,
            gpu_hours=ledger.gpu_seconds / 3600,
        ),
        memory=msgspec.structs.replace(
            memory, settings=known_settings(cluster.fleets, its.applications, memory.settings)
        ),
    )


def _with_trials(memory: Memory, cluster: Cluster, its: StackSettings) -> Memory:
    """With the sessions that have ended since."""
    ended = newly_ended(memory.ended, cluster.ended)
    trials = {}
    for application in its.applications:
        fleets = _fleets_of(cluster, application.name)
        trial = went_on(memory.trials.get(application.name, Trial()), fleets, ended.get(application.name, {}))
        trials[application.name] = judged(trial, fleets, its.rollback) if its.rollback else trial
    return msgspec.structs.replace(memory, trials=trials, ended=kept(memory.ended, cluster.ended))


def _fleets_of(cluster: Cluster, application: str) -> list[Fleet]:
    return [fleet for fleet in cluster.fleets if fleet.application == application]


def _overridden(cluster: Cluster, its: StackSettings, memory: Memory, now: datetime) -> Iterator[Action | Notice]:
    yield from lifted(cluster.fleets, its.applications, memory.settings)
    for name, trial in memory.trials.items():
        yield from rolled_back(_fleets_of(cluster, name), trial.worse, now)


def _scaled(cluster: Cluster, given: Mapping[str, Allotment]) -> Iterator[Action]:
    for fleet in cluster.fleets:
        allotted = given.get(fleet.name)
        if allotted is not None and allotted.instances != fleet.replicas:
            yield Scale(fleet.name, allotted.instances, fleet.generation)


def _targets(cluster: Cluster, given: Mapping[str, Allotment]) -> Iterator[Action]:
    """The session API shows operators what is kept ready, and knows it from here."""
    for fleet in cluster.fleets:
        allotted = given.get(fleet.name)
        if allotted is not None and allotted.buffer != fleet.buffer_target:
            yield Annotate(Kind.FLEET, fleet.name, {names.BUFFER_TARGET: str(allotted.buffer)})


def _placed(placeholders: Placeholders | None, number: int) -> Iterator[Action]:
    if placeholders is not None and placeholders.replicas != number:
        yield Scale(placeholders.name, number, placeholders.generation)


def _relaying(cluster: Cluster, plan: TurnPlan) -> Iterator[Action | Notice]:
    nodes = {node.name: node for node in cluster.turn_nodes}
    for name in plan.leave:
        yield Cordon(name, cordoned=True, leaving=True, seen=nodes[name].seen)
    for name in plan.stay:
        yield Cordon(name, cordoned=False, leaving=False, seen=nodes[name].seen)
    for node in nodes.values():
        if node.draining and not node.cordoned and node.name not in plan.leave:
            yield Cordon(node.name, cordoned=True, leaving=False, seen=node.seen)
        if node.empty is not (node.draining and node.name in plan.release):
            empty = None if node.empty else "true"
            yield Annotate(Kind.NODE, node.name, {names.EMPTY: empty}, node.seen)
    if cluster.turn_placeholders is None:
        return
    # The Deployment takes away those that cost least: so the ones of empty nodes are made cheap before it shrinks.
    leaving = [pod for pod in cluster.turn_placeholders.pods if pod.node in plan.release]
    for pod in cluster.turn_placeholders.pods:
        if pod.cheap is not (pod in leaving):
            yield Annotate(Kind.POD, pod.name, {names.DELETION_COST: "-1" if pod in leaving else None})
    dear = sum(not pod.cheap for pod in leaving)
    yield from _placed(cluster.turn_placeholders, plan.placeholders + dear)


def _running(placeholders: Placeholders | None) -> int:
    return sum(pod.running for pod in placeholders.pods) if placeholders else 0


def _figures(fleet: Fleet, cluster: Cluster, given: Allotment | None) -> FleetFigures:
    its = [
        each.stage
        for each in cluster.instances
        if (each.application, each.version) == (fleet.application, fleet.version)
    ]
    replicas = given.instances if given else fleet.replicas
    return FleetFigures(
        name=fleet.name,
        application=fleet.application,
        version=fleet.version,
        target=given.buffer if given else 0,
        replicas=replicas,
        warm=its.count(Stage.WARM),
        starting=its.count(Stage.STARTING) + its.count(Stage.UNPLACED),
        sessions=its.count(Stage.SESSION),
        cut=given.cut if given else {},
        weight=fleet.share,
        rolled_back=fleet.rollback is not None,
    )
