"""Asks the session API, and says in words why it refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from signalling.operations.routes import BASE, Route

USUAL_ADDRESS: Final = "http://localhost:8080"
"""Of the API, behind ``kubectl port-forward``."""
PAGE: Final = 1000
"""Entries asked for at once."""
_TIMEOUT_SECONDS: Final = 60
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class PixelError(Exception):
    """What went wrong and what to do, for a person."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the API is and who asks."""

    address: str
    key: str
    """The admin key."""
    operator: str
    """Who acts, as they say themselves; it stands in the audit log."""


def credentials(environment: Mapping[str, str]) -> Credentials:
    """What the environment says.

    Raises:
        PixelError: the key is missing, or would cross a network in the clear.
    """
    address = environment.get("PIXEL_API", USUAL_ADDRESS).rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise PixelError(f"PIXEL_API is {address!r}; give an address such as https://play.example.com")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise PixelError(f"PIXEL_API is {address!r}: the admin key would go in the clear; use https or a port-forward")
    who = environment.get("PIXEL_OPERATOR") or environment.get("USER", "")
    return Credentials(address, _key(environment), who)


def _key(environment: Mapping[str, str]) -> str:
    """Never an argument: every user of a machine can read those."""
    file = environment.get("PIXEL_ADMIN_KEY_FILE")
    try:
        key = Path(file).read_text().strip() if file else environment.get("PIXEL_ADMIN_KEY", "").strip()
    except OSError as error:
        raise PixelError(f"PIXEL_ADMIN_KEY_FILE is {file!r}: {error.strerror}") from error
    if not key:
        remedy = (
            "set PIXEL_ADMIN_KEY, or PIXEL_ADMIN_KEY_FILE to a file that holds it; docs/operator.md says where it is"
        )
        raise PixelError(f"there is no admin key: {remedy}")
    return key


class Service:
    """The session API of a running stack."""

    def __init__(self, its: Credentials) -> None:
        self._address: Final = its.address
        headers = [(b"Authorization", f"Bearer {its.key}".encode()), (b"X-Operator", its.operator.encode())]
        self._http: Final = httpx.Client(headers=headers, timeout=_TIMEOUT_SECONDS)

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def ask(self, route: Route, path: Mapping[str, str], query: Mapping[str, str], body: object | None) -> Any:  # noqa: ANN401 - JSON
        """The answer of a route.

        Raises:
            PixelError: it was refused, or nobody answered.
        """
        filled = route.path.format(**{name: quote(value, safe="") for name, value in path.items()})
        try:
            answer = self._http.request(route.method, f"{self._address}{BASE}{filled}", params=query, json=body)
        except httpx.HTTPError as error:
            raise PixelError(f"{self._address} does not answer ({error}); is PIXEL_API right?") from error
        return _content(answer)

    def whole(self, route: Route, path: Mapping[str, str], query: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        """All pages of a list as one."""
        items: list[Any] = []
        after = ""
        while True:
            page = self.ask(route, path, {**query, "limit": str(PAGE), "after": after}, None)
            items += page["items"]
            if page["next"] is None:
                return {**page, "items": items}
            after = page["next"]


def _content(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    try:
        content = answer.json()
    except ValueError:
        content = None
    if answer.is_success and content is not None:
        return content
    if isinstance(content, Mapping) and "detail" in content:
        where = f"{content['key']}: " if content.get("key") else ""
        remedy = f" {content['remedy']}." if content.get("remedy") else ""
        raise PixelError(f"{where}{content['detail']}{remedy}")
    phrase = HTTPStatus(answer.status_code).phrase
    raise PixelError(f"{answer.url} answered {answer.status_code} {phrase}, which is none of the session API's answers")
