"""A real Prometheus that knows three games by CPU exporters is asked for classes, and the stack file gets fleets."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.cluster.backfill import HOUR, Past, answering, games

pytestmark = pytest.mark.cluster

CHECKOUT = Path(__file__).resolve().parents[2]


def test_three_games_become_three_classes_with_a_fleet_each(tmp_path: Path) -> None:
    end, past = time.time() // HOUR * HOUR - 2 * HOUR, Past()
    games(past, end, 6, random.Random(3))
    past.write(tmp_path)
    stack = tmp_path / "Pulumi.production-us-ashburn-1.yaml"
    text = (CHECKOUT / "stacks" / stack.name).read_text().replace("name: configurator", "name: arcade")
    stack.write_text(text)
    with answering(tmp_path) as address:
        asked = ["--stack", str(stack), "--prometheus", address, "--until", str(end), "--days", "1"]

        def classify(*more: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "capacity", "classify", *asked, *more]
            return subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)

        numbers, shown = json.loads(classify("--json").stdout), classify()
    assert [each["name"] for each in numbers["classes"]] == ["Low", "Middle", "High"]
    assert [each["games"] for each in numbers["classes"]] == [["arcade/cards"], ["arcade/racing"], ["arcade/shooter"]]
    by_game = {each["game"]: each for each in numbers["games"]}
    assert by_game["cards"]["cores"]["0.5"] == pytest.approx(0.5, rel=0.05)
    assert by_game["racing"]["shares"] == pytest.approx({"game": 0.75, "encoder": 0.25}, abs=0.02)
    assert by_game["shooter"]["sessions"] == 6
    assert by_game["shooter"]["request"] == 3.81
    for each in numbers["classes"]:
        need = by_game[each["games"][0].partition("/")[2]]["cores"]["0.95"]
        assert 1.1 * need <= each["cores"] + 1e-9 < 1.1 * need + 0.05 + 1e-9
    subprocess.run(["patch", "--silent", str(stack)], input=shown.stdout, text=True, check=True)
    apps = {each["name"]: each for each in yaml.safe_load(stack.read_text())["config"]["pixel:apps"]}
    assert list(apps) == ["showroom", "arcade-low", "arcade-middle", "arcade-high"]
    low, middle, high = (int(apps[f"arcade-{name}"]["resources"]["cpu"][:-1]) for name in ("low", "middle", "high"))
    assert 450 < low < 650 < 2000 < middle < 2600 < 4000 < high < 5200
    assert apps["arcade-low"]["image"] == apps["arcade-high"]["image"]
