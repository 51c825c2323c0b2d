"""The engine over a program of Kubernetes objects, in a process of its own.

``python -m tests.cluster.kubernetes_plugin.program`` reads lines of JSON, ``{"command": …, "world": …}``, from its
input and answers each with a line that says what happened. It is a process of its own because the Automation API leaves
event loops and sockets behind, which a test run must not have.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml
from pulumi import automation as auto

from local.paths import CHECKOUT
from local.progress import Steps
from local.tools import ensure_tools


@dataclass
class World:
    """What the program of a test is given; a test changes it between two runs."""

    folder: str
    """The engine's working folder."""
    kubeconfig: str
    image: str = "example.com/web:1"
    app: str = "web"
    replicas: int = 0
    with_extra: bool = True
    timeout: str = "20s"


def program(world: World) -> Callable[[], None]:
    """A namespace with a workload, its configuration, a Secret, a definition and an object of it."""

    def run() -> None:
        cluster = k8s.Provider("cluster", kubeconfig=pulumi.Output.secret(world.kubeconfig), cluster_identifier="one")
        explicit = pulumi.ResourceOptions(provider=cluster)
        namespace = k8s.core.v1.Namespace("space", metadata={"name": "space"}, opts=explicit)
        inside = {"namespace": namespace.metadata.name}
        config = k8s.core.v1.ConfigMap("config", metadata=inside, data={"a": "1"}, opts=explicit)
        k8s.core.v1.Secret(
            "secret",
            metadata={**inside, "name": "secret"},
            string_data={"secret": pulumi.Output.secret("hidden-word")},
            opts=explicit,
        )
        labels = {"app": world.app}
        container = {
            "name": "main",
            "image": world.image,
            "env_from": [{"config_map_ref": {"name": config.metadata.name}}],
        }
        k8s.apps.v1.Deployment(
            "web",
            metadata={**inside, "name": "web"},
            spec={
                "replicas": world.replicas,
                "selector": {"match_labels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
            opts=pulumi.ResourceOptions.merge(
                explicit,
                pulumi.ResourceOptions(
                    custom_timeouts=pulumi.CustomTimeouts(create=world.timeout, update=world.timeout)
                ),
            ),
        )
        if not world.with_extra:
            return
        schema = {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
        definition = k8s.apiextensions.v1.CustomResourceDefinition(
            "things",
            metadata={"name": "things.engine.example.com"},
            spec={
                "group": "engine.example.com",
                "scope": "Namespaced",
                "names": {"plural": "things", "kind": "Thing"},
                "versions": [
                    {"name": "v1", "served": True, "storage": True, "schema": {"open_apiv3_schema": schema}},
                ],
            },
            opts=explicit,
        )
        thing = k8s.apiextensions.CustomResource(
            "thing",
            api_version="engine.example.com/v1",
            kind="Thing",
            metadata={**inside, "name": "thing"},
            spec={"size": 3},
            opts=pulumi.ResourceOptions.merge(explicit, pulumi.ResourceOptions(depends_on=[definition])),
        )
        pulumi.export("uid", thing.metadata["uid"])
        pulumi.export("config", config.metadata.name)

    return run


def open_stack(world: World) -> auto.Stack:
    """The stack, with its state in the world's folder and the plugin of this checkout."""
    folder = Path(world.folder)
    (folder / "state").mkdir(exist_ok=True)
    settings = {
        "name": "plugin",
        "runtime": "python",
        "plugins": {"providers": [{"name": "kubernetes", "path": str(CHECKOUT / "local" / "kubernetes")}]},
    }
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(settings))
    (folder / "bin").mkdir(exist_ok=True)
    executable = folder / "bin" / "pulumi"
    if not executable.exists():
        executable.symlink_to(ensure_tools(["pulumi"], Steps())["pulumi"])
    environment = {
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "of-a-test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PIXEL_PYTHON": sys.executable,
    }
    return auto.create_or_select_stack(
        stack_name="test",
        project_name="plugin",
        program=program(world),
        opts=auto.LocalWorkspaceOptions(
            work_dir=str(folder), pulumi_command=auto.PulumiCommand(root=str(folder)), env_vars=environment
        ),
    )


def run(stack: auto.Stack, command: str) -> dict[str, Any]:
    """Run one command: the operation on each resource that does not stay as it is, an update's outputs, the error."""
    changes: dict[str, str] = {}

    def note(event: Any) -> None:
        step = event.resource_pre_event
        if step is not None:
            operation = getattr(step.metadata.op, "value", str(step.metadata.op))
            if operation not in {"same", "read", "refresh"}:
                changes[step.metadata.urn.rpartition("::")[2]] = operation

    outputs: dict[str, Any] = {}
    try:
        result = getattr(stack, command)(on_event=note, color="never")
    except auto.CommandError as caught:
        return {"changes": changes, "outputs": {}, "error": str(caught)}
    if command == "up":
        outputs = {name: output.value for name, output in result.outputs.items()}
    return {"changes": changes, "outputs": outputs, "error": ""}


def main() -> None:
    """Answer one line of JSON with another until the input ends."""
    stack = None
    for line in sys.stdin:
        order = json.loads(line)
        world = World(**order["world"])
        stack = stack or open_stack(world)
        stack.workspace.program = program(world)
        print(json.dumps(run(stack, order["command"])), flush=True)


if __name__ == "__main__":
    main()
