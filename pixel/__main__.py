"""``python -m pixel sessions``, and the other commands; ``--help`` lists them."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from pixel.arguments import body, named, parser, said
from pixel.commands import COMMANDS
from pixel.printing import printable, show
from pixel.service import PixelError, Service, credentials


def main(arguments: Sequence[str], environment: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    """Run one command; an error is one line on ``err``, and 1."""
    given = parser().parse_args(arguments)
    command = next(each for each in COMMANDS if each.name == given.command)
    route = command.route
    try:
        path = named(command, given)
        values = said(command, given)
        with Service(credentials(environment)) as service:
            if command.whole:
                answer = service.whole(route, path, values)
            elif route.body is None:
                answer = service.ask(route, path, values, None)
            else:
                answer = service.ask(route, path, {}, body(command, values))
    except PixelError as error:
        print(f"error: {printable(str(error))}", file=err)
        return 1
    show(command, answer, out, as_json=given.json)
    return 0


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:], os.environ, sys.stdout, sys.stderr)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads, such as ``head``, has enough. Python flushes once more at its end, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
