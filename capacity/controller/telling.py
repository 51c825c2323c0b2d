"""Notices as Kubernetes Events: `kubectl get events` shows them beside those of Kubernetes itself."""

import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import ObjectReference
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.events_v1 import Event

from capacity.controller.actions import Notice

LOG: Final = logging.getLogger("controller.telling")
REPEAT_SECONDS: Final = 600.0
"""The same is not said more often about the same: a cap may be reached every few seconds."""
_REPORTER: Final = "app.pixel/fleet-controller"


class Teller:
    """Writes events about fleets, and about the controller's own Deployment where they are about the whole."""

    def __init__(self, client: AsyncClient, instances_namespace: str, own: tuple[str, str], identity: str) -> None:
        """``own`` is namespace and name of the controller's Deployment."""
        self._client: Final = client
        self._instances_namespace: Final = instances_namespace
        self._own: Final = own
        self._identity: Final = identity
        self._said: Final[dict[tuple[str, str | None, str], float]] = {}

    async def tell(self, notices: Iterable[Notice]) -> None:
        """Write what has not just been written; an event that cannot be is logged and left out."""
        now = time.monotonic()
        for notice in notices:
            about = (notice.reason, notice.fleet, notice.about)
            if now - self._said.get(about, -REPEAT_SECONDS) < REPEAT_SECONDS:
                continue
            self._said[about] = now
            LOG.info("notice", extra={"reason": notice.reason, "fleet": notice.fleet, "text": notice.text})
            try:
                await self._client.create(self._event(notice))
            except ApiError as error:
                LOG.warning("event not written", extra={"reason": notice.reason, "answer": error.status.message})

    def _event(self, notice: Notice) -> Event:
        namespace, name = (self._instances_namespace, notice.fleet) if notice.fleet else self._own
        return Event(
            # A name as Kubernetes' own recorder makes it.
            metadata=ObjectMeta(name=f"{name}.{time.time_ns():x}", namespace=namespace),
            eventTime=datetime.now(UTC),
            action="Decide",
            reason=notice.reason,
            note=notice.text[:1000],
            type="Warning" if notice.warning else "Normal",
            regarding=ObjectReference(apiVersion="apps/v1", kind="Deployment", name=name, namespace=namespace),
            reportingController=_REPORTER,
            reportingInstance=self._identity[:128],
        )
