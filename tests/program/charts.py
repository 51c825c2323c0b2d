"""Holds values against the real charts: every key is one that the chart has, and all of them fit its schema.

The charts' `values.yaml`, `values.schema.json` and CRDs lie beside the checkout and are no part of it, so what needs
them skips where they are absent. A chart without a schema takes a misspelt key without a word; hence the comparison
with `values.yaml`, which is stricter than Helm.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.program.recording import ROOT

CHARTS = ROOT.parent / "shared" / "charts"

needs_charts = pytest.mark.skipif(not CHARTS.is_dir(), reason="the real charts are not beside this checkout")

FREE_ANYWHERE = tuple(
    f"{way}{key}"
    for key in ("resources", "nodeSelector", "securityContext", "containerSecurityContext", "podSecurityContext")
    for way in ("", "*.")
)
"""Maps that charts give a content and copy as a whole into pods."""
FREE: Mapping[str, tuple[str, ...]] = {
    "traefik": (
        # The listeners besides the default one, and their certificates, stand in comments.
        "gateway.listeners",
        "service.spec",
        "ports.*.http.redirections.entryPoint",
    ),
    # Sections and keys of Grafana's own configuration file; the dot is in the key's name.
    "kube-prometheus-stack": ("grafana.grafana.ini",),
    # What a budget may say stands in comments.
    "cert-manager": ("podDisruptionBudget", "*.podDisruptionBudget"),
}
"""Maps whose keys the values file does not list though it gives the map a content: dotted paths, `*` for any key.

A map that a chart leaves empty is free without an entry here.
"""

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class RealChart:
    """A chart as its maker published it."""

    name: str
    version: str
    defaults: Mapping[str, Any]
    """Its values and, under their names, those of its subcharts."""
    schema: Mapping[str, Any] | None
    subcharts: Mapping[str, "RealChart"]


def chart_names() -> set[str]:
    """The charts that lie beside the checkout."""
    return {path.parent.name for path in CHARTS.glob("*/Chart.yaml")}


@functools.cache
def read_chart(folder: Path) -> RealChart:
    """The chart in a folder, with its subcharts."""
    about = yaml.load((folder / "Chart.yaml").read_text(), _Loader)
    values = folder / "values.yaml"
    own = (yaml.load(values.read_text(), _Loader) or {}) if values.exists() else {}
    aliases = {each["name"]: each.get("alias", each["name"]) for each in about.get("dependencies", [])}
    subcharts = {
        aliases.get(path.parent.name, path.parent.name): read_chart(path.parent)
        for path in sorted(folder.glob("charts/*/Chart.yaml"))
    }
    below = {name: {"global": {}, **chart.defaults} for name, chart in subcharts.items()}
    schema = folder / "values.schema.json"
    return RealChart(
        about["name"],
        about["version"],
        merged(below, own),
        json.loads(schema.read_text()) if schema.exists() else None,
        subcharts,
    )


def merged(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What Helm makes of defaults and values: maps are merged, a null takes the default away, the rest is replaced."""
    result = dict(defaults)
    for key, value in values.items():
        default = defaults.get(key)
        if value is None and default is not None:
            result.pop(key)
        elif isinstance(value, Mapping) and isinstance(default, Mapping):
            result[key] = merged(default, value)
        else:
            result[key] = value
    return result


def unknown_keys(defaults: Mapping[str, Any], values: Mapping[str, Any], free: tuple[str, ...]) -> list[str]:
    """The dotted paths of values that the chart has no key for."""

    def walk(known: Mapping[str, Any], given: Mapping[str, Any], way: str) -> Iterator[str]:
        for key, value in given.items():
            path = f"{way}{key}"
            if key not in known:
                yield path
            elif isinstance(value, Mapping) and not any(fnmatchcase(path, pattern) for pattern in free):
                inner = known[key]
                if isinstance(inner, Mapping) and inner:
                    yield from walk(inner, value, f"{path}.")

    return list(walk(defaults, values, ""))


def schema_errors(chart: RealChart, values: Mapping[str, Any], way: str = "") -> list[str]:
    """Where merged values break the schema of the chart or of a subchart."""
    found = []
    if chart.schema:
        kind = jsonschema.validators.validator_for(chart.schema)
        for error in kind(chart.schema).iter_errors(values):
            path = ".".join(map(str, error.absolute_path))
            found.append(f"{way}{path}: {error.message[:200]}")
    for name, subchart in chart.subcharts.items():
        found += schema_errors(subchart, values.get(name, {}), f"{way}{name}.")
    return found


def problems(chart: RealChart, values: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values of a release; nothing, if the list is empty."""
    unknown = unknown_keys(chart.defaults, values, FREE_ANYWHERE + FREE.get(chart.name, ()))
    return [f"{path}: not a key of the chart" for path in unknown] + schema_errors(
        chart, merged(chart.defaults, values)
    )
