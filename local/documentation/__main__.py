"""The documentation's command line: ``python -m local.documentation reference``."""

import argparse
import sys

from local.documentation import reference


def main(arguments: list[str] | None = None) -> int:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m local.documentation", description=__doc__)
    parser.add_argument("what", choices=["reference"])
    parser.parse_args(arguments)
    try:
        reference.PAGE.write_text(reference.written())
    except reference.UndescribedError as error:
        print(f"error: not every key can be described\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
