"""Runs the project's own Pulumi program on this machine: the real engine, with the simulated OCI in the cloud's place.

The program is ``__main__.py`` of the checkout, unchanged. What differs from a run against a tenancy is the engine's
working folder: its ``Pulumi.yaml`` names the simulated OCI's plugin, and its copy of the stack file names the images
that were built here.
"""

import json
import re
import runpy
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation as auto

from local.official_plugin import installed, plugin_home
from local.paths import CHECKOUT, stacks_dir
from local.touched import STACK_FILES, stack_names

StackFile = dict[str, Any]


class UnknownStackError(Exception):
    """A stack was named that has no file."""


def read_stack_file(name: str) -> StackFile:
    """A stack file's content; raises ``UnknownStackError`` naming the stacks there are."""
    path = STACK_FILES / f"Pulumi.{name}.yaml"
    if not path.is_file():
        raise UnknownStackError(
            f"no stack '{name}': there is no {path.name} in stacks/; there are: {', '.join(stack_names())}"
        )
    content: StackFile = yaml.safe_load(path.read_text())
    return content


def with_built_images(stack_file: StackFile, built: Mapping[str, str]) -> StackFile:
    """A copy of a stack file in which every image that was built here carries its new tag.

    ``built`` maps a repository (``localhost/pixel/streamer``) to its tag; images of other repositories stay.
    """
    changed: StackFile = json.loads(json.dumps(stack_file))
    images = changed["config"].get("pixel:images", {})
    for name, reference in images.items():
        repository = reference.rpartition(":")[0]
        if repository in built:
            images[name] = f"{repository}:{built[repository]}"
    for app in changed["config"].get("pixel:apps", []):
        if app["image"] in built:
            for version in app["versions"]:
                version["tag"] = built[app["image"]]
    return changed


def named_ocids(stack_file: StackFile) -> list[str]:
    """The OCIDs in a stack file: of what was made elsewhere, such as a vault, which the simulated OCI must believe."""
    return sorted(set(re.findall(r"ocid1\.[A-Za-z0-9._-]+", json.dumps(stack_file.get("config", {})))))


def run_program() -> None:
    """Run the checkout's ``__main__.py`` in this process, as the engine's inline program."""
    checkout = str(CHECKOUT)
    if checkout not in sys.path:
        sys.path.insert(0, checkout)
    runpy.run_path(str(CHECKOUT / "__main__.py"), run_name="__main__")


@dataclass(frozen=True)
class LocalStack:
    """One stack of the program, run by the real engine with state on this machine's disk."""

    name: str
    pulumi: Path
    """The pulumi executable."""
    kubeconfig: Path | None = None
    """The cluster that the simulated OCI hands out; without one it stays unknown, which suffices to preview."""
    folder: Path | None = None
    """Working folder of the engine; ``stacks_dir()/<name>`` unless given."""
    program: Callable[[], None] = run_program
    """What the engine runs; the project's own program unless given."""

    @property
    def work_dir(self) -> Path:
        """The engine's working folder."""
        return self.folder or stacks_dir() / self.name

    def open(self, stack_file: StackFile) -> auto.Stack:
        """Write the working folder and open the stack in it, created if it is new.

        A lock that a killed engine left on the stack is removed: one run at a time is the caller's promise.
        """
        self._write_work_dir(stack_file)
        stack = auto.create_or_select_stack(
            stack_name=self.name,
            project_name="pixel",
            program=self.program,
            opts=auto.LocalWorkspaceOptions(
                work_dir=str(self.work_dir),
                pulumi_command=auto.PulumiCommand(root=str(self.work_dir)),
                env_vars=self._environment() | {"PIXEL_OCI_EXISTING": " ".join(named_ocids(stack_file))},
            ),
        )
        if any((self.work_dir / "state" / ".pulumi" / "locks").rglob("*.json")):
            stack.cancel()
        return stack

    def remove(self) -> None:
        """Delete the working folder with the engine's and the simulated OCI's state."""
        shutil.rmtree(self.work_dir, ignore_errors=True)

    def _write_work_dir(self, stack_file: StackFile) -> None:
        for name in ("state", "bin"):
            (self.work_dir / name).mkdir(parents=True, exist_ok=True)
        executable = self.work_dir / "bin" / "pulumi"
        executable.unlink(missing_ok=True)
        executable.symlink_to(self.pulumi)
        project = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())
        project.pop("stackConfigDir", None)
        project["plugins"] = {"providers": provider_plugins()}
        (self.work_dir / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
        path = self.work_dir / f"Pulumi.{self.name}.yaml"
        written = yaml.safe_load(path.read_text()) if path.exists() else {}
        # The engine keeps the salt of the secrets it encrypted in the stack file; a new copy must carry it on.
        kept = {key: written[key] for key in ("encryptionsalt",) if key in written}
        path.write_text(yaml.safe_dump({**kept, **stack_file}, sort_keys=False))

    def _environment(self) -> dict[str, str]:
        environment = {
            "PULUMI_HOME": str(plugin_home()),
            "PULUMI_BACKEND_URL": f"file://{self.work_dir / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": self._passphrase(),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PIXEL_PYTHON": sys.executable,
            "PIXEL_OCI_STATE": str(self.work_dir / "oci"),
        }
        if self.kubeconfig is not None:
            environment["PIXEL_OCI_KUBECONFIG"] = str(self.kubeconfig)
        return environment

    def _passphrase(self) -> str:
        """The passphrase of this stack's secrets, made once and readable by its owner only."""
        path = self.work_dir / "passphrase"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32))
        return path.read_text()


def provider_plugins() -> list[dict[str, str]]:
    """The plugins that the engine takes from this checkout.

    The Kubernetes provider is the official one wherever it is installed; ours serves where it cannot be had.
    """
    plugins = [{"name": "oci", "path": str(CHECKOUT / "local" / "oci")}]
    if not installed():
        plugins.append({"name": "kubernetes", "path": str(CHECKOUT / "local" / "kubernetes")})
    return plugins
