"""Everything that is watched and asked, put together into one state."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, Final

from aiohttp import ClientSession
from lightkube import AsyncClient
from lightkube.core.client import LabelSelector
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node, Pod

from capacity.controller import names
from capacity.controller.asking import Matchmakers, Relays
from capacity.controller.cluster import Cluster, Instance, Placeholders, Stage
from capacity.controller.following import Followed, Selection
from capacity.controller.reading import address_of, fleet_of, instance_of, node_of, placeholders_of, pool_of
from capacity.controller.settings import ControllerSettings, StackSettings


class Observer:
    """Keeps sight of one cluster; ``changed`` is called whenever it looks different."""

    def __init__(
        self,
        client: AsyncClient,
        http: ClientSession,
        its: ControllerSettings,
        stack: StackSettings,
        changed: Callable[[], None],
    ) -> None:
        self._its: Final = its
        self._stack: Final = stack
        self._changed: Final = changed
        namespace = stack.instances_namespace
        applications: LabelSelector = {names.APPLICATION_LABEL: None}
        holders: LabelSelector = {names.PLACEHOLDER_LABEL: None}
        self._instances: Final = Followed(client, Selection(Pod, namespace, applications), changed)
        self._fleets: Final = Followed(client, Selection(Deployment, namespace, applications), changed)
        self._placeholders: Final = Followed(client, Selection(Deployment, namespace, holders), changed)
        self._placeholder_pods: Final = Followed(client, Selection(Pod, namespace, holders), changed)
        self._gpu_nodes: Final = Followed(client, Selection(Node, None, {names.GPU_LABEL: "true"}), changed)
        self._turn_nodes: Final = Followed(client, Selection(Node, None, {names.TURN_LABEL: "true"}), changed)
        self.matchmakers: Final = Matchmakers(http, stack.matchmakers)
        self._sessions: frozenset[str] = frozenset()
        """Those there were when matchmakers last told who waits."""
        self._relays: Final = Relays(http, stack.turn.metrics_port) if stack.turn else None

    @property
    def _followed(self) -> tuple[Followed[Pod] | Followed[Deployment] | Followed[Node], ...]:
        deployments, pods = (self._fleets, self._placeholders), (self._instances, self._placeholder_pods)
        return (*deployments, *pods, self._gpu_nodes, self._turn_nodes)

    @property
    def synced(self) -> bool:
        """Everything that is watched has been listed: nothing is taken for gone that was never seen."""
        return all(each.synced for each in self._followed)

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run for it."""
        return [
            *(each.follow() for each in self._followed),
            self._again(self._ask_who_waits, self._its.poll_seconds),
            self._again(self._ask_the_rest, self._its.relay_seconds),
        ]

    async def _again(self, ask: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        while True:
            await ask()
            await asyncio.sleep(seconds)

    async def _ask_who_waits(self) -> None:
        # From before the answers: who was served while they came is not to count as waiting.
        sessions = frozenset(each.name for each in self._in_session())
        await self.matchmakers.ask_who_waits()
        self._sessions = sessions
        # Also when nobody waits: schedules and budgets go by the clock.
        self._changed()

    async def _ask_the_rest(self) -> None:
        await self.matchmakers.ask_what_ended()
        if self._relays is not None:
            found = {name: address_of(node) for name, node in self._turn_nodes.objects.items()}
            await self._relays.ask({name: address for name, address in found.items() if address is not None})

    def cluster(self) -> Cluster:
        """The state now."""
        pool = self._stack.gpu
        return Cluster(
            fleets=tuple(fleet for each in self._fleets.objects.values() if (fleet := fleet_of(each))),
            instances=tuple(self._seen_instances()),
            gpu_nodes=tuple(node_of(each, pool) for each in self._gpu_nodes.objects.values()),
            turn_nodes=tuple(node_of(each, pool) for each in self._turn_nodes.objects.values()),
            gpu_placeholders=self._holders("gpu"),
            turn_placeholders=self._holders("turn"),
            waiting=self._waiting(),
            relays=self._relays.relays if self._relays else {},
            ended=self.matchmakers.ended,
        )

    def _seen_instances(self) -> Iterator[Instance]:
        return (found for each in self._instances.objects.values() if (found := instance_of(each)))

    def _in_session(self) -> Iterator[Instance]:
        return (each for each in self._seen_instances() if each.stage is Stage.SESSION)

    def _waiting(self) -> dict[str, int]:
        """The queue as it was told last, less those who have had their instance since: that shows sooner."""
        served = Counter(each.application for each in self._in_session() if each.name not in self._sessions)
        return {name: max(0, number - served[name]) for name, number in self.matchmakers.waiting.items()}

    def _holders(self, pool: str) -> Placeholders | None:
        deployments: Mapping[str, Deployment] = self._placeholders.objects
        found = next((each for each in deployments.values() if pool_of(each.metadata) == pool), None)
        if found is None:
            return None
        pods = self._placeholder_pods.objects.values()
        return placeholders_of(found, [each for each in pods if pool_of(each.metadata) == pool])
