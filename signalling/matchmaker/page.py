"""The player page: a table of the files that existed at the start, with their headers. Nothing else is ever read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec
from aiohttp import web

POLICY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        # Freeze frames arrive on the data channel and are shown from memory.
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
)
"""No inline script or style: the page sets its styles through the object model, which no policy refuses."""


def policy_with(allowed: Mapping[str, Sequence[str]]) -> str:
    """The content security policy, with what some directives allow beside the page's own host."""
    return "; ".join(" ".join((name, its, *allowed.get(name, ()))) for name, its in POLICY.items())


SECURITY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": policy_with({}),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), payment=(), usb=()",
    }
)

FINGERPRINTED: Final = "assets/"
"""The build puts a hash of the content into the names below this folder."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page."""

    path: Path
    headers: Mapping[str, str]


def page_files(folder: Path, allowed: Mapping[str, Sequence[str]] = MappingProxyType({})) -> dict[str, PageFile]:
    """The files below ``folder`` by request path, ``/`` for index.html; nothing when there is no such folder.

    ``allowed`` is what the policy allows beside the page's own host, by directive.
    """
    files: dict[str, PageFile] = {}
    security = {**SECURITY, "Content-Security-Policy": policy_with(allowed)}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            continue
        relative = path.relative_to(folder).as_posix()
        name = "" if relative == "index.html" else relative
        files[f"/{name}"] = PageFile(path, MappingProxyType({**security, "Cache-Control": _cache_control(relative)}))
    return files


def _cache_control(relative: str) -> str:
    # The page itself is asked for anew each time (cheaply, by its ETag), so that an upgrade reaches everybody.
    return "public, max-age=31536000, immutable" if relative.startswith(FINGERPRINTED) else "no-cache"


def serve_file(files: Mapping[str, PageFile], request: web.Request) -> web.StreamResponse:
    """The file of the request's path, or 404."""
    found = files.get("/" if request.path == "/index.html" else request.path)
    if found is None:
        return web.Response(status=404, text="There is no such file.\n", headers=SECURITY)
    return web.FileResponse(found.path, headers=found.headers)


def serve_configuration(configuration: Mapping[str, object]) -> web.Response:
    """What the stack tells its page (player/config.schema.json)."""
    headers = {**SECURITY, "Cache-Control": _cache_control("config.json")}
    return web.Response(body=msgspec.json.encode(configuration), content_type="application/json", headers=headers)
