"""Putting a placement of node pools on the nodes of the local cluster."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.oci.kinds import NODE_POOL
from local.oci.model import Resource
from local.oci.placement import Change, Marks, Node, Pool, Taint, plan, pool_of
from local.provider import ProviderError

if TYPE_CHECKING:
    from local.kubernetes.client import Client

MARKS = "local.pixel/pools"
"""The annotation in which a node itself remembers what pools put on it, so that no killed run loses track of it."""

ATTEMPTS = 8
"""How often a change is planned anew after somebody else changed the node meanwhile."""


def place_pools(kubeconfig: str, resources: Iterable[Resource]) -> None:
    """Make every local node carry its pools' labels and taints, and take back what earlier ones left.

    Raises ``ProviderError`` when the cluster refuses or does not answer.
    """
    pools = [pool_of(each) for each in resources if each.kind == NODE_POOL]
    try:
        content = Path(kubeconfig).read_text()
    except FileNotFoundError:
        if pools:
            raise ProviderError(
                f"PIXEL_OCI_KUBECONFIG = {kubeconfig} is not there: start the local cluster, or unset it"
            ) from None
        # The cluster is gone, and with it all that pools put there.
        return
    # A preview, and a stack without a cluster, must not pay for an HTTP client.
    from local.kubernetes.client import Client  # noqa: PLC0415
    from local.kubernetes.kubeconfig import parse_kubeconfig  # noqa: PLC0415

    client = Client(parse_kubeconfig(content))
    try:
        for attempt in range(1, ATTEMPTS + 1):
            if _place(client, pools, last=attempt == ATTEMPTS):
                return
    finally:
        client.close()


def _place(client: "Client", pools: list[Pool], *, last: bool) -> bool:
    """Whether every change went through; False when a node changed meanwhile."""
    from local.kubernetes.errors import ApiError  # noqa: PLC0415

    nodes = [_node(item) for item in client.get("/api/v1/nodes").get("items", [])]
    try:
        for change in plan(pools, nodes):
            client.request(
                "PATCH",
                f"/api/v1/nodes/{change.node}",
                body=_patch(change),
                media_type="application/merge-patch+json",
            )
    except ApiError as error:
        if last or error.status not in (404, 409):
            raise
        return False
    return True


def _node(item: dict[str, Any]) -> Node:
    metadata = item["metadata"]
    taints = item.get("spec", {}).get("taints") or []
    return Node(
        metadata["name"],
        metadata.get("labels") or {},
        tuple(Taint(each["key"], each.get("value", ""), each["effect"], each.get("timeAdded", "")) for each in taints),
        Marks.of_text((metadata.get("annotations") or {}).get(MARKS, "")),
        metadata.get("resourceVersion", ""),
    )


def _patch(change: Change) -> dict[str, Any]:
    # Taints are one list, in which Kubernetes writes its own at any time: a patch of an older version is refused.
    metadata = {
        "labels": dict(change.labels),
        "annotations": {MARKS: change.marks.to_text() or None},
        "resourceVersion": change.version,
    }
    if change.taints is None:
        return {"metadata": metadata}
    return {"metadata": metadata, "spec": {"taints": [_taint(each) for each in change.taints]}}


def _taint(taint: Taint) -> dict[str, str]:
    optional = {"value": taint.value, "timeAdded": taint.added}
    return {"key": taint.key, "effect": taint.effect, **{key: text for key, text in optional.items() if text}}
