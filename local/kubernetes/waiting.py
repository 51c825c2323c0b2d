"""Waiting for objects to become ready or to go, with what is going on shown meanwhile."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.kubernetes.client import Client, Manifest
from local.kubernetes.discovery import Mapped
from local.kubernetes.errors import ApiError, UnreachableError
from local.kubernetes.explain import deletion_text, events_text, pods_text, selector_text
from local.kubernetes.objects import Kind
from local.kubernetes.readiness import Facts, Readiness, State, needs_endpoints, readiness
from local.provider import ProviderError

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
PODS_EVERY = 3.0
"""Seconds between two looks at a waiting workload's pods."""


class NotReadyError(Exception):
    """An object did not become ready; ``live`` is how it was last seen."""

    def __init__(self, live: Manifest, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.live = live
        self.reasons = reasons


@dataclass(frozen=True)
class Target:
    """One object to wait for."""

    kind: Kind
    mapped: Mapped
    namespace: str | None
    name: str

    @property
    def path(self) -> str:
        """Its path."""
        return self.mapped.path(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name}"


class Waiter:
    """Waits on one cluster until ``cancelled`` is set."""

    def __init__(self, client: Client, cancelled: threading.Event) -> None:
        self._client = client
        self._cancelled = cancelled

    def until_ready(
        self,
        target: Target,
        inputs: Mapping[str, Any],
        live: Manifest,
        timeout: float,
        show: Callable[[str], None],
    ) -> Manifest:
        """The object once it is ready; raises ``NotReadyError`` on a failure or after ``timeout`` seconds."""
        deadline, pause, shown, looked = time.monotonic() + timeout, FIRST_PAUSE, "", time.monotonic()
        while True:
            state = self.state(target, inputs, live)
            if state.state is State.READY:
                return live
            if state.state is State.FAILED:
                raise NotReadyError(live, [f"{target} failed: {state.message}", *self.reasons(target, live)])
            text = state.message
            if time.monotonic() - looked > PODS_EVERY:
                looked = time.monotonic()
                text = "; ".join([text, *self._pods(target, live)[:1]])
            if text != shown:
                show(text)
                shown = text
            if time.monotonic() > deadline:
                late = f"{target} was not ready after {timeout:.0f} s: {state.message}"
                raise NotReadyError(live, [late, *self.reasons(target, live)])
            if self._cancelled.wait(pause):
                raise NotReadyError(live, [f"cancelled while waiting for {target}: {state.message}"])
            pause = min(pause * 1.3, LONGEST_PAUSE)
            live = self._look(target, live)

    def until_gone(self, target: Target, timeout: float, show: Callable[[str], None]) -> None:
        """Return once the object that is there now is gone; raises ``ProviderError`` saying what keeps it."""
        deadline, pause, uid, shown = time.monotonic() + timeout, FIRST_PAUSE, None, ""
        while True:
            try:
                live = self._client.get(target.path)
            except ApiError as error:
                if error.not_found:
                    return
                raise
            uid = uid or live["metadata"].get("uid")
            if live["metadata"].get("uid") != uid:
                return
            text = deletion_text(live)
            if time.monotonic() > deadline:
                raise ProviderError(f"{target} was not gone after {timeout:.0f} s: {text}")
            if text != shown:
                show(text)
                shown = text
            if self._cancelled.wait(pause):
                raise ProviderError(f"cancelled while waiting for {target} to go: {text}")
            pause = min(pause * 1.3, LONGEST_PAUSE)

    def state(self, target: Target, inputs: Mapping[str, Any], live: Manifest) -> Readiness:
        """How far an object is now."""
        return readiness(target.kind, inputs, live, self._facts(target, live))

    def reasons(self, target: Target, live: Manifest) -> list[str]:
        """Lines on the pods and warnings that belong to an object; empty where the cluster does not tell."""
        return [*self._pods(target, live), *self._events(target)]

    def _look(self, target: Target, last: Manifest) -> Manifest:
        try:
            return self._client.get(target.path)
        except UnreachableError:
            # A control plane that restarts is no reason to give an object up; the deadline is.
            return last
        except ApiError as error:
            if error.not_found:
                raise NotReadyError(last, [f"{target} was deleted while it was being waited for"]) from error
            raise

    def _facts(self, target: Target, live: Manifest) -> Facts:
        if target.kind == Kind("v1", "Service") and needs_endpoints(live):
            return Facts(ready_endpoints=self._ready_endpoints(target))
        if target.kind == Kind("v1", "PersistentVolumeClaim"):
            return Facts(waits_for_consumer=self._waits_for_consumer(live))
        return Facts()

    def _ready_endpoints(self, target: Target) -> int:
        slices = self._client.get(
            f"/apis/discovery.k8s.io/v1/namespaces/{target.namespace}/endpointslices",
            {"labelSelector": f"kubernetes.io/service-name={target.name}"},
        )
        endpoints = (each for item in slices.get("items") or () for each in item.get("endpoints") or ())
        return sum(1 for each in endpoints if (each.get("conditions") or {}).get("ready") is not False)

    def _waits_for_consumer(self, live: Manifest) -> bool:
        name = (live.get("spec") or {}).get("storageClassName")
        if not name:
            return False
        try:
            storage_class = self._client.get(f"/apis/storage.k8s.io/v1/storageclasses/{name}")
        except ApiError:
            return False
        return storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"

    def _pods(self, target: Target, live: Manifest) -> list[str]:
        if target.kind == Kind("v1", "Pod"):
            return pods_text([live])
        selector = selector_text(live)
        if not target.namespace or not selector:
            return []
        return pods_text(self._items(f"/api/v1/namespaces/{target.namespace}/pods", {"labelSelector": selector}))

    def _events(self, target: Target) -> list[str]:
        if not target.namespace:
            return []
        query = {"fieldSelector": "type=Warning"}
        return events_text(self._items(f"/api/v1/namespaces/{target.namespace}/events", query), [target.name])

    def _items(self, path: str, query: Mapping[str, str]) -> list[Manifest]:
        try:
            items: list[Manifest] = self._client.get(path, query).get("items") or []
        except (ApiError, UnreachableError):
            # This only explains; what it explains is reported without it.
            return []
        return items
