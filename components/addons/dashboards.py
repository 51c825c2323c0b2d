"""Grafana's dashboards: a short description in YAML to the model that Grafana reads. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from components.manifests import FOLDER, Loader

DASHBOARDS = FOLDER / "dashboards"
DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
"""The datasource that kube-prometheus-stack provisions, by its uid."""

_WIDTH = 24
_HEIGHT = {"stat": 4, "table": 7, "timeseries": 8}
_COLUMNS = 3
_SCHEMA = 41
"""Version of the model; Grafana brings older ones up to its own."""


def names() -> list[str]:
    """The dashboards, by the names of their files."""
    return sorted(path.stem for path in DASHBOARDS.glob("*.yaml"))


def description(name: str) -> dict[str, Any]:
    """A dashboard as its file describes it."""
    found: dict[str, Any] = yaml.load((DASHBOARDS / f"{name}.yaml").read_text(), Loader)  # noqa: S506 - a safe one
    return found


def model(dashboard: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    """Grafana's JSON model of a described dashboard."""
    return {
        "uid": dashboard["uid"],
        "title": f"Pixel streaming: {dashboard['title']}",
        "tags": ["pixel-streaming"],
        "timezone": timezone,
        "editable": False,
        "refresh": "30s",
        "schemaVersion": _SCHEMA,
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_variable(each) for each in dashboard.get("variables", [])]},
        "links": [
            {"type": "dashboards", "tags": ["pixel-streaming"], "asDropdown": True, "title": "Pixel streaming"},
        ],
        "panels": list(_laid_out(dashboard)),
    }


def _variable(variable: Mapping[str, Any]) -> dict[str, Any]:
    every = variable.get("all", False)
    return {
        "name": variable["name"],
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": variable["query"], "refId": variable["name"]},
        "definition": variable["query"],
        # On each change of the time range: sessions come and go.
        "refresh": 2,
        "sort": 1,
        "includeAll": every,
        "multi": every,
        "current": {"text": "All", "value": "$__all"} if every else {},
    }


def _laid_out(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows from the top; within one, panels side by side and as high as the highest of their line."""
    number, y = 1, 0
    for row in dashboard["rows"]:
        yield {"id": number, "type": "row", "title": row["title"], "gridPos": _place(0, y, _WIDTH, 1), "panels": []}
        number, y = number + 1, y + 1
        panels = row["panels"]
        stats = all(panel.get("type") == "stat" for panel in panels)
        columns = min(len(panels), 6 if stats else _COLUMNS)
        for start in range(0, len(panels), columns):
            line = panels[start : start + columns]
            width, height = _WIDTH // columns, max(_HEIGHT[panel.get("type", "timeseries")] for panel in line)
            for i, panel in enumerate(line):
                yield _panel(panel, number, _place(i * width, y, width, height))
                number += 1
            y += height


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Mapping[str, Any], number: int, place: dict[str, int]) -> dict[str, Any]:
    kind = panel.get("type", "timeseries")
    return {
        "id": number,
        "type": kind,
        "title": panel["title"],
        "description": panel.get("description", ""),
        "datasource": DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.get("unit", "short")}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + i),
                "datasource": DATASOURCE,
                "expr": query["expr"],
                "legendFormat": query.get("legend", panel["title"]),
                # A table shows the labels as columns, and what holds now.
                "instant": kind == "table",
                "range": kind != "table",
                "format": "table" if kind == "table" else "time_series",
            }
            for i, query in enumerate(panel["queries"])
        ],
    }
