"""Whatever happens in whatever order: caps hold, no session is touched, and buffers come back when there is room."""

from dataclasses import replace

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from capacity.buffer import Buffer
from capacity.controller.actions import Action, Free, Retire, Scale
from capacity.controller.cluster import Stage
from capacity.controller.decisions import Decision
from capacity.controller.settings import Application, Budget
from tests.unit.fleet_controller.simulated_kubernetes import SimulatedKubernetes
from tests.unit.fleet_controller.situations import fleet, stack

BUFFERS = st.builds(
    Buffer,
    instances=st.integers(0, 3),
    percent=st.sampled_from([0, 20, 100]),
    minimum=st.integers(0, 3),
    maximum=st.one_of(st.none(), st.integers(1, 6)),
    nodes=st.integers(0, 1),
)
PICK = st.integers(0, 10**6)


class Machine(RuleBasedStateMachine):
    """Two applications, one of which has two versions, on a pool of four nodes with two slots each."""

    @initialize(a=BUFFERS, b=BUFFERS, priority=st.integers(0, 1), soft=st.one_of(st.none(), st.just(2.0)))
    def begin(self, a: Buffer, b: Buffer, priority: int, soft: float | None) -> None:
        applications = (Application("a", a, priority), Application("b", b))
        its = stack(*applications, max_nodes=4, slots=2, budget=Budget(soft=soft, hard=4.0 if soft else None))
        fleets = [fleet("a-1", 1, weight=80), fleet("a-2", 1, weight=20), fleet("b-1", 1)]
        self.kube = SimulatedKubernetes(its, {each.name: each for each in fleets})
        self.stale: Decision | None = None
        self.decided = False
        for _ in range(3):
            self.kube.carry_out(self.kube.decision().actions)
            self.kube.add_node()
            self.kube.start()

    def _sessions(self) -> list[str]:
        return sorted(each.name for each in self.kube.instances.values() if each.stage is Stage.SESSION)

    def _carry_out(self, decision: Decision) -> None:
        before = self._sessions()
        there = set(self.kube.nodes)
        aimed_at = {each.instance for each in decision.actions if isinstance(each, Retire)}
        freed = {each.pod for each in decision.actions if isinstance(each, Free) and each.node not in there}
        self.kube.carry_out(decision.actions)
        # Also a decision that was made before somebody claimed what it is about.
        assert set(before) - set(self._sessions()) <= freed
        assert not aimed_at & set(before) or aimed_at & set(self._sessions()) == aimed_at & set(before)

    @rule()
    def decide(self) -> None:
        before = self._sessions()
        decision = self.kube.decision()
        busy = set(before)
        assert not [each for each in decision.actions if isinstance(each, Retire) and each.instance in busy]
        self._carry_out(decision)
        self.kube.memory = decision.memory
        self.decided = True
        self._caps_hold()
        if not any(isinstance(each, Free) for each in decision.actions):
            # What was just done is not done again.
            assert not [each for each in self.kube.decision().actions if isinstance(each, Scale)]

    def _caps_hold(self) -> None:
        """What the fleets are to have, with the sessions there are: within the pool, and each within its maximum."""
        kube = self.kube
        sessions = {app.name: kube.snapshot().sessions(app.name) for app in kube.its.applications}
        asked = {
            app.name: sum(each.replicas for each in kube.fleets.values() if each.application == app.name)
            for app in kube.its.applications
        }
        whole = kube.its.gpu.max_nodes * 2
        held = kube.holders.replicas
        assert sum(asked.values()) + held == 0 or sum(asked.values()) + held + sum(sessions.values()) <= whole
        for app in kube.its.applications:
            most = app.buffer.maximum
            assert most is None or asked[app.name] == 0 or asked[app.name] + sessions[app.name] <= most

    @rule()
    def look(self) -> None:
        """Another controller, or one that is about to be stopped, decides now and acts later."""
        self.stale = self.kube.decision()

    @precondition(lambda self: self.stale is not None)
    @rule()
    def act_late(self) -> None:
        assert self.stale is not None
        self._carry_out(self.stale)
        self.stale = None
        self.decided = False

    @rule(application=st.sampled_from("ab"), players=st.integers(1, 4))
    def players_come(self, application: str, players: int) -> None:
        for _ in range(players):
            self.kube.arrive(application)
        self.decided = False

    @rule(pick=PICK)
    def a_session_ends(self, pick: int) -> None:
        sessions = self._sessions()
        if sessions:
            self.kube.end(sessions[pick % len(sessions)])

    @precondition(lambda self: self.decided)
    @rule()
    def instances_start(self) -> None:
        """An instance takes longer to start than a controller to decide."""
        self.kube.start()
        self._no_more_than_the_cap()
        self.decided = False

    def _no_more_than_the_cap(self) -> None:
        live = [each for each in self.kube.instances.values() if each.stage in (Stage.WARM, Stage.SESSION)]
        there = [each for each in live if each.node in self.kube.nodes]
        assert len(there) <= self.kube.its.gpu.max_nodes * 2
        for app in self.kube.its.applications:
            its = [each for each in live if each.application == app.name]
            busy = sum(each.stage is Stage.SESSION for each in its)
            most = app.buffer.maximum
            # Sessions may be more only where the maximum was lower than what was there.
            assert most is None or len(its) <= max(most, busy)

    @rule()
    def a_node_comes(self) -> None:
        self.kube.add_node()

    @rule()
    def an_empty_node_goes(self) -> None:
        self.kube.remove_empty_node()

    @rule(pick=PICK)
    def a_node_is_lost(self, pick: int) -> None:
        names = sorted(self.kube.nodes)
        if names:
            self.kube.lose_node(names[pick % len(names)])

    @rule(pick=PICK, ready=st.booleans())
    def a_node_answers_or_does_not(self, pick: int, ready: bool) -> None:
        names = sorted(self.kube.nodes)
        if names:
            node = self.kube.nodes[names[pick % len(names)]]
            self.kube.nodes[node.name] = replace(node, ready=ready)

    @rule(pick=PICK, draining=st.booleans())
    def an_operator_drains_a_node(self, pick: int, draining: bool) -> None:
        names = sorted(self.kube.nodes)
        if names:
            node = self.kube.nodes[names[pick % len(names)]]
            self.kube.nodes[node.name] = replace(node, draining=draining, cordoned=draining)

    @rule(name=st.sampled_from(["a-1", "a-2", "b-1"]), draining=st.booleans(), weight=st.sampled_from([0, 50, 100]))
    def an_operator_changes_a_version(self, name: str, draining: bool, weight: int) -> None:
        self.kube.fleets[name] = replace(self.kube.fleets[name], draining=draining, weight=weight)
        self.decided = False

    @rule(seconds=st.sampled_from([1, 60, 3600]))
    def time_goes_by(self, seconds: int) -> None:
        self.kube.wait(seconds)
        self.decided = False

    @rule()
    def everything_settles(self) -> None:
        """Left alone, the cluster comes to what is wanted, as far as there is room; and nobody waits for nothing."""
        kube = self.kube
        kube.nodes = {name: replace(node, ready=True) for name, node in kube.nodes.items()}
        for _ in range(12):
            self.decide()
            while kube.add_node():
                pass
            kube.start()
        self.decide()
        figures = {each.name: each for each in kube.decision().figures.fleets}
        for name, fleet_ in kube.fleets.items():
            assert figures[name].warm == fleet_.replicas == figures[name].replicas
        assert len([pod for pod in kube.holders.pods if pod.running]) == kube.holders.replicas
        for app in kube.its.applications:
            its = [each for each in figures.values() if each.application == app.name]
            cut = any(each.cut for each in its)
            assert kube.waiting[app.name] == 0 or cut or all(each.weight == 0 for each in its)


Machine.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDecisions = Machine.TestCase


def test_operators_are_told_what_is_kept_ready() -> None:
    kube = SimulatedKubernetes(stack(), {"demo-1": fleet("demo-1", 0)})
    decision = kube.decision()
    kube.carry_out(decision.actions)
    (figures,) = decision.figures.fleets
    assert kube.fleets["demo-1"].buffer_target == figures.target > 0


def test_actions_of_a_settled_cluster_are_none() -> None:
    kube = SimulatedKubernetes(stack(), {"demo-1": fleet("demo-1", 0)})
    for _ in range(5):
        kube.carry_out(kube.decision().actions)
        kube.add_node()
        kube.start()
    actions: tuple[Action, ...] = kube.decision().actions
    assert actions == ()
    assert len([each for each in kube.instances.values() if each.stage is Stage.WARM]) == 2
