"""Previews a stack without a cloud account: the real engine, the simulated OCI, a cluster that is not known yet."""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pulumi import automation as auto
from pulumi.automation import EngineEvent

from components.settings import SettingsError, load
from local.paths import stacks_dir
from local.progress import Steps
from local.stack import LocalStack, StackFile, read_stack_file, run_program
from local.summary import Collector, Report, Step
from local.tools import ensure_tools


class PreviewError(Exception):
    """A preview that the engine refused; the message holds each of its errors once."""


def _take(event: EngineEvent, collector: Collector) -> None:
    if event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
        collector.error(event.diagnostic_event.message)
    if event.summary_event is not None:
        collector.ended = True
    if event.resource_pre_event is not None:
        step = event.resource_pre_event.metadata
        protected = any(state is not None and state.protect is True for state in (step.old, step.new))
        keys, diffs = tuple(step.keys or ()), tuple(step.diffs or ())
        collector.before(Step(str(step.op.value), step.type, step.urn, protected, keys, diffs))


def preview(name: str, steps: Steps, show: Callable[[str], None]) -> Report:
    """Preview a stack from nothing; every line of the engine goes to ``show``.

    A stack file that the program refuses is refused here, before the engine starts: it would say so twice.
    """
    stack_file = read_stack_file(name)
    try:
        load(stack_file["config"])
    except SettingsError as error:
        # Not the same type: a program's error has a traceback of its own for the engine.
        raise PreviewError(str(error)) from error
    pulumi = ensure_tools(("pulumi",), steps)["pulumi"]
    return preview_with(pulumi, name, stack_file, show)


def preview_with(
    pulumi: Path,
    name: str,
    stack_file: StackFile,
    show: Callable[[str], None],
    program: Callable[[], None] = run_program,
) -> Report:
    """Preview one stack file's content in a working folder of its own, which is removed afterwards."""
    stacks_dir().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"preview-{name}-", dir=stacks_dir()))
    collector = Collector()
    try:
        stack = LocalStack(name, pulumi, folder=folder, program=program)
        stack.open(stack_file).preview(on_output=show, on_event=partial(_take, collector=collector), color="never")
    except auto.CommandError as error:
        raise PreviewError("\n".join(collector.errors) or str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return collector.report(name)
