"""Errors of the API: each names what is wrong and what to do."""

from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from signalling.operations.definitions import Problem

MEDIA_TYPE = "application/problem+json"


class Refused(Exception):
    """A request that is not carried out."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        remedy: str | None = None,
        *,
        key: str | None = None,
        value: object = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(
            title=status.phrase, status=status.value, detail=detail, key=key, value=_shown(value), remedy=remedy
        )


class Absent(Exception):
    """What a request names does not exist (any more); the text says of what kind it would be."""


class InTheWay(Exception):
    """The state of a thing does not allow what is asked; the text says why."""


class Away(Exception):
    """A part that is needed does not answer now; the text says which."""


def answer(problem: Problem, headers: dict[str, str] | None = None) -> web.Response:
    """A problem as a response."""
    return web.Response(
        body=msgspec.json.encode(problem),
        status=problem.status,
        headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", **(headers or {})},
    )


def refused_by(error: Exception, target: str) -> Refused | None:
    """What the parts of the service say, as a refusal; None for what nobody foresaw."""
    match error:
        case Refused():
            return error
        case Absent():
            remedy = "List what there is; it may have ended meanwhile"
            return Refused(HTTPStatus.NOT_FOUND, f"There is no such {error}.", remedy, value=target)
        case InTheWay():
            return Refused(HTTPStatus.CONFLICT, _sentence(error), "Look at its state, and try then", value=target)
        case Away():
            return Refused(HTTPStatus.SERVICE_UNAVAILABLE, _sentence(error), "Try again in some seconds")
        case _:
            return None


def _sentence(error: Exception) -> str:
    """Who shows it puts the remedy behind it."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _shown(value: object) -> Any:  # noqa: ANN401 - any JSON value
    return value[:200] if isinstance(value, str) else value
