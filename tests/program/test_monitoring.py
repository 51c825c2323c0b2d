"""Monitoring as the program makes it: charts whose pods are bounded, one drawn password, dashboards for Grafana."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.addons import dashboards, helm
from components.addons.monitoring import recording_rules, session_cost
from components.settings import Settings, load
from tests.program.recording import Record, Registered, record_of
from tests.unit.components.settings_cases import patched

BOUNDED = (
    "prometheus.prometheusSpec",
    "alertmanager.alertmanagerSpec",
    "grafana",
    "grafana.sidecar",
    "kube-state-metrics",
    "prometheus-node-exporter",
    "prometheusOperator",
    "prometheusOperator.prometheusConfigReloader",
    "prometheusOperator.admissionWebhooks.patch",
)
"""Every container that the values of kube-prometheus-stack start."""


@pytest.fixture
def monitored(record: Record, its: Settings) -> Record:
    if not its.monitoring.enabled:
        pytest.skip("the stack has no monitoring")
    return record


def values(record: Record, chart: str) -> dict[str, Any]:
    (release,) = (each for each in record.of(helm.TOKEN) if each.name == chart)
    found: dict[str, Any] = release.inputs["values"]
    return found


def at(found: Any, path: str) -> Any:
    for key in path.split("."):
        found = found[key]
    return found


def test_a_stack_without_monitoring_makes_nothing_of_it() -> None:
    record = record_of("local")
    assert not [each for each in record.resources if "monitoring" in each.urn]


def test_every_container_of_the_charts_is_bounded(monitored: Record) -> None:
    stack, exporter = values(monitored, "kube-prometheus-stack"), values(monitored, "dcgm-exporter")
    for bounded in [at(stack, path) for path in BOUNDED] + [exporter]:
        assert bounded["resources"]["limits"].keys() == bounded["resources"]["requests"].keys() == {"cpu", "memory"}


def test_prometheus_takes_what_anybody_brings_and_keeps_what_is_asked(monitored: Record, its: Settings) -> None:
    spec = at(values(monitored, "kube-prometheus-stack"), "prometheus.prometheusSpec")
    for kind in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"):
        assert spec[f"{kind}SelectorNilUsesHelmValues"] is False
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["storageClassName"] == "oci-bv"
    assert claim["resources"]["requests"]["storage"] == f"{its.monitoring.storage_gb}Gi"
    assert spec["retention"] == f"{its.monitoring.retention_days}d"
    assert int(spec["retentionSize"].removesuffix("GB")) < its.monitoring.storage_gb


def test_the_admin_s_password_is_drawn_once_and_never_shown(monitored: Record) -> None:
    (secret,) = (each for each in monitored.objects("Secret") if each.inputs["metadata"]["name"] == "grafana-admin")
    assert secret.secrets == {"data"}
    password = base64.b64decode(secret.inputs["data"]["admin-password"]).decode()
    assert len(password) >= 32
    assert password not in str([each.inputs for each in monitored.resources if each.name != secret.name])
    grafana = values(monitored, "kube-prometheus-stack")["grafana"]
    assert grafana["admin"]["existingSecret"] == "grafana-admin"
    assert "adminPassword" not in grafana


def test_the_gpu_exporter_goes_where_gpus_are(monitored: Record) -> None:
    exporter = values(monitored, "dcgm-exporter")
    assert exporter["nodeSelector"] == {"app.pixel/gpu": "true"}
    assert {each["key"] for each in exporter["tolerations"]} >= {"nvidia.com/gpu", "app.pixel/gpu"}


def test_what_uses_the_kinds_comes_after_the_chart_that_brings_them(monitored: Record) -> None:
    (release,) = (each for each in monitored.of(helm.TOKEN) if each.name == "kube-prometheus-stack")
    for each in monitored.objects("ServiceMonitor", "PodMonitor", "PrometheusRule"):
        if each.inputs["metadata"]["namespace"] == "monitoring":
            assert release.urn in each.dependencies, each.name


def maps(record: Record) -> Iterator[Registered]:
    for each in record.objects("ConfigMap"):
        if each.inputs["metadata"].get("labels", {}).get("grafana_dashboard") == "1":
            yield each


def test_dashboards_are_whole_and_do_not_overlap(monitored: Record, its: Settings) -> None:
    models = [json.loads(text) for each in maps(monitored) for text in each.inputs["data"].values()]
    assert sorted(each["uid"] for each in models) == sorted(
        dashboards.description(n)["uid"] for n in dashboards.names()
    )
    for model in models:
        assert model["timezone"] == its.monitoring.timezone
        assert len({panel["id"] for panel in model["panels"]}) == len(model["panels"])
        taken: set[tuple[int, int]] = set()
        for panel in model["panels"]:
            place = cells(panel["gridPos"])
            assert not taken & place, panel["title"]
            taken |= place


def cells(place: Mapping[str, int]) -> set[tuple[int, int]]:
    assert place["x"] + place["w"] <= 24
    return {
        (x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])
    }


def test_limits_come_from_the_stack_file() -> None:
    config = patched("pixel:monitoring", {"enabled": True, "gpu_hour_price": 1.5, "currency": "EUR"})
    rules = {
        rule["record"]: rule for group in recording_rules(load(config))["spec"]["groups"] for rule in group["rules"]
    }
    assert rules["pixel:gpu_nodes:limit"]["expr"] == "vector(8)"
    assert rules["pixel:turn_node_bits_per_second:limit"]["expr"] == "vector(2000000000)"
    assert (rules["pixel:turn_nodes:minimum"]["expr"], rules["pixel:turn_nodes:maximum"]["expr"]) == (
        "vector(1)",
        "vector(4)",
    )
    assert rules["pixel:instance_buffer:target"]["expr"] == "vector(4)"
    assert rules["pixel:gpu_hour_price"] == {
        "record": "pixel:gpu_hour_price",
        "expr": "vector(1.5)",
        "labels": {"currency": "EUR"},
    }


@pytest.mark.parametrize(
    ("sharing", "part"),
    [
        ({"mode": "exclusive"}, "pixel:gpu_hour_price"),
        ({"mode": "time-slicing", "slots": 2}, "pixel:gpu_hour_price * 1 / 2"),
        (
            {"mode": "cpu"},
            "(1 / count by (node) (group by (node, namespace, pod) (signalserver_stream_socket_connections)))",
        ),
    ],
)
def test_a_session_costs_its_part_of_a_gpu(sharing: dict[str, Any], part: str) -> None:
    assert session_cost(load(patched("pixel:pools/gpu/sharing", sharing)).pools).endswith(part)
