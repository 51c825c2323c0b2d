"""The rule that says how many TURN nodes are wanted, by promtool, against the function that decides it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.addons.monitoring import TURN_WANTED, recording_rules
from components.settings import load
from signalling.turn.capacity import TARGET, TurnPool, wanted_nodes
from tests.program.test_alerts import promtool
from tests.unit.components.settings_cases import patched

MINIMUM, MAXIMUM, GBITS, QUOTA = 2, 5, 2, 14_000

LOADS: list[tuple[str, list[float], list[int]]] = [
    # Gbit/s that each node sends, allocations that each holds
    ("idle", [0.0, 0.0], [0, 0]),
    ("as full as they should be", [1.2, 1.2], [10, 10]),
    ("a little more bandwidth than that", [1.25, 1.2], [10, 10]),
    ("many allocations that send little", [0.1, 0.1], [12_000, 13_000]),
    ("one full and one empty", [2.0, 0.0], [14_000, 0]),
    ("more than the pool may grow to", [2.0] * 5, [14_000] * 5),
]


@pytest.mark.parametrize(("sent", "held"), [each[1:] for each in LOADS], ids=[each[0] for each in LOADS])
def test_the_rule_decides_as_the_function_does(sent: list[float], held: list[int], tmp_path: Path) -> None:
    config = patched("pixel:pools/turn/min", MINIMUM)
    config["pixel:pools"]["turn"]["max"] = MAXIMUM
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(recording_rules(load(config))["spec"]))
    series = {}
    for number, (gbits, allocations) in enumerate(zip(sent, held, strict=True)):
        node = f'node="turn-{number}"'
        transmitted = f'node_network_transmit_bytes_total{{{node},turn="true",device="ens3"}}'
        series[transmitted] = f"0+{int(gbits * 1e9 / 8 * 60)}x60"
        series[f"pixel_turn_allocations{{{node}}}"] = f"{allocations}x60"
        series[f"pixel_turn_allocations_limit{{{node}}}"] = f"{QUOTA}x60"
    full = max(sum(sent) / GBITS, sum(held) / QUOTA)
    # With as few nodes as there may be: no hesitation to shrink, which the rule does not know.
    wanted = wanted_nodes(TurnPool(MINIMUM, full, MINIMUM, MAXIMUM))
    assert answered(tmp_path, series, wanted) == ""


def answered(folder: Path, series: dict[str, str], wanted: int) -> str:
    """What promtool has against the answer."""
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": "pixel:turn_nodes:wanted",
                "eval_time": "40m",
                "exp_samples": [{"labels": "pixel:turn_nodes:wanted", "value": wanted}],
            }
        ],
    }
    (folder / "test.yaml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]})
    )
    command = [str(promtool()), "test", "rules", "test.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return done.stderr if done.returncode else ""


def test_both_have_the_same_target() -> None:
    assert f" / {TARGET})" in TURN_WANTED
