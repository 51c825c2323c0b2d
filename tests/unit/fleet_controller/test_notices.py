"""What somebody should hear of is said once about each thing, however many are said of the same kind."""

from dataclasses import replace
from typing import cast

from lightkube import AsyncClient
from lightkube.resources.events_v1 import Event

from capacity.buffer import Buffer
from capacity.controller.actions import Notice
from capacity.controller.allotment import Cap
from capacity.controller.decisions import decide
from capacity.controller.figures import Figures, FleetFigures, PoolFigures
from capacity.controller.memory import Memory
from capacity.controller.notices import noticed
from capacity.controller.settings import Application
from capacity.controller.telling import Teller
from tests.unit.fleet_controller.situations import NOW, cluster, nodes, stack


class Events:
    """Keeps what it is told to make."""

    def __init__(self) -> None:
        self.notes: list[str | None] = []

    async def create(self, event: Event) -> None:
        self.notes.append(event.note)


async def told(*notices: Notice) -> list[str | None]:
    events = Events()
    teller = Teller(cast("AsyncClient", events), "pixel-instances", ("pixel", "fleet-controller"), "one")
    await teller.tell(notices)
    await teller.tell(notices)
    return events.notes


async def test_each_node_that_was_drained_is_told_of() -> None:
    state = cluster(gpu_nodes=nodes(2, draining=True, cordoned=True))
    notices = decide(state, stack(), Memory(), NOW).notices
    assert await told(*notices) == [f"node gpu-{number} has no session any more" for number in (1, 2)]


async def test_each_application_s_schedule_is_told_of() -> None:
    now = Figures(schedules={"a": ("daily 08:00-20:00",), "b": ("daily 08:00-20:00",)})
    assert await told(*noticed(Figures(), now)) == ["a: daily 08:00-20:00", "b: daily 08:00-20:00"]


async def test_each_pool_and_each_cap_is_told_of() -> None:
    cut = FleetFigures("demo-1", "demo", "1", cut={Cap.POOL: 1, Cap.APPLICATION: 2})
    now = Figures(fleets=(cut,), pools={"gpu": PoolFigures(cut=3), "turn": PoolFigures(cut=4)})
    notices = list(noticed(Figures(), now))
    assert len(await told(*notices)) == 4
    # The same again with another number is not new.
    assert len(await told(*notices, *(replace(each, text="other") for each in notices))) == 4


def test_a_cap_is_told_of_its_fleet() -> None:
    its = stack(Application("demo", Buffer(instances=9, maximum=1)))
    figures = decide(cluster(), its, Memory(), NOW).figures
    (notice,) = noticed(Figures(), figures)
    assert (notice.reason, notice.fleet, notice.about) == ("CapReached", "demo-1", "application")
