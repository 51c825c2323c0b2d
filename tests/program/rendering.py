"""Renders a stack's releases as Helm would install them, where Helm and the charts are: `make charts` fetches those.

What Helm makes of values depends on what the cluster knows: the version, and the kinds that it serves.
"""

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.charts import archive, missing
from tests.program.recording import Registered

HELM = shutil.which("helm")

needs_helm = pytest.mark.skipif(HELM is None or bool(missing()), reason="Helm or a chart is not here: make charts")

STARTS_PODS = ("Deployment", "DaemonSet", "StatefulSet", "Job")


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Takes a plain `=` for the text that it is, as Kubernetes does."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)


def whole_numbers(value: Any) -> Any:
    """Numbers as the files have them: on their way through the engine all of them become floats."""
    if isinstance(value, dict):
        return {key: whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [whole_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def rendered(release: Registered, kubernetes: str, kinds: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The objects of a release in a cluster of a version, each with its namespace where the chart leaves it to Helm.

    ``kinds`` are kinds that the cluster serves beyond those that every one of that version does, as
    `group/version/Kind`.
    """
    its = release.inputs
    chart = archive(Path(its["chart"]).name, its["version"])
    values = yaml.safe_dump(whole_numbers(its["values"]), sort_keys=True)
    printed = _template(its["name"], its["namespace"], chart, values, kubernetes, tuple(kinds), its["skipCrds"])
    objects = [document for document in yaml.load_all(printed, Loader) if document]
    for each in objects:
        each["metadata"].setdefault("namespace", its["namespace"])
    return objects


@functools.cache
def _template(
    name: str, namespace: str, chart: Path, values: str, kubernetes: str, kinds: tuple[str, ...], skip_crds: bool
) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(values)
        file.flush()
        command = [str(HELM), "template", name, str(chart), "--namespace", namespace, "--values", file.name]
        command += ["--kube-version", kubernetes, *(f"--api-versions={each}" for each in kinds)]
        command += [] if skip_crds else ["--include-crds"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Helm warns of values that mean nothing to a chart, and goes on.
    assert (done.returncode, done.stderr) == (0, ""), f"{name} {kubernetes}: {done.stderr}"
    return done.stdout


def pods(objects: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, namespace and pod template of everything that starts pods."""
    for each in objects:
        if each["kind"] in STARTS_PODS:
            metadata = each["metadata"]
            yield f"{each['kind'].lower()}-{metadata['name']}", metadata["namespace"], each["spec"]["template"]
