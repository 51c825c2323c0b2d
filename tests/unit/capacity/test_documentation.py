"""The numbers of docs/capacity.md, computed again from what the page says of each."""

import re
from pathlib import Path

import pytest

from capacity.demand import of_mapping
from capacity.durations import exponential, fixed
from capacity.planning import base_stock
from capacity.planning.demand_process import Players
from capacity.planning.layers import Layers
from capacity.planning.node_buffer import NodeBuffer
from capacity.planning.plan import SURPLUS_SECONDS
from capacity.planning.rule import advise

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "capacity.md").read_text()


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return cells[2:]


def test_the_worked_example() -> None:
    text = section("A worked example")
    given = re.search(
        r"(\d+) players an hour, sessions of (\d+) minutes, instances that start in (\d+) s on nodes of two slots "
        r"\((\d+) GPUs,\s+([\d.]+) USD an hour each\) that take (\d+) minutes",
        text,
    )
    assert given is not None
    players, session, start, gpus, price, node = map(float, given.groups())
    rate = players / 3600
    promises = re.search(
        r"buffer of 2 would let ([\d.]+) % of\s+players wait, one of 3 ([\d.]+) %, and 99 % would need (\d)", text
    )
    assert promises is not None
    for buffer, chance in ((2, promises[1]), (3, promises[2])):
        assert f"{100 * base_stock.promise(buffer, rate, start).chance_of_waiting:.1f}" == chance
    assert base_stock.buffer_for(0.99, rate, start) == int(promises[3])
    nodes = NodeBuffer(Players(rate, exponential(60 * session)), fixed(60 * node), 2, SURPLUS_SECONDS)
    for warm, free, waits, mean_wait, number, money in rows(text):
        promise = Layers(rate, fixed(start), nodes, int(free)).promise(int(warm))
        assert f"{100 * promise.chance_of_waiting:.1f} %" == waits
        assert f"{promise.mean_wait:.1f} s" == mean_wait
        needed = nodes.nodes(int(warm) + int(free))
        assert f"{needed:.1f}" == number
        assert f"{24 * gpus * price * needed:.0f}" == money
    assert Layers(rate, fixed(start), nodes, 0).buffer_for(0.99) == 6
    assert Layers(rate, fixed(start), nodes, 2).buffer_for(0.99) == 4


def test_what_the_rule_of_thumb_promises() -> None:
    rates = {"one in 120 s": 1 / 120, "one in 60 s": 1 / 60, "10 in a second": 10.0}
    found = rows(section("What the rule of thumb promises"))
    assert [row[0] for row in found] == list(rates)
    for name, rule, chance, needed, balanced, needed_then in found:
        advice = advise(rates[name], 120, 0.99, exponential(1200), SURPLUS_SECONDS)
        assert advice.promised_in_balance is not None
        assert (str(advice.rule_of_thumb), str(advice.buffer), str(advice.buffer_in_balance)) == (
            rule,
            needed,
            needed_then,
        )
        assert f"{100 * advice.promised.chance_of_waiting:.1f} %" == chance
        assert f"{100 * advice.promised_in_balance:.1f} %" == balanced


def test_the_demand_file_is_one() -> None:
    import yaml

    (text,) = re.findall(r"```yaml\n(.*?)```", section("What is known of players: the demand file"), re.DOTALL)
    assert of_mapping(yaml.safe_load(text)).applications["showroom"].start.mean == pytest.approx(55)


@pytest.mark.parametrize("command", ["plan", "simulate", "learn", "classify"])
def test_every_command_is_described(command: str) -> None:
    assert f"| `{command}` |" in TEXT
