"""Every Helm release of every stack: pinned, whole or not at all, and with values that its chart really has."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import versions
from components.addons import helm
from tests.program.charts import CHARTS, chart_names, merged, needs_charts, problems, read_chart
from tests.program.recording import Record, Registered


def releases(record: Record) -> list[Registered]:
    return record.of(helm.TOKEN)


@needs_charts
def test_values_are_those_that_the_charts_have(record: Record) -> None:
    found = {}
    for release in releases(record):
        chart = read_chart(CHARTS / Path(release.inputs["chart"]).name)
        if wrong := problems(chart, release.inputs["values"]):
            found[release.name] = wrong
    assert not found


@needs_charts
def test_the_pins_are_of_the_charts_that_were_checked() -> None:
    assert {name: pin.version for name, pin in versions.CHARTS.items()} == {
        name: read_chart(CHARTS / name).version for name in chart_names()
    }


def test_releases_are_pinned_and_come_whole_or_not_at_all(record: Record) -> None:
    for release in releases(record):
        its = release.inputs
        assert its["version"] == versions.CHARTS[Path(its["chart"]).name].version
        assert its["name"] == release.name
        assert its["namespace"] not in ("", "default")
        assert its["atomic"] is True
        assert its["cleanupOnFail"] is True
        assert "skipAwait" not in its, "the provider ignores it beside `atomic`"
        assert its["chart"].startswith("oci://") is not ("repositoryOpts" in its)


def test_what_brings_a_servicemonitor_comes_after_the_kind(record: Record) -> None:
    """Helm refuses a kind that the cluster does not know, and the release with it."""
    bringing = {each.name for each in releases(record) if monitored(each.inputs["values"])}
    assert bringing <= {each.name for each in releases(record)} - {MONITORING}
    for release in releases(record):
        if release.name in bringing:
            assert record.one(helm.TOKEN, name=MONITORING).urn in release.dependencies, release.name


def monitored(values: Any) -> bool:
    """Whether values switch a ServiceMonitor on, by whatever case a chart writes it in."""
    return isinstance(values, Mapping) and any(
        (key.lower() == "servicemonitor" and each.get("enabled") is True) or monitored(each)
        for key, each in values.items()
    )


def test_the_local_stack_has_no_releases(record: Record, stack: str) -> None:
    if stack == "local":
        assert not releases(record)


MONITORING = "kube-prometheus-stack"
"""Brings the kinds itself, and is all that may ask for one without waiting."""

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "properties": {"replicas": {"type": "integer", "minimum": 1}},
    "additionalProperties": {"type": "object"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A chart with a schema, and a subchart under another name with one of its own."""

    def write(at: Path, about: dict[str, Any], values: dict[str, Any]) -> None:
        at.mkdir(parents=True)
        (at / "Chart.yaml").write_text(yaml.safe_dump(about))
        (at / "values.yaml").write_text(yaml.safe_dump(values))
        (at / "values.schema.json").write_text(json.dumps(SCHEMA))

    chart = tmp_path / "outer"
    dependency = {"name": "inner", "alias": "within"}
    write(chart, {"name": "outer", "version": "1.2.3", "dependencies": [dependency]}, {"replicas": 1, "labels": {}})
    write(chart / "charts" / "inner", {"name": "inner", "version": "4"}, {"replicas": 1, "probe": {"path": "/"}})
    return chart


GOOD = {"replicas": 2, "labels": {"any": "thing"}, "within": {"replicas": 2, "probe": {"path": "/ready"}}}


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (GOOD, None),
        ({"label": {"any": "thing"}}, "label: not a key of the chart"),
        ({"within": {"probe": {"paht": "/"}}}, "within.probe.paht: not a key of the chart"),
        ({"inner": {"replicas": 2}}, "inner: not a key of the chart"),
        ({"replicas": 0}, "replicas: 0 is less than the minimum of 1"),
        ({"within": {"replicas": "2"}}, "within.replicas: '2' is not of type 'integer'"),
    ],
)
def test_a_wrong_value_is_found(folder: Path, values: dict[str, Any], wrong: str | None) -> None:
    assert problems(read_chart(folder), values) == ([wrong] if wrong else [])


def test_values_merge_as_helm_merges_them() -> None:
    defaults = {"kept": 1, "list": [1, 2], "map": {"kept": 1, "gone": 2}, "gone": {"a": 1}}
    values = {"list": [3], "map": {"gone": None, "new": 3}, "gone": None}
    assert merged(defaults, values) == {"kept": 1, "list": [3], "map": {"kept": 1, "new": 3}}
