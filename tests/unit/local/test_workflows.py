"""What the workflows may do, who may reach their secrets, and that what they run exists."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.__main__ import _parser
from local.progress import Steps
from local.tools import ensure_tools
from local.touched import EVERY_STACK

FOLDER = Path(__file__).resolve().parents[3] / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))

SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"

WRITES = {
    ("comment", "comment"): {"pull-requests"},
    ("live-preview", "comment"): {"pull-requests"},
    ("drift", "report"): {"issues"},
}
"""The jobs that may write, and what; all others may read only."""

CREDENTIALS = {("live-preview", "preview"): "preview", ("drift", "refresh"): "drift"}
"""The jobs that hold credentials, and the environment whose reviewers admit them."""


def load(path: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text())
    return loaded


WORKFLOWS = {path.stem: load(path) for path in FILES}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]


def triggers(workflow: str) -> set[str]:
    """YAML 1.1 reads the key `on` as true."""
    return set(WORKFLOWS[workflow][True])


def job_of(workflow: str, job: str) -> dict[str, Any]:
    found: dict[str, Any] = WORKFLOWS[workflow]["jobs"][job]
    return found


def permissions_of(workflow: str, job: str) -> dict[str, str]:
    found: dict[str, str] = job_of(workflow, job).get("permissions") or WORKFLOWS[workflow]["permissions"]
    return found


def test_there_are_the_four() -> None:
    assert set(WORKFLOWS) == {"ci", "comment", "live-preview", "drift"}


def test_none_runs_with_the_bases_rights_on_a_pull_requests_code() -> None:
    for name in WORKFLOWS:
        assert not triggers(name) & {"pull_request_target", "issue_comment"}, name


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_permissions_are_named_and_the_least(workflow: str, job: str) -> None:
    permissions = permissions_of(workflow, job)
    assert isinstance(permissions, dict)
    writes = {scope for scope, level in permissions.items() if level != "read"}
    assert writes == WRITES.get((workflow, job), set())
    assert set(permissions) - writes <= {"contents", "actions"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    used = re.findall(r"uses: *(\S+)(.*)", path.read_text())
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.match(r" # v\d", comment), f"{action}: say which version that is"


def test_one_action_is_one_commit_everywhere() -> None:
    used = {tuple(each.split("@")) for path in FILES for each in re.findall(r"uses: *(\S+)", path.read_text())}
    assert len({name for name, _ in used}) == len(used)


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_secrets_are_in_reviewed_environments_only(workflow: str, job: str) -> None:
    text = yaml.safe_dump(job_of(workflow, job))
    environment = CREDENTIALS.get((workflow, job))
    assert ("secrets." in text) == (environment is not None)
    assert job_of(workflow, job).get("environment") == environment
    if environment and "pull_request" in triggers(workflow):
        assert SAME_REPOSITORY in job_of(workflow, job)["if"]


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_who_may_write_runs_none_of_a_pull_requests_code(workflow: str, job: str) -> None:
    """It checks out the base, and takes what the pull request left as files."""
    if (workflow, job) not in WRITES:
        return
    checkouts = [
        step for step in job_of(workflow, job)["steps"] if step.get("uses", "").startswith("actions/checkout@")
    ]
    (checkout,) = checkouts
    expected = {
        "comment": "${{ github.event.repository.default_branch }}",
        "live-preview": "${{ github.event.pull_request.base.sha }}",
        "drift": None,
    }
    assert checkout["with"].get("ref") == expected[workflow]
    assert "secrets." not in yaml.safe_dump(job_of(workflow, job))


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_no_checkout_leaves_a_token_behind(workflow: str, job: str) -> None:
    for step in job_of(workflow, job)["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_nothing_foreign_is_pasted_into_a_script(workflow: str, job: str) -> None:
    """Expressions are text to a shell; values go through the environment."""
    for step in job_of(workflow, job)["steps"]:
        for script in (step.get("run", ""), step.get("with", {}).get("script", "")):
            assert "${{" not in script


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_every_job_ends_by_itself(workflow: str, job: str) -> None:
    assert job_of(workflow, job)["timeout-minutes"] <= 60


def test_actionlint_finds_nothing() -> None:
    """Of the scripts' shell too, where shellcheck is installed."""
    actionlint = ensure_tools(["actionlint"], Steps())["actionlint"]
    done = subprocess.run([actionlint, "-color=false", *FILES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_live_previews_start_for_what_touches_a_stack() -> None:
    paths = WORKFLOWS["live-preview"][True]["pull_request"]["paths"]
    assert set(paths) == {each.replace("/*", "/**") for each in EVERY_STACK} | {"stacks/**"}


def test_comments_follow_the_workflow_they_name() -> None:
    assert WORKFLOWS["comment"][True]["workflow_run"]["workflows"] == [WORKFLOWS["ci"]["name"]]


def test_what_they_run_is_there() -> None:
    for path in FILES:
        for line in re.findall(r"python3 -m local (touched[^)|]*)", path.read_text()):
            options = line.replace('"$BASE"', "main").split()
            assert _parser().parse_args(options).command == "touched"
        for module in re.findall(r"python3 -m (local\.\w+)", path.read_text()):
            assert (FOLDER.parent.parent / f"{module.replace('.', '/')}.py").is_file()
