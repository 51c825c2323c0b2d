"""The rules, by promtool: they are sound, every alert fires on its series and on no quieter ones, and has a runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.addons.monitoring import alert_rules, recording_rules
from components.settings import Settings, load
from local.progress import Steps
from local.tools import ensure_tools
from tests.program.alert_cases import CASES, Case
from tests.program.recording import ROOT, STACKS, stack_file
from tests.unit.components.settings_cases import patched

GPU_NODES = 2


def promtool() -> Path:
    return ensure_tools(["promtool"], Steps())["promtool"]


def small() -> Settings:
    """Limits that the cases are written for."""
    config = patched("pixel:pools/gpu/max", GPU_NODES)
    config["pixel:pools"]["gpu"]["availability_domains"] = config["pixel:pools"]["gpu"]["availability_domains"][:1]
    config["pixel:apps"][0]["buffer"]["instances"] = 1
    config["pixel:monitoring"] = {"enabled": True}
    config["pixel:capacity"] = {"enabled": True}
    config["pixel:images"]["capacity"] = "fra.ocir.io/acme/pixel/capacity:1.0.0"
    return load(config)


def alerts(its: Settings) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in alert_rules(its)["spec"]["groups"] for rule in group["rules"]}


def write_rules(folder: Path, its: Settings) -> list[Path]:
    """The rules as files that Prometheus itself reads."""
    written = []
    for rules in (recording_rules(its), alert_rules(its)):
        path = folder / f"{rules['metadata']['name']}.yaml"
        path.write_text(yaml.safe_dump(rules["spec"]))
        written.append(path)
    return written


def unit_test(case: Case, rule: dict[str, Any], series: dict[str, str], fires: bool) -> dict[str, Any]:
    expected: dict[str, Any] = {"eval_time": case.at, "alertname": case.alert, "exp_alerts": []}
    if fires:
        expected["exp_alerts"] = [{"exp_labels": case.labels, "exp_annotations": said(case, rule)}]
    return {
        "name": f"{case.alert} {'fires' if fires else 'is silent'}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [expected],
    }


def said(case: Case, rule: dict[str, Any]) -> dict[str, str]:
    """The annotations with labels and value filled in; a text that names a label the alert lacks is an error."""

    def fill(found: re.Match[str]) -> str:
        return case.labels[found[1]] if found[1] else case.value

    template = re.compile(r"\{\{ \$(?:labels\.(\w+)|value)[^}]*\}\}")
    return {key: template.sub(fill, text) for key, text in rule["annotations"].items()}


@pytest.mark.parametrize("stack", STACKS)
def test_the_rules_of_every_stack_are_sound(stack: str, tmp_path: Path) -> None:
    files = write_rules(tmp_path, load(stack_file(stack)))
    done = subprocess.run([promtool(), "check", "rules", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_alert_fires_and_is_silent_by_its_case(tmp_path: Path) -> None:
    its = small()
    rules = alerts(its)
    tests = [
        unit_test(case, rules[case.alert], series, fires)
        for case in CASES
        for series, fires in ((case.series, True), ({**case.series, **case.quiet}, False))
    ]
    files = [path.name for path in write_rules(tmp_path, its)]
    (tmp_path / "test.yaml").write_text(
        yaml.safe_dump({"rule_files": files, "evaluation_interval": "1m", "tests": tests})
    )
    done = subprocess.run(
        [promtool(), "test", "rules", "test.yaml"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_that_can_fail() -> None:
    assert alerts(small()).keys() == {case.alert for case in CASES}
    for case in CASES:
        assert case.quiet.keys() <= case.series.keys(), case.alert
        assert all(case.series[name] != values for name, values in case.quiet.items()), case.alert


@pytest.mark.parametrize("stack", STACKS)
def test_every_alert_says_what_is_wrong_and_where_its_runbook_is(stack: str) -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    headings = set(re.findall(r"^## (\w+)$", page, re.MULTILINE))
    its = load(stack_file(stack))
    for name, rule in alerts(its).items():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"{its.monitoring.runbooks}#{name.lower()}"
    assert headings == alerts(its).keys()
