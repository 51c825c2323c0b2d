"""What a player shows when it asks for a connection: tokens and tickets, from every place they may be.

Tokens by the reference server's rules: every ``token`` of the query counts, and ``Authorization: Bearer``, its scheme
in whatever case. Browsers, which can set no header, have the sub-protocols too; no proxy logs those.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from signalling.matchmaker.admission import cookie_of, opts_in, shown_tickets
from signalling.shell.handshake import UpgradeRequest

TOKEN_PREFIX: Final = "pixel-token."  # noqa: S105 - of a sub-protocol
_BEARER: Final = re.compile(r"bearer\s+(.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says; nothing of it is proved yet."""

    opted_in: bool = False
    tokens: tuple[str, ...] = field(default=(), repr=False)
    tickets: tuple[str, ...] = field(default=(), repr=False)
    """From the query and the sub-protocol: somebody means them."""
    cookie: str = field(default="", repr=False)
    """A ticket that the browser sends by itself."""


def presented(request: UpgradeRequest) -> Presented:
    """What a request shows."""
    headers = request.headers.getall("Authorization", [])
    bearers = [found[1] for header in headers if (found := _BEARER.fullmatch(header))]
    prefix = len(TOKEN_PREFIX)
    # In a sub-protocol only some characters may stand: others are percent-encoded there, as in a query.
    offered = [unquote(each[prefix:]) for each in request.subprotocols if each.startswith(TOKEN_PREFIX)]
    return Presented(
        opted_in=opts_in(request),
        tokens=tuple(filter(None, (*bearers, *offered, *request.values("token")))),
        tickets=tuple(filter(None, shown_tickets(request))),
        cookie=cookie_of(request),
    )
