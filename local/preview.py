"""Previews a stack without a cloud account: the real engine, the simulated OCI, a cluster that is not known yet."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from pulumi import automation as auto

from local.paths import stacks_dir
from local.progress import Steps
from local.stack import LocalStack, StackFile, read_stack_file, run_program
from local.tools import ensure_tools


class PreviewError(Exception):
    """A preview that the engine refused; the message is the engine's."""


def preview(name: str, steps: Steps, show: Callable[[str], None]) -> dict[str, int]:
    """Preview a stack from nothing; every line of the engine goes to ``show``.

    Returns how many resources each operation touches, as ``{"create": 62}``.
    """
    stack_file = read_stack_file(name)
    pulumi = ensure_tools(("pulumi",), steps)["pulumi"]
    return preview_with(pulumi, name, stack_file, show)


def preview_with(
    pulumi: Path,
    name: str,
    stack_file: StackFile,
    show: Callable[[str], None],
    program: Callable[[], None] = run_program,
) -> dict[str, int]:
    """Preview one stack file's content in a working folder of its own, which is removed afterwards."""
    stacks_dir().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"preview-{name}-", dir=stacks_dir()))
    try:
        stack = LocalStack(name, pulumi, folder=folder, program=program)
        result = stack.open(stack_file).preview(on_output=show, color="never")
    except auto.CommandError as error:
        raise PreviewError(str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {str(getattr(kind, "value", kind)): count for kind, count in result.change_summary.items()}
