"""Reports of previews: what the engine's events become, what people read first, and what nobody can smuggle in."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.summary import STATEFUL, Change, Collector, Report, Step, from_event_log, markdown, read_report, write_report

ROOT = Path(__file__).resolve().parents[3]
URN = "urn:pulumi:production::pixel::"
VCN, SUBNET = "oci:Core/vcn:Vcn", "oci:Core/subnet:Subnet"


def step(op: str, type_: str, name: str, **more: Any) -> dict[str, Any]:
    return {"op": op, "type": type_, "urn": f"{URN}{type_}::{name}", **more}


def log(*events: dict[str, Any], ended: bool = True) -> list[str]:
    return [json.dumps(each) for each in (*events, *([{"summaryEvent": {"resourceChanges": {}}}] if ended else []))]


def before(*arguments: Any, **more: Any) -> dict[str, Any]:
    return {"resourcePreEvent": {"metadata": step(*arguments, **more)}}


def after(*arguments: Any, **more: Any) -> dict[str, Any]:
    return {"resOutputsEvent": {"metadata": step(*arguments, **more)}}


# As the engine logs a changed dnsLabel: the subnet follows its network.
REPLACEMENT = log(
    before("same", "pulumi:pulumi:Stack", "pixel-production"),
    after("same", "pulumi:pulumi:Stack", "pixel-production"),
    before("create-replacement", VCN, "network-vcn", keys=["dnsLabel"], diffs=["displayName", "dnsLabel"]),
    before("replace", VCN, "network-vcn", keys=["dnsLabel"], diffs=["displayName", "dnsLabel"], old={"protect": True}),
    before("create-replacement", SUBNET, "network-turn", keys=["vcnId"], diffs=["vcnId"]),
    before("replace", SUBNET, "network-turn", keys=["vcnId"], diffs=["vcnId"]),
    before("delete-replaced", SUBNET, "network-turn"),
    before("delete-replaced", VCN, "network-vcn"),
    before("update", "kubernetes:apps/v1:Deployment", "matchmaker", diffs=["spec"]),
    before("create", "kubernetes:core/v1:ConfigMap", "dashboards"),
    before("delete", "kubernetes:core/v1:ConfigMap", "old"),
)

# As the engine logs `refresh --preview-only --run-program`: it calls everything an update that it looked at again.
DRIFT = log(
    before("refresh", "pulumi:pulumi:Stack", "pixel-production"),
    after("update", "pulumi:pulumi:Stack", "pixel-production"),
    before("same", "pulumi:pulumi:Stack", "pixel-production"),
    after("same", "pulumi:pulumi:Stack", "pixel-production"),
    before("refresh", VCN, "network-vcn"),
    after("update", VCN, "network-vcn", diffs=["displayName"]),
    before("refresh", SUBNET, "network-turn"),
    after("same", SUBNET, "network-turn"),
    before("refresh", SUBNET, "network-api"),
    after("delete", SUBNET, "network-api"),
)


def test_a_replacement_is_one_change_with_what_forces_it() -> None:
    report = from_event_log("production", REPLACEMENT)
    assert [(each.operation, each.name, each.keys) for each in report.changes] == [
        ("replace", "network-vcn", ("dnsLabel",)),
        ("replace", "network-turn", ("vcnId",)),
        ("update", "matchmaker", ("spec",)),
        ("create", "dashboards", ()),
        ("delete", "old", ()),
    ]
    assert (report.unchanged, report.failure) == (1, "")


def test_a_refresh_tells_only_what_differs() -> None:
    report = from_event_log("production", DRIFT)
    assert [(each.operation, each.name) for each in report.changes] == [
        ("update", "network-vcn"),
        ("delete", "network-api"),
    ]
    assert report.unchanged == 2


def test_a_program_that_fails_says_so_once() -> None:
    def error(message: str) -> dict[str, Any]:
        return {"diagnosticEvent": {"severity": "error", "message": message}}

    lines = log(
        error("<{%reset%}>the stack file was refused:\n  pixel:domain<{%reset%}>\n"),
        error("an unhandled error occurred: the stack file was refused:\n  pixel:domain\n"),
        {"diagnosticEvent": {"severity": "warning", "message": "old"}},
    )
    assert from_event_log("s", lines).failure == "the stack file was refused:\n  pixel:domain"


def test_an_engine_that_was_cut_short_is_no_success() -> None:
    assert "did not come to its end" in from_event_log("s", log(ended=False)).failure
    assert "did not come to its end" in from_event_log("s", []).failure


def test_what_cannot_be_undone_comes_first() -> None:
    text = markdown(from_event_log("production", REPLACEMENT))
    assert text.startswith(
        "### production: 1 to delete, 2 to replace, 1 to update, 1 to create\n\n**Look at these first**"
    )
    rows = [line for line in text.splitlines() if line.startswith("| replace") or line.startswith("| delete")]
    assert [re.findall(r"`(network-\w+)`", row) for row in rows] == [["network-vcn"], ["network-turn"]]
    assert "protected, so the engine refuses; everything in the network goes with it" in rows[0]
    assert STATEFUL[SUBNET] in rows[1]
    first, _, rest = text.partition("<details>")
    assert "`old`" not in first
    assert "`old`" in rest
    assert rest.index("to delete") < rest.index("to replace") < rest.index("to update") < rest.index("to create")


def test_no_change_and_a_failure_have_their_headlines() -> None:
    assert markdown(Report("s", unchanged=12)) == "### s: no changes, 12 resources as they are\n"
    assert markdown(Report("s", failure="bad")) == "### s: the preview failed\n\n````text\nbad\n````\n"


def test_a_report_survives_its_file() -> None:
    report = from_event_log("production", REPLACEMENT)
    assert read_report(write_report(report)) == report


HOSTILE = "x` @everyone <img src=//evil> [a](http://evil) | ``` \n# h ${{ secrets.A }}"


def test_names_of_a_strangers_report_are_only_names() -> None:
    report = Report(HOSTILE, (Change("delete", HOSTILE, HOSTILE, True, (HOSTILE,)),))
    text = markdown(read_report(write_report(report)))
    for wrong in ("@everyone", "<img", "](http", "${{", "\n# h"):
        assert wrong not in text
    assert all(line.count("`") % 2 == 0 for line in text.splitlines())


def test_a_strangers_message_stays_in_its_block() -> None:
    text = markdown(Report("s", failure="a\n````\n@everyone <img>\n``````\n"))
    fences = [line for line in text.splitlines() if line.startswith("```")]
    assert fences == ["````text", "````"]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "7",
        "null",
        '{"changes": 7}',
        '{"changes": [7, {"operation": "boom"}, {"operation": []}, {"operation": "delete", "keys": "abc"}]}',
        '{"changes": [{"operation": "delete", "type": {"a": 1}, "name": null, "protected": "yes"}], "unchanged": "x"}',
        '{"stack": ["a"], "failure": {"b": 1}}',
    ],
)
def test_a_report_of_any_form_is_rendered(text: str) -> None:
    assert markdown(read_report(text)).startswith("### ")


def test_long_lists_end_with_how_many_more_and_fit_a_comment() -> None:
    changes = tuple(Change("delete", VCN, f"network-{i}-{'n' * 200}", True, ("k" * 200,) * 20) for i in range(5000))
    text = markdown(Report("s", changes))
    assert "more" in text
    assert len(text) < 65_000


def test_the_renderer_needs_nothing_installed(tmp_path: Path) -> None:
    events = tmp_path / "events"
    events.write_text("\n".join(REPLACEMENT))

    def run(*arguments: str) -> str:
        command = ["python3", "-S", "-m", "local.summary", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    report = tmp_path / "report.json"
    report.write_text(run("--events", "production", str(events)))
    assert run(str(report)) == markdown(from_event_log("production", REPLACEMENT))
    assert "did not come to its end" in run("--events", "production", str(tmp_path / "none"))


def test_the_collector_ignores_what_it_does_not_show() -> None:
    collector = Collector(ended=True)
    for operation in ("read", "import-replacement", "discard"):
        collector.before(Step(operation, VCN, f"{URN}{VCN}::v"))
    assert collector.report("s") == Report("s")
