"""One cluster: client, discovery and waiter together, with the requests that every operation is made of."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from local.kubernetes.client import Client, Manifest
from local.kubernetes.discovery import Discovery
from local.kubernetes.errors import ApiError, NoSuchKindError, conflict_text
from local.kubernetes.kubeconfig import Access
from local.kubernetes.objects import Kind, metadata_of, parse_id, to_wire
from local.kubernetes.waiting import Target, Waiter
from local.provider import ProviderError

RETRY_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts where something that the object stands on may be seconds old: its kind, its namespace."""

Answer = TypeVar("Answer")


class Connection:
    """Requests about single objects of one cluster."""

    def __init__(self, access: Access, default_namespace: str, cancelled: threading.Event) -> None:
        self.client = Client(access)
        self.discovery = Discovery(self.client)
        self.waiter = Waiter(self.client, cancelled)
        self.default_namespace = default_namespace
        self._cancelled = cancelled

    def namespaced(self, kind: Kind) -> bool | None:
        """Whether a kind lives in namespaces; None where the cluster does not know the kind (yet)."""
        try:
            return self.discovery.find(kind.api_version, kind.kind).namespaced
        except NoSuchKindError:
            return None

    def target(self, kind: Kind, inputs: Mapping[str, Any]) -> Target:
        """Where an object described by ``inputs`` is or will be; raises ``NoSuchKindError``."""
        metadata = metadata_of(inputs)
        return self._target(kind, metadata.get("namespace"), str(metadata["name"]))

    def target_of(self, kind: Kind, resource_id: str) -> Target:
        """Where the object of a Pulumi id is; raises ``NoSuchKindError``."""
        return self._target(kind, *parse_id(resource_id))

    def _target(self, kind: Kind, namespace: str | None, name: str) -> Target:
        mapped = self.discovery.find(kind.api_version, kind.kind)
        inside = (namespace or self.default_namespace) if mapped.namespaced else None
        return Target(kind, mapped, inside, name)

    def get(self, target: Target) -> Manifest | None:
        """The live object, None where there is none."""
        try:
            return self.client.get(target.path)
        except ApiError as error:
            if error.not_found:
                return None
            raise

    def apply(
        self, target: Target, inputs: Mapping[str, Any], manager: str, *, force: bool, dry_run: bool = False
    ) -> Manifest:
        """Apply ``inputs``; raises ``ApiError``, and ``ProviderError`` naming fields and managers on a conflict."""
        manifest = to_wire(inputs, target.namespace, target.name)
        try:
            return self.client.apply(target.path, manifest, manager, force=force, dry_run=dry_run)
        except ApiError as error:
            if error.conflicts:
                raise ProviderError(conflict_text(error, str(target))) from error
            raise

    def patiently(self, work: Callable[[], Answer]) -> Answer:
        """Do ``work``, again for some seconds where what it needs is being made: a kind, a namespace, its account."""
        for pause in RETRY_PAUSES:
            try:
                return work()
            except NoSuchKindError:
                pass
            except ApiError as error:
                if not _being_made(error):
                    raise
            if self._cancelled.wait(pause):
                break
        return work()


def namespace_missing(error: ApiError) -> bool:
    """Whether a request failed because the namespace does not exist."""
    return error.not_found and error.kind == "namespaces"


def _being_made(error: ApiError) -> bool:
    if error.not_found:
        return True
    return error.status == 403 and "serviceaccount" in error.message and "not found" in error.message
