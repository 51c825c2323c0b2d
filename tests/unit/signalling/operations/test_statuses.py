"""Each instance is asked once in a while, however many want to know."""

import asyncio

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.sidecars import Status
from signalling.operations.statuses import SECONDS, Statuses


class Asked:
    """Instances that answer when they are let."""

    def __init__(self) -> None:
        self.now = 0.0
        self.names: list[str] = []
        self.may = asyncio.Event()
        self.statuses = Statuses(self.ask, lambda: self.now)

    async def ask(self, instance: Instance) -> Status | None:
        self.names.append(instance.name)
        await self.may.wait()
        return None if instance.name == "mute" else Status(players=len(self.names))


def instance(name: str = "a", session: str = "s") -> Instance:
    return Instance(name, "demo", "v1", Pool.SESSION, "127.0.0.1", True, False, "1", True, session)


async def test_whoever_asks_meanwhile_gets_the_same_answer():
    asked = Asked()
    first, second = (asyncio.create_task(asked.statuses.of(instance())) for _ in range(2))
    await asyncio.sleep(0)
    # The one who asked first loses patience; the answer comes all the same.
    first.cancel()
    asked.may.set()
    assert await second == Status(players=1)
    assert await asked.statuses.of(instance()) == Status(players=1)
    assert asked.names == ["a"]


async def test_an_answer_grows_old_and_goes_with_its_session():
    asked = Asked()
    asked.may.set()
    await asked.statuses.of(instance())
    await asked.statuses.of(instance(session="another"))
    asked.now += SECONDS + 0.1
    await asked.statuses.of(instance(session="another"))
    assert asked.names == ["a", "a", "a"]


async def test_what_nobody_asks_for_any_more_is_forgotten():
    asked = Asked()
    asked.may.set()
    for number in range(100):
        await asked.statuses.of(instance(f"a-{number}"))
    asked.now += SECONDS + 0.1
    assert await asked.statuses.of(instance("mute")) is None
    assert list(asked.statuses._asked) == ["mute"]
