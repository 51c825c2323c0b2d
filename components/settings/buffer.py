"""The `buffer` key of an application: what is kept ready for its players."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from components.settings.reading import Reader, Refusals
from components.settings.schedules import Schedule, read_schedule

MOST_INSTANCES = 10_000


@dataclass(frozen=True)
class ServiceLevel:
    """A buffer by what it is to promise."""

    chance: float
    """That a player finds something ready."""
    arrivals_per_hour: float
    """Players that come, of all versions."""
    start_seconds: float
    """Of an instance on a node that is there."""
    provision_seconds: float
    """Of a node."""


@dataclass(frozen=True)
class BufferSettings:
    """What is kept ready. Of the ways to say how much, the one that asks for most counts."""

    instances: int = 0
    """Warm instances of each version that gets sessions."""
    percent: float = 0.0
    """The same in percent of the application's sessions."""
    service_level: ServiceLevel | None = None
    """A buffer by what it is to promise."""
    minimum: int = 0
    """Instances at least, sessions among them: used up by players, and not refilled."""
    maximum: int | None = None
    """Instances at most, sessions among them; None is what the GPU pool holds."""
    nodes: int = 0
    """Nodes' worth of free slots."""
    nodes_percent: float = 0.0
    """Free slots in percent of the application's sessions."""
    schedule: tuple[Schedule, ...] = ()
    """When something else than usual is kept ready; the keys of an entry go before those beside it."""

    @property
    def most_instances(self) -> int:
        """The largest number of warm instances of a version that the file itself names."""
        return max([self.instances, self.minimum, *_named(self.schedule, ("instances", "minimum"))])

    @property
    def most_nodes(self) -> int:
        """The largest node buffer that the file itself names."""
        return max([self.nodes, *_named(self.schedule, ("nodes",))])

    @property
    def fixed(self) -> bool:
        """Whether it is a number of instances and nothing else: what a Deployment keeps by itself."""
        return self == BufferSettings(instances=self.instances)


def _named(schedule: Iterable[Schedule], keys: tuple[str, ...]) -> list[int]:
    return [int(each.change[key]) for each in schedule for key in keys if key in each.change]


def read_buffer(reader: Reader, *, shared: bool, timezone: str) -> BufferSettings:
    """Read the key. Where players share instances, these are scaled between `minimum` and `maximum`."""
    given = [key for key in ("percent", "service_level", "minimum", "schedule") if reader.has(key)]
    buffer = BufferSettings(
        # A number is asked for, unless something else says how much.
        instances=reader.whole("instances", 0, 1000, *([0] if shared or given else [])),
        percent=reader.number("percent", 0, 1000, 0.0),
        service_level=_read_level(reader.section("service_level")) if reader.has("service_level") else None,
        minimum=reader.whole("minimum", 0, MOST_INSTANCES, 1 if shared else 0),
        maximum=reader.whole("maximum", 1, MOST_INSTANCES) if shared or reader.has("maximum") else None,
        nodes=reader.whole("nodes", 0, 1000, 0),
        nodes_percent=reader.number("nodes_percent", 0, 1000, 0.0),
        schedule=read_schedule(reader, "schedule", timezone),
    )
    if shared:
        _refuse_of_shared(reader)
    reader.close()
    return replace(buffer, instances=buffer.minimum) if shared else buffer


def _refuse_of_shared(reader: Reader) -> None:
    """Players who share instances are counted, and instances follow them: nothing of a buffer is left to say."""
    for key in ("instances", "percent", "service_level", "schedule"):
        if reader.has(key):
            reader.refusals.add(
                reader.key(key),
                reader.values[key],
                "nothing to an application whose sessions are shared",
                "Leave it out: its instances follow its players between minimum and maximum",
            )


def _read_level(reader: Reader) -> ServiceLevel:
    level = ServiceLevel(
        chance=reader.number("chance", 0.5, 0.99999),
        arrivals_per_hour=reader.number("arrivals_per_hour", 0, 1_000_000),
        start_seconds=reader.number("start_seconds", 1, 3600),
        provision_seconds=reader.number("provision_seconds", 1, 7200),
    )
    reader.close()
    return level


def check_buffer(buffer: BufferSettings, prefix: str, *, controlled: bool, refusals: Refusals) -> None:
    """Check that bounds are in order, and that somebody keeps what is more than a number."""
    if (
        buffer.maximum is not None
        and buffer.most_instances > buffer.maximum
        and not _named(buffer.schedule, ("maximum",))
    ):
        named = "minimum" if buffer.minimum == buffer.most_instances else "instances"
        refusals.add(
            f"{prefix}maximum",
            buffer.maximum,
            f"below the {buffer.most_instances} that {named} asks for",
            "Raise it, or lower that",
        )
    if controlled or buffer.fixed:
        return
    beyond: dict[str, Any] = {
        key: value
        for key, value in vars(buffer).items()
        if key != "instances" and value != getattr(BufferSettings, key)
    }
    for key, value in beyond.items():
        shown = [each.name for each in value] if key == "schedule" else value
        refusals.add(
            f"{prefix}{key}",
            shown if not isinstance(shown, ServiceLevel) else vars(shown),
            "kept by nobody, with capacity.enabled off",
            "Set capacity.enabled to true, or leave it out",
        )
