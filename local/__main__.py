"""The local stack's command line: ``python -m local demo | up | down | preview``."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from local.progress import Steps


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors that a person can mend end it with one line and status 1."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if os.environ.get("PIXEL_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    steps = Steps()
    if options.command == "preview":
        # A preview needs no root, no packages and no cluster, so it does not load the code for them.
        from local.preview import preview  # noqa: PLC0415
        from local.stack import stack_names  # noqa: PLC0415

        for name in options.stacks or stack_names():
            preview(name, steps, lambda line: print(line, end="" if line.endswith("\n") else "\n"))
        return

    from local.demo import ExistingCluster, demo, down, only_run, prepare, up  # noqa: PLC0415

    if options.command == "prepare":
        prepare(steps)
        return
    existing = ExistingCluster(options.kubeconfig, options.load) if options.kubeconfig else None
    with only_run():
        if options.command == "demo":
            demo(steps, options.port, existing)
        elif options.command == "up":
            up(steps, existing)
        else:
            down(steps, existing)


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
    preview = commands.add_parser("preview", help="preview stacks without a cloud account, all unless named")
    preview.add_argument("stacks", nargs="*", metavar="STACK")
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
