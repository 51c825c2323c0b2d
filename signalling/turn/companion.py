"""``python -m signalling.turn.companion``: beside coturn, follows what changes, measures, and drains.

coturn goes on without it: when it ends, calls do not, and when it is back it asks coturn for all there is.
"""

import asyncio
import contextlib
import logging
import os
import sys
from typing import Final

from aiohttp import web

from signalling.shell import listening, logs
from signalling.shell.cancelling import cancel
from signalling.shell.environment import SettingError
from signalling.shell.health import health_app
from signalling.turn import settings
from signalling.turn.console import Console, ConsoleError
from signalling.turn.following import INTERVAL_SECONDS
from signalling.turn.metrics import TurnMetrics
from signalling.turn.node import TurnNode

LOG: Final = logging.getLogger("turn")


class Companion:
    """Its listeners and its loop: ``start``, then ``stop``."""

    def __init__(self, its: settings.CompanionSettings) -> None:
        self._its: Final = its
        self.node: Final = TurnNode(its)
        self._metrics: Final = TurnMetrics(self.node)
        self._runners: Final[dict[str, web.AppRunner]] = {}
        self._looked: Final = asyncio.Condition()
        self._background: Final[list[asyncio.Task[None]]] = []

    @property
    def ports(self) -> dict[str, int]:
        """The ports in use: ``metrics`` and ``control``."""
        return {name: listening.port_of(runner) for name, runner in self._runners.items()}

    async def start(self) -> None:
        """Write coturn's tables, however long it takes, then listen: whoever gets an answer may start coturn."""
        its = self._its
        console = Console(its.turn_console_port, its.console_password_file.read_text())
        while True:
            await asyncio.to_thread(self.node.look)
            if self.node.follower.complete:
                break
            await asyncio.sleep(INTERVAL_SECONDS)
        self._background.extend((asyncio.create_task(self._follow()), asyncio.create_task(self._ask(console))))
        self._runners["control"] = await listening.listen(self._control_app(), "127.0.0.1", its.turn_control_port)
        app = health_app(self._metrics.registry, lambda: not self.node.draining, self.node.status)
        self._runners["metrics"] = await listening.listen(app, its.turn_metrics_host, its.turn_metrics_port)
        LOG.info("listening", extra={"ports": self.ports})

    async def stop(self) -> None:
        """End; coturn does not hear of it."""
        await cancel(self._background)
        for runner in reversed(self._runners.values()):
            await runner.cleanup()
        self.node.follower.close()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                await asyncio.to_thread(self.node.look)
            except Exception:  # A disk that is full, a file that is not text: the next look may fare better.
                LOG.exception("a look failed")
            self.node.remember(loop.time())
            async with self._looked:
                self._looked.notify_all()

    async def _ask(self, console: Console) -> None:
        """Ask coturn's console what there is, again and again; a coturn that does not run has nothing."""
        try:
            while True:
                try:
                    self.node.allocations.update(await console.list())
                except OSError:
                    self.node.allocations.update(())
                except ConsoleError as error:
                    LOG.warning("coturn's console does not answer", extra={"reason": str(error)})
                except Exception:  # The figures of a console that says something new are not worth the drain.
                    LOG.exception("a question to coturn's console failed")
                await asyncio.sleep(self._its.turn_console_seconds)
        finally:
            console.close()

    def _control_app(self) -> web.Application:
        """``/drain`` and ``/empty``, each answered when no allocation is left or the time for it is over.

        The first refuses new ones from now on: this pod's preStop hook. The second leaves them alone: for who waits
        for a cordoned node, to which matchmakers send nobody.
        """

        async def drain(_: web.Request) -> web.Response:
            self.node.follower.refusing = self._its.turn_drain_seconds > 0
            return await self._emptied()

        async def empty(_: web.Request) -> web.Response:
            return await self._emptied()

        app = web.Application()
        app.add_routes([web.get("/drain", drain), web.get("/empty", empty)])
        return app

    async def _emptied(self) -> web.Response:
        LOG.info("waiting for allocations to end", extra={"allocations": self.node.held()})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._its.turn_drain_seconds), self._looked:
                # The next look may have begun before the refusal; the one after it has not.
                await self._looked.wait()
                await self._looked.wait()
                await self._looked.wait_for(lambda: not self.node.held())
        left = self.node.held()
        LOG.info("waited for allocations", extra={"left": left})
        return web.json_response({"left": left})


async def serve(its: settings.CompanionSettings) -> None:
    """Run until SIGTERM."""
    companion = Companion(its)
    await companion.start()
    try:
        await listening.until_signal()
    finally:
        await companion.stop()


def main() -> None:
    """Read the settings, serve."""
    logs.configure("info")
    try:
        its = settings.read_companion(os.environ)
        listening.run(lambda: serve(its))
    except (SettingError, OSError) as error:
        sys.exit(f"TURN's companion cannot start: {error}")


if __name__ == "__main__":
    main()
