"""One small document from another server."""

import errno
import re
from dataclasses import dataclass
from ipaddress import ip_address
from socket import AddressFamily
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from signalling.outgoing.addresses import RefusedUrl, checked, public

MOST_BYTES: Final = 262_144
"""Of a document; what says more is not read."""
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})", re.IGNORECASE)


class Unreachable(Exception):
    """No usable answer came; the text names the host and what went wrong."""


@dataclass(frozen=True, slots=True)
class Document:
    """What was answered."""

    content: bytes
    max_age: float | None
    """Seconds for which it may be kept, if the server says."""


class PublicResolver(AbstractResolver):
    """Names as addresses of the internet; a name of others has none. Looked at here, it cannot change afterwards."""

    def __init__(self) -> None:
        self._inner: Final = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of a name; OSError if there is none."""
        found = await self._inner.resolve(host, port, family)
        kept = [each for each in found if public(ip_address(each["host"]))]
        if not kept:
            raise OSError(errno.EADDRNOTAVAIL, f"{host} has no address of the internet")
        return kept

    async def close(self) -> None:
        """Nothing is kept."""
        await self._inner.close()


def session(*, private: bool) -> ClientSession:
    """A client for other servers; without ``private`` it connects to addresses of the internet only."""
    connector = TCPConnector() if private else TCPConnector(resolver=PublicResolver())
    return ClientSession(connector=connector, trust_env=False)


async def fetch(http: ClientSession, url: str, seconds: float = 5.0) -> Document:
    """The document at a URL, on a private address too. No redirection is followed: it could lead anywhere.

    Raises:
        Unreachable: there is none, it is too long, or the URL is refused.
    """
    try:
        where = checked(url, private=True)
        timeout = ClientTimeout(total=seconds)
        async with http.get(where, allow_redirects=False, timeout=timeout) as answer:
            if answer.status != 200:
                raise Unreachable(f"{where.host}: answered {answer.status}")
            content = bytearray()
            async for part in answer.content.iter_chunked(65_536):
                content += part
                if len(content) > MOST_BYTES:
                    raise Unreachable(f"{where.host}: answered more than {MOST_BYTES} bytes")
            found = _MAX_AGE.search(answer.headers.get("Cache-Control", ""))
            return Document(bytes(content), float(found[1]) if found else None)
    except RefusedUrl as error:
        raise Unreachable(str(error)) from error
    except (ClientError, OSError, TimeoutError) as error:
        raise Unreachable(f"{where.host}: {type(error).__name__}") from error
