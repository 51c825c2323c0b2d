"""What goes and what stays: nodes that are drained or do not answer, and the sessions on them, shared ones too."""

from dataclasses import replace

from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.core_v1 import PodSpec, PodStatus, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from capacity.buffer import Buffer
from capacity.controller.actions import Action, Annotate, Cordon, Free, Kind, Remove, Retire
from capacity.controller.cluster import Cluster, Instance, Stage
from capacity.controller.decisions import decide
from capacity.controller.memory import Memory
from capacity.controller.reading import fleet_of, instance_of
from capacity.controller.settings import Application, Sessions
from tests.unit.fleet_controller.situations import NOW, cluster, fleet, instances, nodes, stack

ITS = stack(
    Application("demo", Buffer(instances=2)),
    Application("hall", Buffer(minimum=1, maximum=4), sessions=Sessions.SHARED),
)
PINNED = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
DRAINING = {"app.pixel/draining": "true"}


def of_instances(state: Cluster) -> list[Action]:
    """What is done to instances."""
    actions = decide(state, ITS, Memory(), NOW).actions
    on_pods = (Retire, Remove, Free)
    return [a for a in actions if isinstance(a, on_pods) or (isinstance(a, Annotate) and a.kind is Kind.POD)]


def hall(players: int, *, pinned: bool = False) -> Instance:
    (one,) = instances(Stage.WARM, 1, "hall-1")
    return replace(one, players=players, pinned=pinned)


def drained(*its: Instance) -> Cluster:
    return cluster(fleet(), fleet("hall-1", 1), of=its, gpu_nodes=nodes(1, draining=True, cordoned=True))


def test_of_a_node_that_is_drained_what_is_idle_goes_and_sessions_stay() -> None:
    (warm,), (busy,) = instances(Stage.WARM, 1), instances(Stage.SESSION, 1)
    assert of_instances(drained(warm, busy)) == [Retire(warm.name)]
    open_ = cluster(fleet(), of=(warm, busy), gpu_nodes=nodes(1, draining=True))
    assert any(isinstance(each, Cordon) for each in decide(open_, ITS, Memory(), NOW).actions)


def test_a_shared_instance_of_a_drained_node_is_left_to_its_matchmaker() -> None:
    """It is idle by its label while players are on it: to retire it would end their sessions."""
    for players in (3, 0):
        its = hall(players, pinned=players > 0)
        assert of_instances(drained(its)) == [Annotate(Kind.POD, its.name, DRAINING)]
        assert of_instances(drained(replace(its, draining=True))) == []


def test_on_a_node_that_does_not_answer_only_what_nobody_plays_on_is_replaced() -> None:
    (warm,), (busy,) = instances(Stage.WARM, 1), instances(Stage.SESSION, 1)
    for its, expected in (
        (warm, [Retire(warm.name)]),
        (busy, []),
        (hall(3, pinned=True), []),
        (hall(0), [Retire(hall(0).name)]),
    ):
        state = cluster(fleet(), fleet("hall-1", 1), of=(its,), gpu_nodes=nodes(1, ready=False))
        assert of_instances(state) == expected


def test_the_autoscaler_leaves_alone_what_somebody_plays_on() -> None:
    here = cluster(fleet(), fleet("hall-1", 1), of=(hall(3),))
    assert of_instances(here) == [Annotate(Kind.POD, hall(3).name, PINNED)]
    left = cluster(fleet(), fleet("hall-1", 1), of=(hall(0, pinned=True),))
    assert of_instances(left) == [Annotate(Kind.POD, hall(0).name, dict.fromkeys(PINNED))]


def test_a_fleet_says_that_its_application_is_paused() -> None:
    for annotations, paused in (({"app.pixel/paused": "true"}, True), ({}, False)):
        labels = {"app.pixel/app": "demo", "app.pixel/version": "1"}
        meta = ObjectMeta(name="demo-1", labels=labels, annotations=annotations)
        spec = DeploymentSpec(selector=LabelSelector(), template=PodTemplateSpec())
        found = fleet_of(Deployment(metadata=meta, spec=spec))
        assert found is not None
        assert found.paused is paused


def test_a_shared_instance_says_how_many_play_on_it() -> None:
    labels = {"app.pixel/app": "hall", "app.pixel/version": "1", "app.pixel/pool": "idle"}
    annotations = {"controller.kubernetes.io/pod-deletion-cost": "7", **DRAINING}
    pod = Pod(
        metadata=ObjectMeta(name="hall-1-a", labels=labels, annotations=annotations),
        spec=PodSpec(containers=[], nodeName="gpu-1"),
        status=PodStatus(phase="Running"),
    )
    found = instance_of(pod)
    assert found is not None
    assert (found.players, found.draining, found.played_on) == (7, True, True)
    pod.metadata = ObjectMeta(
        name="hall-1-a", labels=labels, annotations={**annotations, **dict.fromkeys(annotations, "x")}
    )
    again = instance_of(pod)
    assert again is not None
    assert (again.players, again.draining, again.played_on) == (0, False, False)
