"""Runs one engine operation on the local stack and prints what it changed, as JSON on the last line.

A process of its own, since the Automation API leaves event loops behind in the one that used it.
``python -m tests.cluster.stack_program up|refresh [TAG]``
"""

import json
import sys
from typing import Any

from pulumi import automation as auto

from local import cluster
from local.demo import local_stack_file
from local.images import build_images
from local.progress import Steps
from local.stack import LocalStack, StackFile
from local.tools import ensure_tools


def changed_resources(stack: LocalStack, stack_file: StackFile) -> dict[str, str]:
    """What ``pulumi up`` does, as operation by resource name; resources that stay the same are left out."""
    operations: dict[str, str] = {}

    def note(event: auto.events.EngineEvent) -> None:
        if event.resource_pre_event and event.resource_pre_event.metadata.op != auto.OpType.SAME:
            metadata = event.resource_pre_event.metadata
            operations[metadata.urn.rpartition("::")[2]] = metadata.op.value

    stack.open(stack_file).up(on_event=note, color="never")
    return operations


def with_tag(stack_file: StackFile, tag: str) -> StackFile:
    """The stack file with another tag for its first application, whose image gets that tag on the node, too."""
    app = stack_file["config"]["pixel:apps"][0]
    image = f"{app['image']}:{app['versions'][0]['tag']}"
    cluster.run_in_node(["ctr", "-n", "k8s.io", "images", "tag", "--force", image, f"{app['image']}:{tag}"])
    app["versions"][0]["tag"] = tag
    return stack_file


def main(operation: str, tag: str = "") -> None:
    """Run the operation named on the command line."""
    kubeconfig = cluster.running()
    assert kubeconfig is not None, "the local stack is not running"
    stack = LocalStack("local", ensure_tools(["pulumi"], Steps())["pulumi"], kubeconfig)
    stack_file = local_stack_file(build_images(Steps()))
    if tag:
        stack_file = with_tag(stack_file, tag)
    result: dict[str, Any]
    if operation == "refresh":
        changes = stack.open(stack_file).refresh(color="never").summary.resource_changes or {}
        result = {str(kind): count for kind, count in changes.items()}
    else:
        result = changed_resources(stack, stack_file)
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
