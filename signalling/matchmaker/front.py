"""What a matchmaker has beside its players' connections, put together: login, limits, API, webhooks, usage, regions."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import ClientSession, web

from signalling.entrance.entrance import Entrance
from signalling.kubernetes.api import ClusterApi
from signalling.limits.limits import Limits
from signalling.login.grants import Grant
from signalling.login.issuer_keys import IssuerKeys
from signalling.login.login import Login
from signalling.login.settings import Algorithm, Mode
from signalling.login.tickets import ShownTickets, no_peers
from signalling.login.tokens import NoLogin, SharedLogin, SignedLogin, TokenLogin
from signalling.matchmaker.admission import COOKIE, Redirected
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.replica import Replica
from signalling.matchmaker.settings import MatchmakerSettings, Places, StackSettings
from signalling.operations.audit import AuditLog
from signalling.operations.credential import AdminKey
from signalling.operations.handlers import Operations
from signalling.operations.matchmaker import MatchmakerService
from signalling.operations.page import operator_page
from signalling.operations.server import Access, OperationsServer
from signalling.outgoing import fetching
from signalling.records.interface import Records
from signalling.records.memory import MemoryRecords
from signalling.regions.peers import Peers
from signalling.regions.publication import (
    KEYS_HEADERS,
    KEYS_PATH,
    REGION_HEADERS,
    REGION_PATH,
    RegionAnswer,
    key_set,
)
from signalling.shell import listening
from signalling.shell.secret_files import SecretFile
from signalling.usage.chronicle import Chronicler
from signalling.usage.ledger import SEEN_SECONDS
from signalling.webhooks.delivery import Surroundings as Delivering
from signalling.webhooks.delivery import Webhooks
from signalling.webhooks.events import Event

LOG: Final = logging.getLogger("matchmaker")
PAGE_PATHS: Final = frozenset({"/", "/index.html"})

Secrets = Callable[[], Sequence[str]]


@dataclass(frozen=True)
class SecretFiles:
    """The secrets that this stack's parts prove and sign with; empty where there is no such part."""

    admin: Secrets | None = None
    login: Secrets = tuple
    webhooks: Secrets = tuple


def read_secret_files(stack: StackSettings, places: Places) -> SecretFiles:
    """The files as the stack needs them; SecretError names one that is missing."""
    symmetric = stack.login.mode is Mode.SHARED or Algorithm.HS256 in stack.login.algorithms
    return SecretFiles(
        admin=SecretFile(places.admin_key_file) if places.admin_key_file.exists() else None,
        login=SecretFile(places.login_secret_file) if symmetric else tuple,
        webhooks=SecretFile(places.webhook_key_file) if stack.webhooks.endpoints else tuple,
    )


class MatchmakerFront:
    """See Front. To be made where the event loop runs."""

    def __init__(
        self,
        settings: MatchmakerSettings,
        stack: StackSettings,
        secrets: SecretFiles,
        issuer: Issuer,
        api: ClusterApi,
        *,
        shared: Records | None = None,
        operator_folder: Path | None = None,
    ) -> None:
        """``shared`` is what replicas keep together; None for the only one.

        ``operator_folder`` holds the operator's page.
        """
        self._settings: Final = settings
        self._stack: Final = stack
        self._secrets: Final = secrets
        self._issuer: Final = issuer
        self._api: Final = api
        self._shared: Final = shared
        self._operator_folder: Final = operator_folder
        self._records: Final[Records] = MemoryRecords() if shared is None else shared
        # Issuers and peers are named by the stack, and may be anywhere; webhooks' names could be made to lead inside.
        self._http: Final = fetching.session(private=True)
        self._outside: Final[ClientSession] = fetching.session(private=stack.webhooks.private)
        its = stack.regions
        self._peers: Final = Peers(its, self._http, self._sign) if its.peers else None
        self._keys: Final = IssuerKeys(self._http, stack.login.jwks) if stack.login.jwks else None
        self.admission: Final = Entrance(
            self._login(),
            Limits(stack.limits, shared),
            self._records,
            origins=stack.origins,
            proxies=stack.limits.proxies,
        )
        self.chronicle: Final = Chronicler(its.name, self._records, self._tell, self.admission.over)
        self._region: Final = RegionAnswer(its.name, self._rooms, time.monotonic)
        self._webhooks: Webhooks | None = None
        self._replica: Replica | None = None
        self._operations: web.AppRunner | None = None

    @property
    def operations_port(self) -> int:
        """The session API's, for one that was asked for any."""
        return 0 if self._operations is None else listening.port_of(self._operations)

    @property
    def page_allowed(self) -> Mapping[str, Sequence[str]]:
        """What the player page's policy allows, by directive: what the stack says, and asking the other regions."""
        allowed = self._stack.player_page.allowed
        hosts = [urlsplit(peer.url).netloc for peer in self._stack.regions.peers]
        regions = [f"{scheme}://{host}" for host in hosts for scheme in ("https", "wss")]
        merged: dict[str, Sequence[str]] = dict(allowed.items())
        return merged | {"connect-src": [*regions, *merged.get("connect-src", ())]}

    def _login(self) -> Login:
        its = self._stack.login
        tokens: TokenLogin = NoLogin()
        if its.mode is Mode.SHARED:
            tokens = SharedLogin(self._secrets.login)
        elif its.mode is Mode.SIGNED:
            tokens = SignedLogin(its, self._secrets.login, self._keys)
        peer_keys = no_peers if self._peers is None else self._peers.keys
        return Login(tokens, ShownTickets(self._issuer.public, self._stack.regions.name, peer_keys))

    def _sign(self, claims: Any, seconds: float) -> str:  # noqa: ANN401 - any claims
        return self._issuer.sign(claims, seconds)

    def _tell(self, event: Event) -> None:
        if self._webhooks is not None:
            self._webhooks.tell(event)

    # Front

    async def open(self, replica: Replica) -> None:
        """See Front."""
        self._replica = replica
        self.admission.attach(self)
        registry = replica.metrics.registry
        self._webhooks = Webhooks(
            self._stack.webhooks, Delivering(self._secrets.webhooks, self._outside, self._shared), registry
        )
        if self._secrets.admin is None:
            LOG.warning("no session API", extra={"remedy": "mount the Secret with the admin key"})
            return
        service = MatchmakerService(
            replica,
            self._api,
            [application.name for application in self._stack.applications],
            self._stack.controlled,
            region=self._stack.regions.name,
            peers=self._peers,
        )
        audit = AuditLog(self._records)
        operations = Operations(service, self.chronicle.ledger, audit, self._sign, self._stack.page)
        access = Access(
            AdminKey(self._secrets.admin),
            self._stack.api.origins,
            public_status=self._stack.api.public_status,
            proxies=self._stack.limits.proxies,
        )
        app = OperationsServer(operations, access, registry).application(operator_page(self._operator_folder))
        its = self._settings
        self._operations = await listening.listen(app, its.operations_host, its.operations_port)
        LOG.info("session API", extra={"port": self.operations_port})

    def work(self) -> Iterator[Coroutine[Any, Any, None]]:
        """See Front."""
        yield self.admission.run()
        yield self._follow_sessions()
        if self._webhooks is not None:
            yield self._webhooks.run()
        if self._keys is not None:
            yield self._keys.follow()
        if self._peers is not None:
            yield self._peers.follow()

    def routes(self) -> Iterable[web.RouteDef]:
        """See Front."""

        async def region(_: web.Request) -> web.Response:
            return web.Response(body=self._region(), headers=REGION_HEADERS)

        async def keys(_: web.Request) -> web.Response:
            return web.Response(body=key_set(self._issuer.public()), headers=KEYS_HEADERS)

        return (web.get(REGION_PATH, region), web.get(KEYS_PATH, keys))

    def page_elsewhere(self, request: web.Request) -> web.Response | None:
        """See Front. Whoever has been here before, and may have something here, stays."""
        if self._peers is None or request.path not in PAGE_PATHS or COOKIE in request.cookies:
            return None
        application = self._stack.application(request.query.get("app"))
        if application is None or self.room(application.name) > 0:
            return None
        address = self._peers.page_elsewhere(application.name, request.query_string)
        if address is None:
            return None
        return web.Response(status=307, headers={"Location": address, "Cache-Control": "no-store"})

    async def close(self) -> None:
        """See Front."""
        await self.chronicle.stop(self._settings.store_seconds)
        if self._webhooks is not None:
            await self._webhooks.flush()
        if self._operations is not None:
            await self._operations.cleanup()
        await self._http.close()
        await self._outside.close()

    # The entrance's surroundings

    def room(self, application: str) -> int:
        """See entrance.Surroundings."""
        if self._replica is None:
            return 0
        return self._replica.idle(application) - self._replica.waiting(application)

    def going_on(self, session: str) -> bool:
        """See entrance.Surroundings."""
        connected = self._replica is not None and self._replica.connections.of(session) is not None
        return connected or self.has_instance(session)

    def has_instance(self, session: str) -> bool:
        """See entrance.Surroundings."""
        if self._replica is None:
            return False
        instance = self._replica.inventory.of_session(session)
        return (instance is not None and not instance.going) or self._replica.seats.has(session)

    def elsewhere(self, application: str, grant: Grant) -> Redirected | None:
        """See entrance.Surroundings."""
        found = None if self._peers is None else self._peers.elsewhere(application, grant)
        if found is None:
            return None
        LOG.info("sent to another region", extra={"application": application, "region": found.region})
        return Redirected(found.url, found.ticket)

    def queued(self, session: str, application: str, subject: str) -> None:
        """See entrance.Surroundings."""
        self.chronicle.queued(session, application, subject)

    # Inside

    def _rooms(self) -> Mapping[str, tuple[int, int]]:
        it = self._replica
        names = [application.name for application in self._stack.applications]
        return {} if it is None else {name: (it.idle(name), it.waiting(name)) for name in names}

    async def _follow_sessions(self) -> None:
        """Write down what goes on, again and again; not before the instances are known."""
        while True:
            if self._replica is not None and self._replica.synced:
                try:
                    await self.chronicle.going_on(chain(self._replica.instances(), self._replica.seats))
                except Exception:
                    LOG.exception("usage round failed")
            await asyncio.sleep(SEEN_SECONDS)
