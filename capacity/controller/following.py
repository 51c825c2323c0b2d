"""Following one kind of object: a listing, then every change, for as long as the process lives."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, NoReturn, TypeVar

from lightkube import AsyncClient
from lightkube.core.client import LabelSelector
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node, Pod

LOG: Final = logging.getLogger("controller.following")
LONGEST_PAUSE: Final = 10.0

Kind = TypeVar("Kind", Pod, Deployment, Node)


@dataclass(frozen=True)
class Selection(Generic[Kind]):
    """Which objects are followed."""

    kind: type[Kind]
    namespace: str | None
    """None for kinds outside namespaces."""
    labels: LabelSelector


class Followed(Generic[Kind]):
    """The selected objects by name, as they were last heard of."""

    def __init__(
        self,
        client: AsyncClient,
        selection: Selection[Kind],
        changed: Callable[[], None],
        quiet_seconds: float = 255.0,
    ) -> None:
        """``changed`` is called after each change.

        A watch that says nothing for ``quiet_seconds`` is taken for dead (a half-open connection), and begun anew.
        """
        self._client: Final = client
        self._selection: Final[Selection[Kind]] = selection
        self._changed: Final = changed
        self._quiet_seconds: Final = quiet_seconds
        self._objects: dict[str, Kind] = {}
        self.synced = False

    @property
    def objects(self) -> Mapping[str, Kind]:
        """By name. While the API server is away they stand as they were."""
        return self._objects

    async def follow(self) -> NoReturn:
        """Go on for ever, beginning anew whenever a watch ends in whatever way."""
        failures = 0
        while True:
            try:
                await self._once()
            except (TimeoutError, StopAsyncIteration):
                # The watch was quiet for its time, or the API server has closed it, as it does every few minutes.
                failures = 0
            except Exception as error:  # Whatever the client raises, the answer is to list anew.
                failures += 1
                said = {"kind": self._selection.kind.__name__, "error": repr(error)[:300], "times": failures}
                LOG.warning("watch failed", extra=said)
            longest = min(LONGEST_PAUSE, 0.2 * 2 ** min(failures, 8))
            await asyncio.sleep(longest * random.uniform(0.5, 1))  # noqa: S311  # Not a secret.

    async def _once(self) -> NoReturn:
        its = self._selection
        listing = self._client.list(its.kind, namespace=its.namespace, labels=its.labels)  # type: ignore[type-var]
        self._objects = {name: item async for item in listing if (name := _name(item.metadata))}
        self.synced = True
        self._changed()
        watch = self._client.watch(
            its.kind,  # type: ignore[type-var]  # Of nodes the namespace is None, which is what they are to have.
            namespace=its.namespace,
            labels=its.labels,
            resource_version=listing.resourceVersion,
            server_timeout=int(self._quiet_seconds - 15),
        )
        changes = aiter(watch)
        while True:
            async with asyncio.timeout(self._quiet_seconds):
                operation, item = await anext(changes)
            self._apply(operation, item)
            self._changed()

    def _apply(self, operation: str, item: Kind) -> None:
        name = _name(item.metadata)
        if operation == "DELETED":
            self._objects.pop(name, None)
        else:
            self._objects[name] = item


def _name(meta: ObjectMeta | None) -> str:
    return (meta.name if meta else None) or ""
