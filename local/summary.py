"""What a preview would change, for people: a report as data, and its Markdown with what matters most at its top.

The report is made where a pull request's code runs, the Markdown where a comment may be written. So the renderer trusts
no text of a report: names lose every character that Markdown or a mention could use, messages stand in a code block.
Standard library only, so that nothing has to be installed beside a token.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

STATEFUL: Mapping[str, str] = {
    "oci:Core/vcn:Vcn": "everything in the network goes with it",
    "oci:Core/subnet:Subnet": "its nodes and load balancers go with it",
    "oci:Core/publicIp:PublicIp": "the address in DNS is lost",
    "oci:ContainerEngine/cluster:Cluster": "everything in the cluster goes with it",
    "oci:ContainerEngine/nodePool:NodePool": "sessions on its nodes end",
    "oci:Artifacts/containerRepository:ContainerRepository": "its images are lost",
    "oci:Dns/zone:Zone": "its records are lost",
    "oci:Kms/vault:Vault": "its keys and secrets are lost",
    "oci:Kms/key:Key": "what it encrypted is lost",
    "oci:Vault/secret:Secret": "its versions are lost",
    "oci:ObjectStorage/bucket:Bucket": "its objects are lost",
    "oci:Redis/redisCluster:RedisCluster": "the queue is lost",
    "kubernetes:core/v1:Namespace": "everything in it goes with it",
    "kubernetes:core/v1:PersistentVolumeClaim": "its data is lost",
    "kubernetes:core/v1:Secret": "its content is lost",
    "kubernetes:core/v1:Service": "a load balancer's address may be lost",
    "kubernetes:apps/v1:StatefulSet": "its pods stop",
    "kubernetes:apps/v1:DaemonSet": "its pods stop; those of TURN carry media",
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": "every object of the kind goes with it",
    "kubernetes:helm.sh/v3:Release": "what the chart keeps may be lost",
}
"""Types of which a replacement or deletion loses more than can be made again, and what it loses."""

WORDS: Mapping[str, str] = {"delete": "delete", "replace": "replace", "update": "update", "create": "create"}
"""The operations that are shown, in this order. A replacement's parts are not: it has a step of its own."""

_COLOUR = re.compile(r"<\{%[^%]*%\}>")
_AGAIN = re.compile(r"^an unhandled error occurred: ")

_GRAVE = ("delete", "replace")
_LIST = 12_000
"""Characters of one list: a comment holds 65536, and there are five."""
_MESSAGE = 8000


@dataclass(frozen=True)
class Change:
    """One resource that would change."""

    operation: str
    type: str
    name: str
    protected: bool = False
    keys: tuple[str, ...] = ()
    """Properties that changed; for a replacement those that force it."""


@dataclass(frozen=True)
class Report:
    """One stack's preview."""

    stack: str
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    failure: str = ""
    """What the engine said when there is no preview."""


def read_report(text: str) -> Report:
    """A report from its JSON; whatever has another form than it should is left out or read as text."""
    data = json.loads(text)
    data = data if isinstance(data, dict) else {}
    rows = [row for row in _list(data.get("changes")) if isinstance(row, dict) and str(row.get("operation")) in WORDS]
    changes = tuple(
        Change(
            operation=row["operation"],
            type=str(row.get("type", "")),
            name=str(row.get("name", "")),
            protected=row.get("protected") is True,
            keys=tuple(str(key) for key in _list(row.get("keys"))),
        )
        for row in rows
    )
    unchanged = data.get("unchanged")
    return Report(
        stack=str(data.get("stack", "")),
        changes=changes,
        unchanged=unchanged if isinstance(unchanged, int) else 0,
        failure=str(data.get("failure") or ""),
    )


def write_report(report: Report) -> str:
    """A report as JSON."""
    return json.dumps(asdict(report), indent=1)


@dataclass(frozen=True)
class Step:
    """One step as the engine announces it, or as it reports its end."""

    operation: str
    type: str
    urn: str
    protected: bool = False
    keys: tuple[str, ...] = ()
    """Properties that force a replacement."""
    diffs: tuple[str, ...] = ()
    """Properties that change."""


@dataclass
class Collector:
    """Makes one report of the engine's events."""

    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    errors: list[str] = field(default_factory=list)
    ended: bool = False
    """Whether the engine came to its end, and so told everything."""
    _refreshed: set[str] = field(default_factory=set)
    _found: set[str] = field(default_factory=set)

    def before(self, step: Step) -> None:
        """Take a step that is about to run. What a refresh found is known only after it."""
        if step.operation == "refresh":
            self._refreshed.add(step.urn)
        elif step.urn not in self._refreshed:
            self._count(step)

    def after(self, step: Step) -> None:
        """Take a step that has run: of a refresh it says what differs, and calls it an update if nothing does."""
        if step.urn in self._refreshed and step.urn not in self._found:
            self._found.add(step.urn)
            self._count(step if step.operation != "update" or step.diffs else replace(step, operation="same"))

    def error(self, message: str) -> None:
        """Take an error, once: the engine repeats that of a program which it runs inline."""
        said = _AGAIN.sub("", _COLOUR.sub("", message).strip())
        if said and said not in self.errors:
            self.errors.append(said)

    def report(self, stack: str) -> Report:
        """What was collected."""
        failure = "\n".join(self.errors) or (
            "" if self.ended else "the engine did not come to its end; its log says why"
        )
        return Report(stack, tuple(self.changes), self.unchanged, failure)

    def _count(self, step: Step) -> None:
        self.unchanged += step.operation == "same"
        if step.operation in WORDS:
            keys = step.keys if step.operation == "replace" else step.diffs
            name = step.urn.rpartition("::")[2]
            self.changes.append(Change(step.operation, step.type, name, step.protected, keys))


def from_event_log(stack: str, lines: Iterable[str]) -> Report:
    """The report of a preview or refresh from what the engine writes with ``--event-log``: a JSON object a line."""
    collector = Collector()
    for line in filter(str.strip, lines):
        event = json.loads(line)
        for name, take in (("resourcePreEvent", collector.before), ("resOutputsEvent", collector.after)):
            if step := event.get(name, {}).get("metadata"):
                take(_step(step))
        message = event.get("diagnosticEvent", {})
        if message.get("severity") == "error":
            collector.error(message.get("message", ""))
        collector.ended = collector.ended or "summaryEvent" in event
    return collector.report(stack)


def _step(metadata: Mapping[str, Any]) -> Step:
    states = (metadata.get("old") or {}, metadata.get("new") or {})
    return Step(
        operation=metadata["op"],
        type=metadata["type"],
        urn=metadata["urn"],
        protected=any(state.get("protect") is True for state in states),
        keys=tuple(metadata.get("keys") or ()),
        diffs=tuple(metadata.get("diffs") or ()),
    )


def markdown(report: Report) -> str:
    """The summary of one stack, ready for a comment."""
    title = f"### {_plain(report.stack)}: {_headline(report)}"
    if report.failure:
        message = report.failure.replace("```", "'''")[-_MESSAGE:]
        return f"{title}\n\n````text\n{message.replace('````', chr(39) * 4)}\n````\n"
    parts = [title]
    if grave := [change for change in report.changes if _why(change)]:
        parts += ["**Look at these first**", _table(sorted(grave, key=lambda each: (not each.protected, each.name)))]
    for operation in WORDS:
        same = [change for change in report.changes if change.operation == operation]
        if same:
            parts.append(_details(f"{len(same)} to {WORDS[operation]}", same))
    return "\n\n".join(parts) + "\n"


def _headline(report: Report) -> str:
    if report.failure:
        return "the preview failed"
    counts = [(word, sum(each.operation == op for each in report.changes)) for op, word in WORDS.items()]
    said = ", ".join(f"{count} to {word}" for word, count in counts if count)
    return said or f"no changes, {report.unchanged} resources as they are"


def _why(change: Change) -> str:
    """Why a change is to be looked at first; empty for the others."""
    if change.operation not in _GRAVE:
        return ""
    reasons = ["protected, so the engine refuses"] if change.protected else []
    return "; ".join([*reasons, STATEFUL[change.type]] if change.type in STATEFUL else reasons)


def _table(changes: list[Change]) -> str:
    rows = [
        f"| {WORDS[each.operation]} | `{_plain(each.type)}` `{_plain(each.name)}`{_because(each)} | {_why(each)} |"
        for each in changes
    ]
    return "\n".join(["| | resource | what it means |", "| --- | --- | --- |", *_fitting(rows)])


def _details(summary: str, changes: list[Change]) -> str:
    ordered = sorted(changes, key=lambda each: (each.type, each.name))
    rows = [f"- `{_plain(each.type)}` `{_plain(each.name)}`{_because(each)}" for each in ordered]
    return "\n".join([f"<details><summary>{summary}</summary>", "", *_fitting(rows), "", "</details>"])


def _fitting(rows: list[str]) -> list[str]:
    """The rows that a list has room for, and how many more there are."""
    kept = [row for row, length in zip(rows, accumulate(len(row) + 1 for row in rows), strict=True) if length <= _LIST]
    return kept if len(kept) == len(rows) else [*kept, "", f"… and {len(rows) - len(kept)} more"]


def _because(change: Change) -> str:
    keys = ", ".join(f"`{_plain(key)}`" for key in change.keys[:8])
    return f" ({keys}{', …' if len(change.keys) > 8 else ''})" if keys else ""


def _plain(text: str) -> str:
    return re.sub(r"[^\w.:/\[\]-]", "?", text)[:120]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def main(arguments: list[str]) -> int:
    """``--events STACK FILE`` prints the report of an event log; a file of a report prints its Markdown."""
    if arguments[:1] == ["--events"] and len(arguments) == 3:
        log = Path(arguments[2])
        # An engine that could not even open the stack has left none.
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        print(write_report(from_event_log(arguments[1], lines)))
        return 0
    if len(arguments) == 1:
        print(markdown(read_report(Path(arguments[0]).read_text(encoding="utf-8"))), end="")
        return 0
    print("usage: python -m local.summary REPORT | --events STACK LOG", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
