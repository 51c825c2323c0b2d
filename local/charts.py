"""``python -m local charts``: fetches the charts that stacks install, in the versions that the program pins.

Tests render them with the values of every stack, where they and Helm are. Nothing of a chart is part of this project.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from components.manifests import FOLDER
from components.versions import CHARTS
from local import paths
from local.progress import Steps
from local.tools.errors import ToolError


def used() -> dict[str, str]:
    """The charts that have values here, and so may be installed, with their versions."""
    names = sorted(path.name.removesuffix(".yaml.j2") for path in (FOLDER / "values").glob("*.yaml.j2"))
    return {name: CHARTS[name].version for name in names}


def archive(name: str, version: str) -> Path:
    """Where a chart is or will be."""
    return paths.charts_dir() / f"{name}-{version}.tgz"


def missing() -> list[str]:
    """The charts that are still to be fetched."""
    return [name for name, version in used().items() if not archive(name, version).is_file()]


def fetch(steps: Steps) -> None:
    """Fetch what is missing, with Helm from PATH; ToolError with Helm's words if a repository cannot be reached."""
    wanted = missing()
    helm = shutil.which("helm")
    if wanted and helm is None:
        raise ToolError("there is no helm on PATH to fetch charts with: https://helm.sh/docs/intro/install/")
    paths.charts_dir().mkdir(parents=True, exist_ok=True)
    for name in wanted:
        with steps.step(f"Fetch the chart {name} {CHARTS[name].version}"):
            _pull(str(helm), name)


def _pull(helm: str, name: str) -> None:
    chart = CHARTS[name]
    # Moved into place whole: a fetch that breaks off leaves nothing that looks like a chart.
    with tempfile.TemporaryDirectory(dir=paths.charts_dir()) as folder:
        command = [helm, "pull", name, "--repo", chart.repository, "--version", chart.version, "--destination", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ToolError(f"{name} cannot be fetched from {chart.repository}: {done.stderr.strip()}")
        (fetched,) = Path(folder).glob("*.tgz")
        fetched.replace(archive(name, chart.version))
