"""Every Dockerfile of the checkout: pinned bases, the one user, nothing fetched unchecked, no secret in a layer."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.workloads import USER

ROOT = Path(__file__).resolve().parents[3]
APART = (".git", ".venv", "node_modules", "build")
DOCKERFILES = sorted(
    path for path in ROOT.rglob("*Dockerfile*") if path.is_file() and not set(APART) & set(path.relative_to(ROOT).parts)
)
BASE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+/[a-z0-9/._-]+(:(?!latest\b)[\w.-]+|@sha256:[0-9a-f]{64})")
SECRET_NAME = re.compile(r"(^|_)(password|passwd|token|secret|credentials?|api_?key|private_?key)(_|$)", re.IGNORECASE)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Instruction and arguments, continued lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.strip()


def faults(text: str) -> list[str]:
    """What is wrong with a Dockerfile."""
    found, stages, defaults, user = [], {"scratch"}, dict[str, str](), ""
    for word, rest in instructions(text):
        match word:
            case "ARG":
                name, _, default = rest.partition("=")
                defaults[name] = default
                found += [f"secret argument {name}"] if SECRET_NAME.search(name) else []
            case "ENV":
                names = re.findall(r"(\w+)=", rest) or rest.split()[:1]
                found += [f"secret variable {name}" for name in names if SECRET_NAME.search(name)]
            case "FROM":
                user = ""
                image, _, stage = rest.partition(" AS ")
                argument = re.fullmatch(r"\$\{?(\w+)\}?", image)
                base = defaults.get(argument[1], "") if argument else image
                found += [] if base in stages or BASE.fullmatch(base) else [f"base {base or image} is not pinned"]
                stages.add(stage)
            case "USER":
                user = rest
            case "ADD":
                found.append(f"ADD {rest}")
            case "RUN":
                found += ["a download into a shell"] if re.search(r"(curl|wget)[^|]*\|\s*(ba)?sh", rest) else []
                found += ["sudo"] if re.search(r"\bsudo\b", rest) else []
    if user != f"{USER}:{USER}":
        found.append(f"runs as {user or 'root'}")
    return found


def test_there_are_dockerfiles() -> None:
    assert {path.relative_to(ROOT).as_posix() for path in DOCKERFILES} >= {
        "signalling/Dockerfile",
        "signalling/turn/Dockerfile",
        "streamer/Dockerfile",
    }


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_an_image_is_pinned_and_runs_as_nobody_special(path: Path) -> None:
    assert faults(path.read_text()) == []


GOOD = f"ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${{BASE}} AS made\nFROM made\nUSER {USER}:{USER}\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (GOOD.replace(f"USER {USER}:{USER}\n", ""), "runs as root"),
        (GOOD.replace(f"{USER}:{USER}", "root"), "runs as root"),
        (GOOD + "FROM made\n", "runs as root"),
        (GOOD.replace("bookworm-slim", "latest"), "base docker.io/library/debian:latest is not pinned"),
        (GOOD.replace("docker.io/library/debian:bookworm-slim", "debian:12"), "base debian:12 is not pinned"),
        (GOOD.replace("ARG BASE=docker.io/library/debian:bookworm-slim\n", "ARG BASE\n"), "base ${BASE} is not pinned"),
        (GOOD + "ADD https://example.com/x /x\n", "ADD https://example.com/x /x"),
        (GOOD + "RUN curl -s https://example.com/x \\\n  | sh\n", "a download into a shell"),
        (GOOD + "ENV A=1 API_KEY=x\n", "secret variable API_KEY"),
        (GOOD + "ARG GITHUB_TOKEN\n", "secret argument GITHUB_TOKEN"),
    ],
)
def test_a_fault_is_found(text: str, fault: str) -> None:
    assert faults(GOOD) == []
    assert faults(text) == [fault]
