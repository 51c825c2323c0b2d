"""How the tests tell Prometheus what to scrape: by its own Kubernetes discovery, or in files where there is no cluster.

https://prometheus.io/docs/prometheus/3.14/configuration/configuration/#kubernetes_sd_config
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

META = "__meta_kubernetes_"


@dataclass(frozen=True)
class Target:
    """One address, with the labels that Prometheus' Kubernetes discovery would know of it."""

    found_by: str
    """A monitor."""
    address: str
    labels: Mapping[str, str]


def write_targets(folder: Path, targets: list[Target]) -> None:
    """Tell a running Prometheus what there is; it takes notice at once."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for target in targets:
        group = {"targets": [target.address], "labels": dict(target.labels)}
        groups.setdefault(target.found_by, []).append(group)
    for found_by, its in groups.items():
        path = folder / f"targets-{found_by}.json"
        path.with_suffix(".new").write_text(json.dumps(its))
        path.with_suffix(".new").replace(path)


def found_in(folder: Path, found_by: str) -> dict[str, list[str]]:
    """Where Prometheus reads what was written, as its configuration says it."""
    return {"files": [str(folder / f"targets-{found_by}.json")]}


def discovery(role: str, kubeconfig: Path) -> dict[str, Any]:
    """The part of a job that finds pods, endpoints or nodes in a cluster."""
    return {"kubernetes_sd_configs": [{"role": role, "kubeconfig_file": str(kubeconfig)}]}


def word(label: str) -> str:
    """A label's name as Prometheus spells it."""
    return "".join(character if character.isalnum() else "_" for character in label)
