"""The local stack's command line: ``python -m local demo | up | down | preview | touched | charts``."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors that a person can mend end it with one line and status 1."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if os.environ.get("PIXEL_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    """Each command loads its own code: to preview needs no root and no cluster, to ask for stacks nothing installed."""
    if options.command == "touched":
        return _touched(options)
    if options.command == "preview":
        return _preview(options)

    if options.command == "charts":
        from local.charts import fetch  # noqa: PLC0415
        from local.progress import Steps  # noqa: PLC0415

        fetch(Steps())
        return 0

    from local.demo import ExistingCluster, demo, down, only_run, prepare, up  # noqa: PLC0415
    from local.progress import Steps  # noqa: PLC0415

    steps = Steps()
    if options.command == "prepare":
        prepare(steps)
        return 0
    existing = ExistingCluster(options.kubeconfig, options.load) if options.kubeconfig else None
    with only_run():
        if options.command == "demo":
            demo(steps, options.port, existing)
        elif options.command == "up":
            up(steps, existing)
        else:
            down(steps, existing)
    return 0


def _touched(options: argparse.Namespace) -> int:
    from local.touched import changed_since, stack_names, touched  # noqa: PLC0415

    changed = changed_since(options.base) if options.base else sys.stdin.read().splitlines()
    stacks = touched(changed, stack_names())
    print(json.dumps(stacks) if options.json else "\n".join(stacks), end="\n" if options.json or stacks else "")
    return 0


def _preview(options: argparse.Namespace) -> int:
    from local.touched import stack_names  # noqa: PLC0415

    stacks = list(dict.fromkeys(options.stacks)) or stack_names()
    if len(stacks) > 1:
        from local.previews import preview_job, room, run_all  # noqa: PLC0415

        jobs = [preview_job(stack, options.reports) for stack in stacks]
        return 1 if run_all(jobs, options.workers or room(os.cpu_count() or 1)) else 0

    from local.preview import preview  # noqa: PLC0415
    from local.progress import Steps  # noqa: PLC0415
    from local.summary import Report, write_report  # noqa: PLC0415

    (stack,) = stacks
    report = Report(stack, failure="the preview ended before it had begun")
    try:
        report = preview(stack, Steps(), lambda line: print(line, end="" if line.endswith("\n") else "\n"))
    except Exception as error:
        report = Report(stack, failure=str(error))
        raise
    finally:
        if options.reports:
            options.reports.mkdir(parents=True, exist_ok=True)
            (options.reports / f"{stack}.json").write_text(write_report(report))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("demo", "bring the local stack up, print the page's address, remove everything on Ctrl-C"),
        ("up", "bring the local stack up and leave it running"),
        ("down", "remove everything that demo or up made; the caches stay"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--kubeconfig", type=_existing_file, help="use this cluster instead of the embedded one")
        command.add_argument(
            "--load", help="command that loads an image archive into that cluster, with {archive} in it"
        )
        if name == "demo":
            command.add_argument("--port", type=int, default=8080, help="port of the page on localhost (default 8080)")
    commands.add_parser("prepare", help="install the tools and packages that the other commands and the tests need")
    text = "fetch the charts that stacks install, with Helm, so that tests can render them"
    commands.add_parser("charts", help=text, description=text)
    text = "preview stacks without a cloud account, all unless named, several at a time"
    preview = commands.add_parser("preview", help=text, description=text)
    preview.add_argument("stacks", nargs="*", metavar="STACK")
    preview.add_argument("--reports", type=Path, metavar="FOLDER", help="write what each stack would change there")
    preview.add_argument(
        "--workers", type=int, metavar="N", help="how many at a time (default: three for two processors)"
    )
    text = "list the stacks that changed files touch: those of standard input, one a line, or those since a revision"
    touched = commands.add_parser("touched", help=text, description=text)
    touched.add_argument("--base", metavar="REVISION", help="compare the checkout's commit with where it left this one")
    touched.add_argument("--json", action="store_true", help="one list as JSON, for a workflow's matrix")
    return parser


def _existing_file(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text}: no such file")
    return path


if __name__ == "__main__":
    # Progress lines of the engine are wide; without a terminal they are not to be wrapped.
    os.environ.setdefault("COLUMNS", str(shutil.get_terminal_size((160, 40)).columns))
    sys.exit(main())
