"""Asks the session API, and says in words why it refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote

import httpx
import msgspec

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
        PixelError: one is missing or is none, or the key would cross a network in the clear.
    """
    address = environment.get("PIXEL_API", USUAL_ADDRESS).rstrip("/")
    try:
        parts = httpx.URL(address)
    except httpx.InvalidURL:
        parts = httpx.URL()
    if parts.userinfo:
        raise PixelError(
            "PIXEL_API has a name or a password in it; give the address alone, and the admin key by itself"
        )
    if parts.scheme not in {"http", "https"} or not parts.host or parts.query or parts.fragment:
        raise PixelError(f"PIXEL_API is {address!r}; give an address such as https://play.example.com")
    if parts.scheme == "http" and parts.host not in _LOOPBACK:
        raise PixelError(f"PIXEL_API is {address!r}: the admin key would go in the clear; use https or a port-forward")
    who = (environment.get("PIXEL_OPERATOR") or environment.get("USER", "")).strip()
    if not who.isprintable():
        raise PixelError(f"PIXEL_OPERATOR is {who!r}; give a name in one line")
    return Credentials(address, _key(environment), who)


def _key(environment: Mapping[str, str]) -> str:
    """Never an argument: every user of a machine can read those."""
    file = environment.get("PIXEL_ADMIN_KEY_FILE")
    try:
        key = Path(file).read_text("utf-8").strip() if file else environment.get("PIXEL_ADMIN_KEY", "").strip()
    except OSError as error:
        raise PixelError(f"PIXEL_ADMIN_KEY_FILE is {file!r}: {error.strerror}") from error
    except ValueError as error:
        raise PixelError(f"PIXEL_ADMIN_KEY_FILE is {file!r}, which is no file that holds a key") from error
    if not key:
        remedy = (
            "set PIXEL_ADMIN_KEY, or PIXEL_ADMIN_KEY_FILE to a file that holds it; docs/operator.md says where it is"
        )
        raise PixelError(f"there is no admin key: {remedy}")
    if not key.isprintable() or " " in key:
        # What it is stays unsaid.
        where = "PIXEL_ADMIN_KEY_FILE" if file else "PIXEL_ADMIN_KEY"
        raise PixelError(f"{where} holds more than an admin key: that is one word, without blanks or line breaks")
    return key


class Service:
    """The session API of a running stack."""

    def __init__(self, its: Credentials) -> None:
        self._address: Final = its.address
        headers = [(b"Authorization", f"Bearer {its.key}".encode()), (b"X-Operator", its.operator.encode())]
        # A proxy that the environment names would get in the clear what is for this machine only.
        proxied = its.address.startswith("https:")
        self._http: Final = httpx.Client(headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=proxied)

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def ask(self, route: Route, path: Mapping[str, str], query: Mapping[str, str], body: object | None) -> Any:  # noqa: ANN401 - JSON
        """The answer of a route.

        Raises:
            PixelError: it was refused, or nobody answered.
        """
        filled = route.path.format(**{name: _segment(name, value) for name, value in path.items()})
        try:
            answer = self._http.request(route.method, f"{self._address}{BASE}{filled}", params=query, json=body)
        except httpx.HTTPError as error:
            raise PixelError(f"{self._address} does not answer ({error}); is PIXEL_API right?") from error
        return _content(answer, route)

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


def _segment(name: str, value: str) -> str:
    if value in {"", ".", ".."}:
        raise PixelError(f"{name} is {value!r}, which names nothing; give one that is listed")
    return quote(value, safe="")


def _content(answer: httpx.Response, route: Route) -> Any:  # noqa: ANN401 - JSON
    try:
        content = answer.json()
        if answer.is_success:
            msgspec.convert(content, route.answer)
            return content
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, Mapping) and isinstance(content.get("detail"), str):
        where = f"{content['key']}: " if content.get("key") else ""
        remedy = f" {content['remedy']}." if content.get("remedy") else ""
        raise PixelError(f"{where}{content['detail']}{remedy}")
    said = f"{answer.status_code} {answer.reason_phrase}".rstrip()
    raise PixelError(f"{answer.url} answered {said}, which is none of the session API's answers; is PIXEL_API right?")
