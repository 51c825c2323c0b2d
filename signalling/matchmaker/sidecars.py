"""What the matchmaker asks of instances' sidecars by HTTP, on their port for observation."""

import logging
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.issuing import Issuer
from signalling.protocol.session_messages import Reason
from signalling.tickets.claims import Command, CommandTicket, Role

LOG: Final = logging.getLogger("matchmaker.sidecars")


class Participant(msgspec.Struct, frozen=True):
    """Somebody who takes part in a session of an instance."""

    player: str
    session: str = ""
    subject: str = ""
    """Who began the session had logged in as."""
    role: Role = Role.OWNER
    connected: bool = False
    since: Any = None
    stats: Any = None


class Status(msgspec.Struct, frozen=True):
    """What a sidecar says of itself."""

    streaming: bool = False
    players: int = 0
    session: str | None = None
    """The one that is under way on it alone; None without one, and for sessions that share it."""
    over: bool = False
    """It has had one, and takes no other."""
    bad: frozenset[str] = frozenset()
    """Sessions that have ended there, of which their players' pages reported a bad picture."""
    draining: bool = False
    participants: tuple[Participant, ...] = ()

    def participant(self, player: str) -> Participant | None:
        """Somebody who takes part, connected or away."""
        return next((each for each in self.participants if each.player == player), None)


class Sidecars:
    """All of them."""

    def __init__(self, http: ClientSession, issuer: Issuer, port: int, seconds: float) -> None:
        """``seconds`` is how long an answer may take."""
        self._http: Final = http
        self._issuer: Final = issuer
        self._port: Final = port
        self._timeout: Final = ClientTimeout(total=seconds)

    async def status(self, instance: Instance) -> Status | None:
        """What an instance's sidecar says; None when it says nothing that makes sense."""
        if instance.address is None:
            return None
        try:
            async with self._http.get(self._url(instance, "status"), timeout=self._timeout) as answer:
                return msgspec.json.decode(await answer.read(), type=Status)
        except (ClientError, OSError, TimeoutError, msgspec.DecodeError):
            return None

    async def end(self, instance: Instance, session: str, reason: Reason, seconds: float) -> bool:
        """Have a session end after a warning; whether the sidecar takes it on itself."""
        return await self._command(instance, session, Command.END, {"reason": reason.value, "seconds": seconds})

    async def recycle(self, instance: Instance) -> bool:
        """Make an instance whose session is over ready for another; whether it is."""
        return await self._command(instance, instance.session or "", Command.RECYCLE, {})

    async def _command(self, instance: Instance, session: str, command: Command, said: dict[str, object]) -> bool:
        if instance.address is None:
            return False
        claims = CommandTicket(session=session, instance=instance.name, command=command)
        headers = {"Authorization": f"Bearer {self._issuer.sign(claims)}"}
        url = self._url(instance, command.value)
        try:
            async with self._http.post(url, json=said, headers=headers, timeout=self._timeout) as answer:
                if not answer.ok:
                    LOG.warning(
                        "sidecar refused",
                        extra={"instance": instance.name, "command": command.value, "status": answer.status},
                    )
                return answer.ok
        except (ClientError, OSError, TimeoutError) as error:
            said_of = {"instance": instance.name, "command": command.value, "error": repr(error)[:300]}
            LOG.warning("sidecar does not answer", extra=said_of)
            return False

    def _url(self, instance: Instance, what: str) -> str:
        return f"http://{host_of(str(instance.address))}:{self._port}/{what}"


def host_of(address: str) -> str:
    """An IP address as the host of a URL."""
    return f"[{address}]" if isinstance(ip_address(address), IPv6Address) else address
