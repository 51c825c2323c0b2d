"""Environment variables of an application. They stand in the stack file and in the pod for everyone to read."""

import re
from collections.abc import Mapping

from components.settings.reading import Reader

OURS = (
    "APPLICATION",
    "EXTRA_ARGS",
    "FRAME_RATE",
    "HOME",
    "NVIDIA_DRIVER_CAPABILITIES",
    "NVIDIA_VISIBLE_DEVICES",
    "RES_X",
    "RES_Y",
    "SIGNAL_URL",
    "STREAMER_ID",
)
"""What the program or the image sets itself."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(API|PRIVATE|ACCESS)_?KEY)($|_)", re.IGNORECASE
)


def read_environment(reader: Reader) -> Mapping[str, str]:
    """Read the `environment` key of an application: names and texts."""
    found: dict[str, str] = {}
    for name in sorted(reader.values, key=str):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            reader.has(name)
            reader.refusals.add(reader.key(str(name)), reader.values[name], "no name", "Use letters, digits and _")
        elif name in OURS:
            reader.has(name)
            remedy = "Leave it out; there are resolution, arguments and pools.gpu.sharing"
            reader.refusals.add(reader.key(name), reader.values[name], "set by the platform itself", remedy)
        elif _SECRET.search(name):
            reader.has(name)
            # The value is not shown: it may be what it should not be.
            remedy = "Let the application fetch it at run time: instances are not trusted with secrets"
            reader.refusals.add(reader.key(name), "(hidden)", "the name of a secret", remedy)
        else:
            found[name] = reader.text(name, r"[^\0]*", "a text", "")
    reader.close()
    return found
