"""The documentation's command line: ``python -m local.documentation reference | pictures``."""

import argparse
import sys

from local.demo import DemoError
from local.documentation import reference
from local.documentation.keys import RefusedError


def main(arguments: list[str] | None = None) -> int:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m local.documentation", description=__doc__)
    parser.add_argument("what", choices=["reference", "pictures"])
    what = parser.parse_args(arguments).what
    try:
        if what == "reference":
            reference.PAGE.write_text(reference.written())
        else:
            _take_pictures()
    except (reference.UndescribedError, RefusedError) as error:
        print(f"error: not every key can be described\n{error}", file=sys.stderr)
        return 1
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _take_pictures() -> None:
    # The browser's library is for developers only, and the reference is written without it.
    from local.documentation import pictures  # noqa: PLC0415

    for name in pictures.take():
        print(pictures.FOLDER / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
