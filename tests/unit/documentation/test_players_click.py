"""The page that follows a click names logs, metrics and labels: each of them is one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "a-players-click.md").read_text()
PROGRAMS = "\n".join(
    path.read_text()
    for folder in ("signalling", "streamer", "capacity/controller")
    for path in (ROOT / folder).rglob("*.py")
)
SOURCES = PROGRAMS + "\n".join(path.read_text() for path in (ROOT / "manifests").rglob("*.j2"))

METRIC = r"`((?:pixel|matchmaker|signalserver|process)_[a-z_]+)`"
LABEL = r"app\.pixel/[a-z-]+"


@pytest.mark.parametrize("name", sorted(set(re.findall(METRIC, PAGE))))
def test_metrics(name: str) -> None:
    # A counter's name gets its end when it is asked for.
    assert f'"{name.removesuffix("_total")}"' in PROGRAMS


@pytest.mark.parametrize("label", sorted(set(re.findall(LABEL, PAGE))))
def test_labels(label: str) -> None:
    assert f'"{label}"' in PROGRAMS


def said() -> list[str]:
    """What stands in code in the paragraphs about logs, at the beginning of what a line says."""
    paragraphs = re.findall(r"- \*\*Log\*\*((?:.|\n(?!- |\n))*)", PAGE)
    words = {each for paragraph in paragraphs for each in re.findall(r"`([a-z][a-z' ]+ [a-z ]+)`", paragraph)}
    return sorted(each for each in words if not each.startswith("kubectl"))


def test_logs() -> None:
    lines = said()
    assert len(lines) > 10
    assert [line for line in lines if f'"{line}"' not in PROGRAMS] == []


def test_containers() -> None:
    for container in set(re.findall(r" -c ([a-z-]+)", PAGE)):
        assert f"- name: {container}\n" in SOURCES
