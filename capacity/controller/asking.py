"""What matchmakers and TURN nodes say of themselves on their ports for health and metrics."""

import asyncio
import logging
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from capacity.controller.cluster import Relay, Tally

LOG: Final = logging.getLogger("controller.asking")
SECONDS: Final = ClientTimeout(total=3.0)
STALE_SECONDS: Final = 30.0
"""How long a matchmaker's part of the queue counts as it was, while it does not answer."""

ENDED: Final = "pixel_sessions_ended_total"
BAD: Final = "pixel_sessions_bad_total"
STARTED: Final = "process_start_time_seconds"
FAILED_OUTCOMES: Final = frozenset({"unreachable", "interrupted"})
UNTRIED_OUTCOME: Final = "abandoned"
"""The player left before there was anything to judge."""

ALLOCATIONS: Final = "pixel_turn_allocations"
BYTES: Final = "pixel_turn_bytes_total"
SENT: Final = frozenset({"to_player", "to_instance"})
"""What a node sends: its shape bounds that."""


class _Status(msgspec.Struct):
    waiting: dict[str, int]


Sample = tuple[str, Mapping[str, str], float]


def samples(text: str, names: Iterable[str]) -> Iterator[Sample]:
    """Name, labels and value of the named metrics in an exposition; others, maybe thousands, are not even parsed."""
    starts = tuple(names)
    lines = "\n".join(line for line in text.splitlines() if line.startswith(starts))
    for family in text_string_to_metric_families(f"{lines}\n"):
        for sample in family.samples:
            if sample.name in starts and math.isfinite(sample.value):
                yield sample.name, sample.labels, sample.value


def _told(answer: bytes | None, names: Iterable[str]) -> list[Sample] | None:
    """The samples of an answer; None of one that is none, as where something else has the port."""
    try:
        return None if answer is None else list(samples(answer.decode(), names))
    except ValueError as error:
        LOG.warning("no metrics", extra={"error": repr(error)[:200]})
        return None


def tallies(found: Iterable[Sample]) -> tuple[float, dict[str, Tally]]:
    """When a matchmaker began to count, and what it has counted, by `application/version`."""
    started, counts = 0.0, dict[str, Tally]()
    for name, labels, value in found:
        if name == STARTED:
            started = value
            continue
        number = round(value)
        if name == BAD:
            new = Tally(bad=number)
        elif labels.get("outcome") == UNTRIED_OUTCOME:
            continue
        else:
            new = Tally(number, number if labels.get("outcome") in FAILED_OUTCOMES else 0)
        key = f"{labels.get('application')}/{labels.get('version')}"
        counts[key] = counts.get(key, Tally()).plus(new)
    return started, counts


@dataclass(frozen=True, slots=True)
class _Queue:
    """One matchmaker's part of the queue."""

    at: float
    waiting: Mapping[str, int]
    """Players, by application."""


class Matchmakers:
    """All of them, each by its address: a Service without an address of its own names them."""

    def __init__(self, http: ClientSession, url: str) -> None:
        """``url`` has scheme, host and port."""
        self._http: Final = http
        self._url: Final = URL(url)
        self._queues: dict[str, _Queue] = {}
        """By address, as each was told last."""
        self.answered = 0
        """How many did, when they were last asked."""
        self.ended: Mapping[str, Mapping[str, Tally]] = {}
        """By matchmaker and start; those that did not answer are missing."""

    @property
    def waiting(self) -> Mapping[str, int]:
        """Players who wait, by application; nobody of a matchmaker that has not answered for a while."""
        since = time.monotonic() - STALE_SECONDS
        told = [queue.waiting for queue in self._queues.values() if queue.at > since]
        return {
            name: sum(each.get(name, 0) for each in told) for name in sorted({name for each in told for name in each})
        }

    async def ask_who_waits(self) -> None:
        """Each knows its own players only: their sum is the queue."""
        addresses = await self._addresses()
        answers = await asyncio.gather(*(self._get(address, "/status") for address in addresses))
        told = {
            address: found for address, answer in zip(addresses, answers, strict=True) if (found := _decoded(answer))
        }
        self.answered = len(told)
        if not addresses:
            # That no name is known does not say that nobody waits.
            return
        now = time.monotonic()
        # Of one that is silent its players stand as they were: they would seem to have gone.
        silent = {address: queue for address, queue in self._queues.items() if address in addresses}
        self._queues = silent | {address: _Queue(now, its.waiting) for address, its in told.items()}

    async def ask_what_ended(self) -> None:
        """Counts of each since its start."""
        addresses = await self._addresses()
        answers = await asyncio.gather(*(self._get(address, "/metrics") for address in addresses))
        ended = {}
        for address, answer in zip(addresses, answers, strict=True):
            if (found := _told(answer, (ENDED, BAD, STARTED))) is not None:
                started, counts = tallies(found)
                ended[f"{address} {started}"] = counts
        self.ended = ended

    async def _addresses(self) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(str(self._url.host), self._url.port)
        except OSError as error:
            LOG.warning("no matchmaker is known", extra={"host": self._url.host, "error": str(error)})
            return []
        return sorted({str(entry[4][0]) for entry in found})

    async def _get(self, address: str, path: str) -> bytes | None:
        return await fetched(self._http, str(self._url.with_host(address).with_path(path)))


def _decoded(answer: bytes | None) -> _Status | None:
    try:
        return None if answer is None else msgspec.json.decode(answer, type=_Status)
    except msgspec.DecodeError:
        return None


async def fetched(http: ClientSession, url: str) -> bytes | None:
    """What is at an address; None when nothing is."""
    try:
        async with http.get(url, timeout=SECONDS) as answer:
            return await answer.read() if answer.status == 200 else None
    except (ClientError, OSError, TimeoutError) as error:
        LOG.info("no answer", extra={"url": url, "error": repr(error)[:200]})
        return None


@dataclass(frozen=True, slots=True)
class _Sent:
    at: float
    bytes: float


class Relays:
    """The TURN nodes, each asked for what it carries."""

    def __init__(self, http: ClientSession, port: int) -> None:
        self._http: Final = http
        self._port: Final = port
        self._sent: dict[str, _Sent] = {}
        self.relays: Mapping[str, Relay] = {}
        """By node; those that did not answer are missing."""

    async def ask(self, addresses: Mapping[str, str]) -> None:
        """Ask the nodes at these addresses. Bandwidth is that since the last time."""
        answers = await asyncio.gather(*(self._ask(name, address) for name, address in addresses.items()))
        self.relays = {name: relay for name, relay in zip(addresses, answers, strict=True) if relay is not None}
        self._sent = {name: sent for name, sent in self._sent.items() if name in self.relays}

    async def _ask(self, name: str, address: str) -> Relay | None:
        host = f"[{address}]" if isinstance(ip_address(address), IPv6Address) else address
        answer = await fetched(self._http, f"http://{host}:{self._port}/metrics")
        if (found := _told(answer, (ALLOCATIONS, BYTES))) is None:
            return None
        held = [value for metric, _, value in found if metric == ALLOCATIONS]
        if not held:
            return None
        sent = sum(value for metric, labels, value in found if metric == BYTES and labels.get("direction") in SENT)
        before, self._sent[name] = self._sent.get(name), _Sent(time.monotonic(), sent)
        return Relay(round(held[0]), rate_between(before, self._sent[name]))


def rate_between(before: _Sent | None, now: _Sent) -> float:
    """Bits per second; a count that has begun anew says nothing yet."""
    if before is None or now.bytes < before.bytes or now.at <= before.at:
        return 0.0
    return 8 * (now.bytes - before.bytes) / (now.at - before.at)
