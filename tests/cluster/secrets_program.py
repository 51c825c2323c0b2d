"""The engine over the secrets of a stack, with the simulated OCI and a real API server, in a process of its own.

``python -m tests.cluster.secrets_program FOLDER KUBECONFIG`` reads lines of JSON, as ``Stack.run`` of the test writes
them, and answers each with what the engine changed. The Automation API leaves loops behind, hence the process.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes
import pulumi_oci
from pulumi.automation import EngineEvent

from components.manifests import KubernetesObject
from components.secrets import Secrets, SecretsArgs, held, kubernetes_secret
from components.settings.secrets import Secret, SecretsSettings, Vault
from components.workloads.tickets import public_keys
from local.progress import Steps
from local.stack import LocalStack, read_stack_file
from local.tools import ensure_tools

NAMESPACE = "kept"
COMPARTMENT = "ocid1.compartment.oc1..aaaaaaaasecrets"


def program(kubeconfig: str, vault: str, rotation: int) -> None:
    """The value for TURN, in a Secret, and what is made of a Secret that is a seed of tickets."""
    region = pulumi_oci.Provider("region", region="eu-frankfurt-1")
    cluster = pulumi_kubernetes.Provider("cluster", kubeconfig=pulumi.Output.secret(kubeconfig))
    here = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    namespace = KubernetesObject(here, pulumi.ResourceOptions(provider=cluster))
    settings = SecretsSettings(Vault(vault), None, None, {Secret.TURN: rotation})
    args = SecretsArgs(COMPARTMENT, "kept", settings, frozenset({Secret.TURN}), protect=False, tags={})
    value = Secrets("secrets", args, pulumi.ResourceOptions(providers=[region])).values[Secret.TURN]
    parent = pulumi.ComponentResource("pixel:test:Test", "test", None, pulumi.ResourceOptions(providers=[cluster]))
    secret = kubernetes_secret(
        "turn-secret",
        NAMESPACE,
        {"secret": value.current, **({} if value.previous is None else {"previous": value.previous})},
        parent=parent,
        depends_on=[namespace],
        drawn=value.drawn,
    )
    KubernetesObject(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "ticket-keys", "namespace": NAMESPACE},
            "data": {"keys": pulumi.Output.unsecret(held(secret).apply(public_keys))},
        },
        pulumi.ResourceOptions(parent=parent, depends_on=[namespace]),
    )


def main(folder: str, kubeconfig: str) -> None:
    """Answer one line of JSON with another until the input ends."""
    pulumi_command = ensure_tools(["pulumi"], Steps())["pulumi"]
    content = Path(kubeconfig).read_text()
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        changes: dict[str, str] = {}

        def note(event: EngineEvent, changes: dict[str, str] = changes) -> None:
            if event.resource_pre_event and event.resource_pre_event.metadata.op.value != "same":
                step = event.resource_pre_event.metadata
                changes[step.urn.rpartition("::")[2]] = step.op.value

        local = LocalStack(
            "secrets",
            pulumi_command,
            folder=Path(folder),
            program=lambda order=order: program(content, order["vault"], order["rotation"]),  # type: ignore[misc]
        )
        # The engine wants the keys that the project declares; this program reads none.
        stack = local.open(read_stack_file("local"))
        getattr(stack, order["command"])(on_event=note, color="never")
        print(json.dumps(changes), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
