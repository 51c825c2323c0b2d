"""The few things the matchmaker asks of Kubernetes, as an interface and by lightkube."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from lightkube import ApiError, AsyncClient
from lightkube.core.client import LabelSelector
from lightkube.core.generic_client import ListAsyncIterable
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node, Pod
from lightkube.types import PatchType

from signalling.kubernetes.instances import APPLICATION_LABEL
from signalling.kubernetes.nodes import TURN_LABEL, TURN_PODS

Kind = TypeVar("Kind", Pod, Node, Deployment)


class ClaimRefused(Exception):
    """A patch's test failed, the object has changed meanwhile or it is gone: somebody else was first."""


@dataclass(frozen=True, slots=True)
class Listed(Generic[Kind]):
    """All there are: what is not in it does not exist."""

    items: Sequence[Kind]


@dataclass(frozen=True, slots=True)
class Changed(Generic[Kind]):
    """One is new or different."""

    item: Kind


@dataclass(frozen=True, slots=True)
class Removed(Generic[Kind]):
    """One is gone, or no longer of those watched."""

    item: Kind


Event: TypeAlias = Listed[Kind] | Changed[Kind] | Removed[Kind]


class ClusterApi(Protocol):
    """Watches run once: a listing, then the changes since, until the stream ends or fails in whatever way."""

    def watch_instances(self) -> AsyncIterator[Event[Pod]]:
        """The pods that are instances."""
        ...

    def watch_fleets(self) -> AsyncIterator[Event[Deployment]]:
        """The Deployments that are fleets."""
        ...

    def watch_turn_nodes(self) -> AsyncIterator[Event[Node]]:
        """The nodes of the TURN pool."""
        ...

    def watch_turn_pods(self) -> AsyncIterator[Event[Pod]]:
        """The pods of coturn."""
        ...

    async def patch_pod(self, name: str, operations: Sequence[dict[str, object]]) -> Pod:
        """Apply a JSON patch; ClaimRefused when it does not apply, any other exception when nobody knows."""
        ...

    async def delete_pod(self, name: str) -> None:
        """Delete a pod; one that is gone already is no error."""
        ...

    async def list_nodes(self) -> Sequence[Node]:
        """All nodes of the cluster, as they are now."""
        ...

    async def patch_fleet(self, name: str, document: dict[str, object]) -> None:
        """Apply a merge patch to a Deployment; one that is gone already is no error."""
        ...


class LightkubeApi:
    """The real one."""

    def __init__(
        self, client: AsyncClient, namespace: str, watch_seconds: int = 240, quiet_seconds: float = 255.0
    ) -> None:
        """``watch_seconds`` is how long the API server keeps a watch open.

        One that says nothing for ``quiet_seconds`` is taken for dead (a half-open connection), and listed anew.
        """
        self._client: Final = client
        self._namespace: Final = namespace
        self._watch_seconds: Final = watch_seconds
        self._quiet_seconds: Final = quiet_seconds

    def watch_instances(self) -> AsyncIterator[Event[Pod]]:
        """See ClusterApi."""
        labels: LabelSelector = {APPLICATION_LABEL: None}
        return self._watch(
            self._client.list(Pod, namespace=self._namespace, labels=labels),
            lambda version: self._client.watch(
                Pod,
                namespace=self._namespace,
                labels=labels,
                resource_version=version,
                server_timeout=self._watch_seconds,
            ),
        )

    def watch_fleets(self) -> AsyncIterator[Event[Deployment]]:
        """See ClusterApi."""
        labels: LabelSelector = {APPLICATION_LABEL: None}
        return self._watch(
            self._client.list(Deployment, namespace=self._namespace, labels=labels),
            lambda version: self._client.watch(
                Deployment,
                namespace=self._namespace,
                labels=labels,
                resource_version=version,
                server_timeout=self._watch_seconds,
            ),
        )

    def watch_turn_nodes(self) -> AsyncIterator[Event[Node]]:
        """See ClusterApi."""
        labels: LabelSelector = {TURN_LABEL: "true"}
        return self._watch(
            self._client.list(Node, labels=labels),
            lambda version: self._client.watch(
                Node, labels=labels, resource_version=version, server_timeout=self._watch_seconds
            ),
        )

    def watch_turn_pods(self) -> AsyncIterator[Event[Pod]]:
        """See ClusterApi. They are in the namespace that this pod is in itself, which is the client's own."""
        labels: LabelSelector = dict(TURN_PODS)
        return self._watch(
            self._client.list(Pod, labels=labels),
            lambda version: self._client.watch(
                Pod, labels=labels, resource_version=version, server_timeout=self._watch_seconds
            ),
        )

    async def patch_pod(self, name: str, operations: Sequence[dict[str, object]]) -> Pod:
        """See ClusterApi."""
        try:
            return await self._client.patch(
                Pod, name, list(operations), namespace=self._namespace, patch_type=PatchType.JSON
            )
        except ApiError as error:
            if error.status.code in {404, 409, 422}:
                raise ClaimRefused(name) from error
            raise

    async def delete_pod(self, name: str) -> None:
        """See ClusterApi."""
        try:
            await self._client.delete(Pod, name, namespace=self._namespace)
        except ApiError as error:
            if error.status.code != 404:
                raise

    async def list_nodes(self) -> Sequence[Node]:
        """See ClusterApi."""
        return [node async for node in self._client.list(Node)]

    async def patch_fleet(self, name: str, document: dict[str, object]) -> None:
        """See ClusterApi."""
        try:
            await self._client.patch(Deployment, name, document, namespace=self._namespace, patch_type=PatchType.MERGE)
        except ApiError as error:
            if error.status.code != 404:
                raise

    async def _watch(
        self, listing: ListAsyncIterable[Kind], since: Callable[[str], AsyncIterable[tuple[str, Kind]]]
    ) -> AsyncIterator[Event[Kind]]:
        yield Listed([item async for item in listing])
        changes = aiter(since(listing.resourceVersion))
        while True:
            async with asyncio.timeout(self._quiet_seconds):
                operation, item = await anext(changes)
            yield Removed(item) if operation == "DELETED" else Changed(item)
