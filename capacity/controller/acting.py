"""Carrying out what was decided: each write says what it rests on, and the API server refuses it when that has changed.

So a controller that has been overtaken, or that works on old news, does no harm: what it asks for is not done.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from lightkube import ApiError, AsyncClient
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node, Pod
from lightkube.types import PatchType

from capacity.controller import names
from capacity.controller.actions import (
    Action,
    Annotate,
    Cordon,
    Displace,
    Free,
    Kind,
    Remove,
    Retire,
    Scale,
)

LOG: Final = logging.getLogger("controller.acting")
FIELD_MANAGER: Final = "fleet-controller"
"""Owns what it writes, replicas above all: whoever applies a fleet without them leaves them as they are."""
AT_ONCE: Final = 16
_REFUSED: Final = frozenset({404, 409, 422})
"""The object is gone, or has changed, or a patch's test has failed."""


class Actor:
    """Does things in one cluster, for as long as ``leading`` says so."""

    def __init__(
        self, client: AsyncClient, namespace: str, leading: Callable[[], bool], count: Callable[[str], None]
    ) -> None:
        """``namespace`` is that of instances, fleets and placeholders; ``count`` hears `done` or `refused`."""
        self._client: Final = client
        self._namespace: Final = namespace
        self._leading: Final = leading
        self._few: Final = asyncio.Semaphore(AT_ONCE)
        self._count: Final = count

    async def carry_out(self, actions: Iterable[Action]) -> None:
        """Do them all, side by side; what is refused is left to the next decision."""
        await asyncio.gather(*(self._attempt(action) for action in actions))

    async def _attempt(self, action: Action) -> None:
        async with self._few:
            if not self._leading():
                return
            try:
                await self._do(action)
            except ApiError as error:
                if error.status.code not in _REFUSED:
                    raise
                self._count("refused")
                LOG.info("refused", extra={"action": repr(action), "answer": error.status.message})
            else:
                self._count("done")
                LOG.info("done", extra={"action": repr(action)})

    async def _do(self, action: Action) -> None:
        match action:
            case Scale(name, replicas, generation):
                await self._patch(Deployment, name, scale_patch(replicas, generation))
            case Retire(name):
                await self._patch(Pod, name, RETIRE_PATCH)
            case Remove(name) | Displace(name):
                await self._client.delete(Pod, name, namespace=self._namespace)
            case Free(name, node):
                await self._free(name, node)
            case Cordon(name, cordoned, leaving, seen):
                said = {names.LEAVING: "true" if leaving else None}
                await self._merge_node(name, {"spec": {"unschedulable": cordoned or None}, **_annotated(said, seen)})
            case Annotate(Kind.NODE, name, annotations, seen):
                await self._merge_node(name, _annotated(annotations, seen))
            case Annotate(kind, name, annotations, seen):
                await self._merge(Pod if kind is Kind.POD else Deployment, name, _annotated(annotations, seen))

    async def _free(self, pod: str, node: str) -> None:
        """Forget a pod whose node is gone: the API server itself is asked, for what is watched may lag behind."""
        try:
            await self._client.get(Node, node)
        except ApiError as error:
            if error.status.code != 404:
                raise
            await self._client.delete(Pod, pod, namespace=self._namespace, grace_period=0)

    async def _patch(self, kind: type[Deployment | Pod], name: str, operations: list[dict[str, object]]) -> None:
        await self._client.patch(
            kind,
            name,
            operations,
            namespace=self._namespace,
            patch_type=PatchType.JSON,
            field_manager=FIELD_MANAGER,
        )

    async def _merge(self, kind: type[Deployment | Pod], name: str, document: dict[str, Any]) -> None:
        await self._client.patch(
            kind,
            name,
            document,
            namespace=self._namespace,
            patch_type=PatchType.MERGE,
            field_manager=FIELD_MANAGER,
        )

    async def _merge_node(self, name: str, document: dict[str, Any]) -> None:
        await self._client.patch(Node, name, document, patch_type=PatchType.MERGE, field_manager=FIELD_MANAGER)


def scale_patch(replicas: int, generation: int) -> list[dict[str, object]]:
    """Another number of replicas, if nobody has changed the Deployment's specification since.

    Its generation counts exactly these changes, and not the status, which every claim changes.
    """
    return [
        {"op": "test", "path": "/metadata/generation", "value": generation},
        {"op": "replace", "path": "/spec/replicas", "value": replicas},
    ]


_POOL_PATH: Final = f"/metadata/labels/{names.POOL_LABEL.replace('/', '~1')}"
RETIRE_PATCH: Final[list[dict[str, object]]] = [
    {"op": "test", "path": _POOL_PATH, "value": names.IDLE},
    {"op": "replace", "path": _POOL_PATH, "value": names.ENDED},
]
"""Takes an idle instance out of its fleet. A claim has the same test: of the two the API server does one."""


def _annotated(annotations: Mapping[str, str | None], seen: str | None = None) -> dict[str, Any]:
    """A merge patch of annotations; with ``seen``, only of the object as it was then."""
    version = {"resourceVersion": seen} if seen else {}
    return {"metadata": {"annotations": dict(annotations), **version}}
