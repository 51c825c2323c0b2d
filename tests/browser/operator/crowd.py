"""A service with as much going on as a test, or a picture, needs: its API on a real port, without any instance."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from signalling.operations import definitions as d
from signalling.tickets.claims import Role
from tests.unit.signalling.operations.service import FakeService

NAMES = ("ada", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory", "olivia", "")
NODES = 8


class Crowd(FakeService):
    """See Service. ``changed`` makes every session report anew, as time does."""

    def __init__(self, sessions: int, waiting: int = 4, seed: int = 1) -> None:
        super().__init__(region="fra")
        self._draw = random.Random(seed)
        now = datetime.now(UTC)
        self.seated = [self._session(number, now) for number in range(sessions)]
        self.waiting = [
            d.Session(
                id=self._id(),
                application="showroom",
                state=d.SessionState.QUEUED,
                priority=5 if at == 1 else 0,
                joined=now - timedelta(seconds=95 - 20 * at),
                position=at,
            )
            for at in range(1, waiting + 1)
        ]
        self._players = {each.id: self._taking_part(each) for each in self.seated}
        self.asked_for_players = 0

    def _id(self) -> str:
        return f"{self._draw.getrandbits(128):032x}"

    def _session(self, number: int, now: datetime) -> d.Session:
        application, version = self._draw.choice((("showroom", "1-4-2"), ("showroom", "1-5-0"), ("configurator", "7")))
        return d.Session(
            id=self._id(),
            application=application,
            state=d.SessionState.RUNNING,
            subject=self._draw.choice(NAMES),
            version=version,
            instance=f"{application}-{version}-6f9c{number:04x}",
            node=f"10.0.20.{2 + number % NODES}",
            gpu="nvidia.com/gpu",
            started=now - timedelta(seconds=self._draw.expovariate(1 / 900)),
        )

    def _taking_part(self, session: d.Session) -> tuple[d.Player, ...]:
        spectators = self._draw.choice((0, 0, 0, 0, 1, 3))
        roles = (Role.OWNER, *(Role.SPECTATOR for _ in range(spectators)))
        return tuple(
            d.Player(
                player=f"{session.id[:8]}-{number}",
                role=role,
                connected=True,
                since=session.started,
                stats=self._stats(),
            )
            for number, role in enumerate(roles)
        )

    def _stats(self) -> dict[str, object]:
        bad = self._draw.random() < 0.06
        return {
            "framesPerSecond": 60 - self._draw.randrange(3) if not bad else 21,
            "bitrate": self._draw.randrange(9_000_000, 14_000_000),
            "roundTripSeconds": round(self._draw.uniform(0.018, 0.07) + 0.24 * bad, 3),
            "jitterSeconds": round(self._draw.uniform(0.002, 0.012), 3),
            "packetsLost": 31 if not bad else 900,
            "packetsReceived": 40_000,
            "freezes": 7 if bad else 0,
            "freezeSeconds": 2.5 if bad else 0,
            "firstFrameSeconds": 1.9,
            "candidateType": "relay",
            "protocol": "udp",
            "turn": "198.51.100.7",
        }

    async def sessions(self) -> Sequence[d.Session]:
        return (*self.seated, *self.waiting)

    async def players(self, session: d.Session) -> tuple[d.Player, ...] | None:
        self.asked_for_players += 1
        return self._players.get(session.id)

    async def instances(self) -> Sequence[d.Instance]:
        busy = [
            d.Instance(
                name=str(each.instance),
                application=each.application,
                version=str(each.version),
                state=d.InstanceState.SESSION,
                node=each.node,
                gpu=each.gpu,
                session=each.id,
                started=each.started,
            )
            for each in self.seated
        ]
        idle = [
            d.Instance(
                name=f"showroom-1-4-2-idle{number}",
                application="showroom",
                version="1-4-2",
                state=d.InstanceState.STARTING if number == 2 else d.InstanceState.IDLE,
                node=f"10.0.20.{2 + number}",
                gpu="nvidia.com/gpu",
            )
            for number in range(3)
        ]
        return [*busy, *idle]

    async def applications(self) -> Sequence[d.Application]:
        def sessions(version: str) -> int:
            return sum(each.version == version for each in self.seated)

        showroom = (
            d.Fleet(
                name="showroom-1-4-2",
                version="1-4-2",
                weight=95,
                drained=False,
                buffer=4,
                target=3,
                starting=1,
                idle=2,
                sessions=sessions("1-4-2"),
            ),
            d.Fleet(
                name="showroom-1-5-0",
                version="1-5-0",
                weight=0,
                drained=False,
                rolled_back="4 of 20 sessions failed, of version 1-4-2 1 of 380",
                buffer=0,
                target=0,
                starting=0,
                idle=0,
                sessions=sessions("1-5-0"),
            ),
        )
        configurator = d.Fleet(
            name="configurator-7",
            version="7",
            weight=100,
            drained=False,
            buffer=6,
            target=6,
            override=6,
            starting=0,
            idle=6,
            sessions=sessions("7"),
        )
        return (
            d.Application(name="showroom", paused=False, waiting=len(self.waiting), fleets=showroom),
            d.Application(name="configurator", paused=False, waiting=0, fleets=(configurator,)),
        )

    async def queue(self, application: str, limit: int) -> d.Queue:
        waiting = self.waiting if application == "showroom" else []
        items = tuple(
            d.Waiting(
                session=each.id,
                position=at,
                priority=each.priority,
                joined=each.joined,
                estimate_seconds=25.0 * at,
            )
            for at, each in enumerate(waiting[:limit], 1)
        )
        return d.Queue(application=application, waiting=len(waiting), items=items)

    async def nodes(self) -> Sequence[d.Node]:
        busy = [sum(each.node == f"10.0.20.{2 + number}" for each in self.seated) for number in range(NODES)]
        created = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=3)
        gpu = [
            d.Node(
                name=f"10.0.20.{2 + number}",
                pools=("gpu",),
                ready=True,
                schedulable=number != 5,
                shape="VM.GPU.A10.1",
                gpus=2,
                instances=sessions,
                sessions=sessions,
                kubelet="v1.36.1",
                created=created,
            )
            for number, sessions in enumerate(busy)
        ]
        turn = d.Node(
            name="10.0.30.2",
            pools=("turn",),
            ready=True,
            schedulable=True,
            shape="VM.Standard.E4.Flex",
            kubelet="v1.36.1",
            created=created,
        )
        return [*gpu, turn]

    async def turn_nodes(self) -> Sequence[d.TurnNode]:
        return (
            d.TurnNode(name="10.0.30.2", address="198.51.100.7", offered=True),
            d.TurnNode(name="10.0.30.3", address=None, offered=False),
        )
