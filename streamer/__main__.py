"""Start the demo application: ``python -m streamer``.

Exit status 0 after SIGTERM or SIGINT, 1 when drawing or encoding fails, 2 when the environment cannot be used.
"""

import asyncio
import logging
import os
import signal
import sys

from streamer import settings as environment
from streamer.settings import Settings, SettingsError

_LOG = logging.getLogger("streamer")


async def _run(settings: Settings) -> None:
    from streamer.application import Application  # noqa: PLC0415 # a wrong setting is told before the slow imports

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    application = Application(settings)
    _LOG.info("drawing %d x %d at %d frames a second", settings.width, settings.height, settings.frame_rate)
    await application.run(stop)


def main() -> int:
    """Run until told to stop; gives the exit status."""
    try:
        settings = environment.read(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    # These tell of every packet and every candidate; what matters of it is told here.
    for chatty in ("aioice", "aiortc", "libav"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
    if settings.extra_arguments:
        _LOG.info("EXTRA_ARGS is for an Unreal application and is ignored: %s", settings.extra_arguments)
    try:
        asyncio.run(_run(settings))
    except Exception:
        _LOG.exception("the demo application has failed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
