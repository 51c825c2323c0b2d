"""What a player shows when it asks for a connection: application, tokens and tickets, from every place they may be.

Tokens by the reference server's rules: every ``token`` of the query counts, and ``Authorization: Bearer``, its scheme
in whatever case. Browsers, which can set no header, have the sub-protocols too; no proxy logs those.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from multidict import MultiMapping

from signalling.protocol.session_messages import SUBPROTOCOL

COOKIE: Final = "pixel_session"
"""Holds a stock player's own ticket."""
TOKEN_PREFIX: Final = "pixel-token."  # noqa: S105 - of a sub-protocol
TICKET_PREFIX: Final = "pixel-ticket."
_BEARER: Final = re.compile(r"bearer\s+(.+)", re.IGNORECASE)


class UnreadableTarget(ValueError):
    """The target of a request is no URL."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says; nothing of it is proved yet."""

    application: str | None
    opted_in: bool
    tokens: tuple[str, ...] = field(default=(), repr=False)
    tickets: tuple[str, ...] = field(default=(), repr=False)
    """From the query and the sub-protocol: somebody means them."""
    cookie: str = field(default="", repr=False)
    """A ticket that the browser sends by itself."""


def presented(target: str, headers: MultiMapping[str]) -> Presented:
    """What a request shows. ``target`` is what stands on its request line.

    Raises:
        UnreadableTarget: it cannot be parsed, and so nothing is known of what it shows.
    """
    try:
        query = parse_qsl(urlsplit(target).query, keep_blank_values=True, errors="replace")
    except ValueError as error:
        raise UnreadableTarget("the target is no URL") from error
    protocols = subprotocols(headers)
    values: dict[str, list[str]] = {}
    for name, value in query:
        values.setdefault(name, []).append(value)
    bearers = [found[1] for header in headers.getall("Authorization", []) if (found := _BEARER.fullmatch(header))]
    # In a sub-protocol only some characters may stand: others are percent-encoded there, as in a query.
    offered = [unquote(each.removeprefix(TOKEN_PREFIX)) for each in protocols if each.startswith(TOKEN_PREFIX)]
    tickets = [each.removeprefix(TICKET_PREFIX) for each in protocols if each.startswith(TICKET_PREFIX)]
    return Presented(
        application=next(iter(values.get("app", ())), None),
        opted_in=SUBPROTOCOL in protocols or "1" in values.get("session", ()),
        tokens=tuple(filter(None, (*bearers, *offered, *values.get("token", ())))),
        tickets=tuple(filter(None, (*tickets, *values.get("ticket", ())))),
        cookie=_cookie(headers),
    )


def subprotocols(headers: MultiMapping[str]) -> list[str]:
    """The sub-protocols that a request offers."""
    listed = (each.strip() for header in headers.getall("Sec-WebSocket-Protocol", []) for each in header.split(","))
    return [each for each in listed if each]


def _cookie(headers: MultiMapping[str]) -> str:
    # Not by the library's parser: it gives up at the first cookie of somebody else's that it does not like.
    pairs = (pair.strip().partition("=") for header in headers.getall("Cookie", []) for pair in header.split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), "")
