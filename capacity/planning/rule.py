"""What the rule of thumb advises, what it really promises, and what a service level needs. Pure."""

from dataclasses import dataclass

from capacity.durations import Duration, fixed
from capacity.planning import base_stock
from capacity.planning.base_stock import Promise
from capacity.planning.demand_process import Players
from capacity.planning.node_buffer import NodeBuffer


@dataclass(frozen=True)
class Advice:
    """For one rate, one time to replace, and one service level."""

    arrivals_per_hour: float
    lead_seconds: float
    rule_of_thumb: int
    promised: Promise
    """What that many promise while no session ends: nothing comes back."""
    service_level: float
    buffer: int
    """What keeps the service level while no session ends."""
    promised_in_balance: float | None
    """The rule's chance of waiting where sessions end as often as they begin; nothing where their length is unknown."""
    buffer_in_balance: int | None
    """The same of the buffer. Free slots on nodes only: an instance is not used twice."""


def advise(rate: float, lead: float, service_level: float, session: Duration | None, surplus_seconds: float) -> Advice:
    """Compare the rule of thumb with what it should promise."""
    rule = base_stock.rule_of_thumb(rate, lead)
    in_balance, needed = None, None
    if session is not None:
        nodes = NodeBuffer(Players(rate, session), fixed(lead), 1, surplus_seconds)
        # A player finds nothing where one more than those there would have no slot.
        in_balance = float(nodes.missing(max(rule - 1, 0), 1)[1]) if rule else 1.0
        needed = next(n for n in range(rule + 200 + rule) if _lacking(nodes, n) <= 1 - service_level)
    return Advice(
        arrivals_per_hour=3600 * rate,
        lead_seconds=lead,
        rule_of_thumb=rule,
        promised=base_stock.promise(rule, rate, lead),
        service_level=service_level,
        buffer=base_stock.buffer_for(service_level, rate, lead),
        promised_in_balance=in_balance,
        buffer_in_balance=needed,
    )


def _lacking(nodes: NodeBuffer, buffer: int) -> float:
    """The chance that a player who comes finds no free slot."""
    return 1.0 if buffer == 0 else float(nodes.missing(buffer - 1, 1)[1])
