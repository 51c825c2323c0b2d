"""From which pages a browser may connect, as pure functions.

A page of anybody's can open a WebSocket to anywhere, with the cookies of where it goes to. What is no browser sends no
origin, and could send any.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

ANY: Final = "*"
_PORTS: Final = {"http": 80, "https": 443}


def admitted(origin: str | None, host: str, allowed: Collection[str]) -> bool:
    """Whether a page of ``origin`` may connect to ``host``, the request's Host header.

    Always the service's own page, by whatever scheme: TLS may end before us. Of ``allowed`` an entry is an origin,
    ``https://*.example.com`` for those below a domain, or ``*`` for all.
    """
    if origin is None or ANY in allowed:
        return True
    if origin in allowed:
        return True
    its = _split(origin)
    if its is None:
        return False
    scheme, name, port = its
    own = _split(f"{scheme}://{host}")
    if own is not None and own[1:] == (name, port):
        return True
    return any(_below(its, pattern) for pattern in allowed)


def _below(origin: tuple[str, str, int], pattern: str) -> bool:
    scheme, star, domain = pattern.partition("://*.")
    if not star:
        return _split(pattern) == origin
    wanted = _split(f"{scheme}://{domain}")
    return (
        wanted is not None and (wanted[0], wanted[2]) == (origin[0], origin[2]) and origin[1].endswith(f".{wanted[1]}")
    )


def _split(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what is no origin, such as ``null``."""
    try:
        parsed = urlsplit(origin)
        port = parsed.port or _PORTS.get(parsed.scheme)
    except ValueError:
        return None
    if parsed.hostname is None or port is None or parsed.username is not None or parsed.path not in ("", "/"):
        return None
    return parsed.scheme, parsed.hostname, port
