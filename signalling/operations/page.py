"""The operator's page: its files below ``/operator``, which hold nothing of the service, and are served to anybody."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiohttp import web

from signalling.matchmaker.page import PageFile, page_files, serve_file

PATH: Final = "/operator"
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        # Nobody is to be led to press its buttons in a frame of theirs.
        "frame-ancestors 'none'",
    )
)


def operator_files(folder: Path) -> dict[str, PageFile]:
    """The files by request path; none where there is no such folder."""
    return {f"{PATH}{path}": _confined(file) for path, file in page_files(folder).items()}


def _confined(file: PageFile) -> PageFile:
    headers = {**file.headers, "Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return replace(file, headers=MappingProxyType(headers))


def operator_page(folder: Path | None) -> Callable[[web.Request], Awaitable[web.StreamResponse]] | None:
    """What answers below PATH; None where there is no page."""
    files = {} if folder is None else operator_files(folder)
    if not files:
        return None

    async def serve(request: web.Request) -> web.StreamResponse:
        if request.path == PATH:
            return web.Response(status=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": f"{PATH}/"})
        return serve_file(files, request)

    return serve
