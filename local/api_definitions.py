"""The session API's definitions in TypeScript, for the operator's page, made from the API's own document.

``python -m local.api_definitions`` writes them anew, after ``npm ci`` in ``operator``; a test says when that is due.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from local.paths import CHECKOUT
from signalling.operations.openapi import document

OPERATOR: Final = CHECKOUT / "operator"
DEFINITIONS: Final = Path("src/api/definitions.ts")
"""In the folder of the page."""
_GENERATOR: Final = Path("node_modules/.bin/openapi-typescript")


def generated(page: Path) -> str:
    """The definitions, by the generator among the packages that are installed in ``page``."""
    with tempfile.TemporaryDirectory() as folder:
        described, written = Path(folder, "openapi.json"), Path(folder, "definitions.ts")
        described.write_text(json.dumps(document()))
        command = [str(page / _GENERATOR), str(described), "--output", str(written)]
        subprocess.run(command, check=True, capture_output=True)
        return written.read_text()


if __name__ == "__main__":
    (OPERATOR / DEFINITIONS).write_text(generated(OPERATOR))
