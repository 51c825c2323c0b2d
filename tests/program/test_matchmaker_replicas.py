"""One matchmaker has no disruption budget, which would keep its node from being drained; several have."""

import pytest

from components.workloads import matchmaker
from tests.program.recording import Record, run, stack_file

STACK = "local"


def with_replicas(monkeypatch: pytest.MonkeyPatch, replicas: int) -> Record:
    monkeypatch.setattr(matchmaker, "REPLICAS", replicas)
    return run(STACK, stack_file(STACK))


def test_one_matchmaker_can_be_drained(record: Record) -> None:
    assert record.object("Deployment", "matchmaker")["spec"]["replicas"] == matchmaker.REPLICAS == 1
    assert "matchmaker" not in {each.inputs["metadata"]["name"] for each in record.objects("PodDisruptionBudget")}


def test_of_several_matchmakers_one_at_a_time_can_go(monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_replicas(monkeypatch, 3)
    deployment = found.object("Deployment", "matchmaker")["spec"]
    budget = found.object("PodDisruptionBudget", "matchmaker")["spec"]
    assert deployment["replicas"] == 3
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == deployment["selector"]


def test_matchmakers_are_spread_over_domains_and_nodes(record: Record) -> None:
    deployment = record.object("Deployment", "matchmaker")["spec"]
    spread = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for each in spread:
        assert each["labelSelector"] == deployment["selector"]
        # A stack may have one domain only, and a roll-out has one matchmaker more than nodes for a while.
        assert each["whenUnsatisfiable"] == "ScheduleAnyway"
