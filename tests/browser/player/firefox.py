"""Firefox by its own remote protocol (WebDriver BiDi), which needs no driver beside it."""

import asyncio
import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")
PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.default": 0,
    "media.gmp-manager.updateEnabled": False,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


class Tab:
    """One tab of a running Firefox."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._context = ""

    async def begin(self) -> None:
        await self._call("session.new", capabilities={})
        tree = await self._call("browsingContext.getTree")
        self._context = tree["contexts"][0]["context"]

    async def goto(self, url: str) -> None:
        await self._call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page, which JSON can hold."""
        wrapped = f"(async () => JSON.stringify(await ({expression})))()"
        target = {"context": self._context}
        done = await self._call("script.evaluate", expression=wrapped, target=target, awaitPromise=True)
        assert done["type"] == "success", done
        return json.loads(done["result"].get("value") or "null")

    async def wait_for(self, condition: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not await self.evaluate(condition):
            assert time.monotonic() < deadline, f"never: {condition}"
            await asyncio.sleep(0.1)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other; special keys are characters of WebDriver."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        await self._call("input.performActions", context=self._context, actions=[source])

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message: dict[str, Any] = await self._socket.receive_json(timeout=60)
            if message.get("id") == number:
                assert message["type"] == "success", message
                result: dict[str, Any] = message["result"]
                return result


@asynccontextmanager
async def firefox(profile: Path, port: int) -> AsyncIterator[Tab]:
    """A headless Firefox with a profile of its own."""
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, "--headless", "--no-remote", "--profile", str(profile), f"--remote-debugging-port={port}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while b"WebDriver BiDi listening" not in (line := await process.stderr.readline()):
                assert line, "Firefox has ended"
        # It goes on writing, and must never wait for a reader.
        draining = asyncio.create_task(process.stderr.read())
        address = f"ws://127.0.0.1:{port}/session"
        async with ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
            tab = Tab(socket)
            await tab.begin()
            yield tab
        draining.cancel()
    finally:
        process.terminate()
        await process.wait()
