"""Mirrors: where charts and images come from when the cluster, or who deploys to it, may not reach the internet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.settings.reading import Reader
from components.versions import CHARTS

_CHARTS = r"(https://[A-Za-z0-9.-]+(:\d+)?(/[\w.~-]+)*/?|oci://[A-Za-z0-9.-]+(:\d+)?(/[\w.-]+)*)"
_IMAGES = r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+)(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"


@dataclass(frozen=True)
class MirrorsSettings:
    """The `mirrors` key of a stack file; without it everything comes from where its makers publish it."""

    charts: Mapping[str, str] = field(default_factory=dict)
    """Chart repository, as its makers publish it, to the one that stands in for it."""
    images: str | None = None
    """Registry, with a path if need be, that holds the images of others below their full names."""


def read_mirrors(reader: Reader) -> MirrorsSettings:
    """Read the `mirrors` key."""
    charts = reader.section("charts", optional=True)
    form = 'a chart repository, such as "https://charts.example.com/traefik" or "oci://registry.example.com/charts"'
    published = sorted({chart.repository for chart in CHARTS.values()})
    settings = MirrorsSettings(
        charts={each: charts.text(each, _CHARTS, form) for each in published if charts.has(each)},
        images=reader.text("images", _IMAGES, 'a registry and path, such as "registry.example.com/mirror"')
        if reader.has("images")
        else None,
    )
    charts.close()
    reader.close()
    return settings
