"""Asking the application's own API for a player: at one fixed address, with bounds on everything."""

import asyncio
import json
import logging
from typing import Final

import msgspec
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from signalling.protocol.control import ControlResponse, failure
from signalling.protocol.messages import opaque

LOG: Final = logging.getLogger("sidecar.game_api")
AT_ONCE: Final = 8
"""Questions under way; one more is refused at once."""
SECONDS: Final = 10.0
ANSWER_BYTES: Final = 262_144


class GameApi:
    """The API below a base URL on this pod's loopback."""

    def __init__(self, base: str, http: ClientSession) -> None:
        self._base: Final = base.rstrip("/")
        self._http: Final = http
        self._under_way = 0

    async def ask(self, action: str, payload: bytes | None) -> ControlResponse:
        """The answer to one question; ``action`` is checked already."""
        if self._under_way >= AT_ONCE:
            return failure(action, "too many questions at once")
        self._under_way += 1
        try:
            return await self._ask(action, payload)
        except (ClientError, OSError, TimeoutError) as error:
            LOG.warning("the application's API failed", extra={"error": type(error).__name__})
            return failure(action, "the application did not answer")
        finally:
            self._under_way -= 1

    async def _ask(self, action: str, payload: bytes | None) -> ControlResponse:
        url = f"{self._base}/{action.lstrip('/')}"
        method, headers = ("GET", {}) if payload is None else ("POST", {"Content-Type": "application/json"})
        async with self._http.request(
            method,
            url,
            data=payload,
            headers=headers,
            # What it answers with is data for the player, never a place to go to.
            allow_redirects=False,
            timeout=ClientTimeout(total=SECONDS),
        ) as answer:
            body = await _bounded(answer)
            if body is None:
                return failure(action, "the answer is too big")
            if not 200 <= answer.status < 300:
                return failure(action, answer.reason or "refused", answer.status)
            return ControlResponse(action=action, response=_content(answer.content_type, body))


async def _bounded(answer: ClientResponse) -> bytes | None:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > ANSWER_BYTES:
            return None
        await asyncio.sleep(0)
    return bytes(body)


def _content(kind: str, body: bytes) -> msgspec.Raw:
    """JSON as it is, anything else as a text."""
    if not body:
        return opaque(None)
    if kind == "application/json":
        try:
            return opaque(json.loads(body))
        except (ValueError, RecursionError):
            pass
    return opaque(body.decode(errors="replace"))
