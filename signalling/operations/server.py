"""The HTTP side of the session API: credential, decoding, answers, audit. What a request means is in ``handlers``."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import ETag, web
from multidict import MultiMapping
from prometheus_client import CollectorRegistry, Counter

from signalling.limits.addresses import Network, client_address, counted_under
from signalling.operations import reference
from signalling.operations.audit import Whoever
from signalling.operations.credential import AdminKey
from signalling.operations.handlers import Call, Operations
from signalling.operations.openapi import document
from signalling.operations.problems import Refused, answer, refused_by
from signalling.operations.routes import BASE, ROUTES, Route
from signalling.records.interface import Rate
from signalling.records.memory import MemoryRecords

LOG: Final = logging.getLogger("operations")
MOST_BYTES: Final = 65_536
"""Of a request."""
_REFUSALS_LOGGED: Final = Rate(interval=60, burst=5)
"""Wrong credentials of one address that are worth a line."""
_WORTH_COMPRESSING: Final = 2048
"""Bytes."""
_SAFE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask, and from which pages."""

    key: AdminKey
    origins: Collection[str] = ()
    """Origins of pages, other than our own, that may use the API; they need the key all the same."""
    public_status: bool = False
    """The reference's three routes need no key."""
    proxies: tuple[Network, ...] = field(default=())


class OperationsServer:
    """The API as an aiohttp application."""

    def __init__(self, operations: Operations, access: Access, registry: CollectorRegistry) -> None:
        self._operations: Final = operations
        self._access: Final = access
        self._started: Final = operations.clock()
        self._document: Final = msgspec.json.encode(document())
        self._refusals: Final = MemoryRecords()
        self._requests: Final = Counter(
            "pixel_api_requests", "Requests to the session API", ["operation", "status"], registry=registry
        )

    def application(self, static: Handler | None = None) -> web.Application:
        """``static`` answers what is below ``/operator``: files only, that hold nothing of this service."""
        app = web.Application(middlewares=[self._outermost], client_max_size=MOST_BYTES)
        app.router.add_get(f"{BASE}/openapi.json", self._openapi)
        for route in ROUTES:
            app.router.add_route(route.method, f"{BASE}{route.path}", self._handler(route), name=route.operation)
        app.router.add_get("/api/status", self._reference(self._status))
        for kind, listing in (("streamer", self._streamers), ("player", self._players)):
            app.router.add_get(f"/api/{kind}s", self._reference(listing))
            app.router.add_get(f"/api/{kind}s/{{id}}", self._reference(self._one(kind, listing)))
        if static is not None:
            app.router.add_get("/operator", static)
            app.router.add_get("/operator/{path:.*}", static)
        return app

    @web.middleware
    async def _outermost(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer of the API is a problem or JSON, whatever happens."""
        origin = request.headers.get("Origin", "")
        if request.method == "OPTIONS" and origin in self._access.origins:
            response: web.StreamResponse = web.Response(status=HTTPStatus.NO_CONTENT)
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-None-Match, X-Operator"
            response.headers["Access-Control-Max-Age"] = "600"
        else:
            response = await self._answered(request, handler)
        if origin in self._access.origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "ETag"
            response.headers["Vary"] = "Origin"
        return response

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            status = HTTPStatus(error.status)
            # Which routes there are is in the document; whoever has no key learns no more here than there.
            allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            remedy = f"See {BASE}/openapi.json"
            return answer(
                Refused(status, status.description or status.phrase, remedy, value=request.path).problem, allowed
            )
        except Exception as error:
            refused = refused_by(error, request.path)
            if refused is None:
                LOG.exception("request failed", extra={"path": request.path})
                refused = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here.", "See the log")
            headers = {"WWW-Authenticate": "Bearer"} if refused.problem.status == HTTPStatus.UNAUTHORIZED else {}
            return answer(refused.problem, headers)

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            details: dict[str, Any] = {}
            who: Whoever | None = None
            status = HTTPStatus.INTERNAL_SERVER_ERROR.value
            try:
                who = await self._who(request)
                call = Call(request.match_info, _query(route, request.query), await _body(route, request))
                details = {} if call.body is None else msgspec.to_builtins(call.body)
                found = await route.handle(self._operations, call)
                status = route.status.value
                content = msgspec.json.encode(found)
                return _made(content, status) if route.acts else _unless_known(content, request)
            except Exception as error:
                refused = refused_by(error, "/".join(request.match_info.values()))
                if refused is None:
                    raise
                status = refused.problem.status
                raise refused from error
            finally:
                self._requests.labels(route.operation, str(status)).inc()
                if route.acts and who is not None:
                    target = "/".join(request.match_info.values()) or str(details.get("application", ""))
                    await self._operations.audit.write(route.operation, target, status, who, details)

        return handle

    async def _who(self, request: web.Request) -> Whoever:
        """Who asks, proved by the admin key.

        Raises:
            Refused: it is not proved.
        """
        address = self._address(request)
        name = self._access.key.proved(request.headers.getall("Authorization", []))
        if name is None:
            if not await self._refusals.take(address, _REFUSALS_LOGGED, self._operations.clock()):
                LOG.warning("wrong or no credential", extra={"address": address, "path": request.path})
            problem, remedy = "The admin key is missing or wrong.", "Send it as Authorization: Bearer <admin key>"
            raise Refused(HTTPStatus.UNAUTHORIZED, problem, remedy, key="Authorization")
        operator = "".join(each for each in request.headers.get("X-Operator", "")[:64] if each.isprintable())
        return Whoever(name, operator, address)

    def _address(self, request: web.Request) -> str:
        forwarded = request.headers.getall("X-Forwarded-For", [])
        return counted_under(client_address(request.remote or "", forwarded, self._access.proxies))

    async def _openapi(self, _: web.Request) -> web.Response:
        return web.Response(body=self._document, headers={"Content-Type": "application/json"})

    def _reference(self, handler: Callable[[web.Request, bool], Awaitable[Any]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            known = self._access.key.proved(request.headers.getall("Authorization", [])) is not None
            if not (known or self._access.public_status):
                await self._who(request)
            found = await handler(request, known)
            if isinstance(found, web.Response):
                return found
            return web.Response(
                body=msgspec.json.encode(found), headers={"Content-Type": "application/json; charset=utf-8", **_SAFE}
            )

        return handle

    async def _status(self, _: web.Request, __: bool) -> dict[str, Any]:
        service, uptime = self._operations.service, self._operations.clock() - self._started
        return reference.status(await service.instances(), await service.sessions(), uptime)

    async def _streamers(self, _: web.Request, known: bool) -> list[dict[str, Any]]:
        service = self._operations.service
        return reference.streamers(await service.instances(), await service.sessions(), addresses=known)

    async def _players(self, _: web.Request, __: bool) -> list[dict[str, Any]]:
        return reference.players(await self._operations.service.sessions())

    def _one(
        self, kind: str, listing: Callable[[web.Request, bool], Awaitable[list[dict[str, Any]]]]
    ) -> Callable[[web.Request, bool], Awaitable[Any]]:
        async def handle(request: web.Request, known: bool) -> Any:  # noqa: ANN401 - JSON, or a response
            wanted = request.match_info["id"]
            found = next((each for each in await listing(request, known) if each[f"{kind}Id"] == wanted), None)
            # The reference's own words.
            missing = {"message": f"No {kind} id matches {wanted}."}
            return found or web.json_response(missing, status=HTTPStatus.NOT_FOUND)

        return handle


def _made(content: bytes, status: int) -> web.Response:
    return web.Response(body=content, status=status, headers={"Content-Type": "application/json", **_SAFE})


def _unless_known(content: bytes, request: web.Request) -> web.Response:
    """What is asked for, or only that it is still what the asker has: pages ask again every few seconds."""
    tag = hashlib.sha256(content).hexdigest()[:32]
    if any(known.value == tag for known in request.if_none_match or ()):
        response = web.Response(status=HTTPStatus.NOT_MODIFIED, headers=_SAFE)
    else:
        response = _made(content, HTTPStatus.OK)
        if len(content) > _WORTH_COMPRESSING:
            response.enable_compression()
    # Weak: compressed or not, it is the same.
    response.etag = ETag(tag, is_weak=True)
    return response


def _query(route: Route, given: MultiMapping[str]) -> Any:  # noqa: ANN401 - the route's struct
    values: dict[str, str] = {}
    for name, value in given.items():
        if name in values:
            raise Refused(HTTPStatus.BAD_REQUEST, "It is given twice.", "Give it once", key=name, value=value)
        values[name] = value
    return _converted(route.query, values, HTTPStatus.BAD_REQUEST, strict=False)


async def _body(route: Route, request: web.Request) -> Any:  # noqa: ANN401 - the route's struct
    if route.body is None:
        return None
    try:
        content = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        remedy = f"Send {MOST_BYTES} bytes at most"
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too long.", remedy) from error
    except web.RequestPayloadError as error:
        # It ends too early, or is not packed as Content-Encoding says.
        remedy = "Send all of it, as it is"
        raise Refused(HTTPStatus.BAD_REQUEST, "The body cannot be read.", remedy, key="Content-Encoding") from error
    if content and request.content_type != "application/json":
        problem, remedy = "The body is not JSON.", "Send Content-Type: application/json"
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, problem, remedy, key="Content-Type", value=request.content_type
        )
    try:
        said = msgspec.json.decode(content) if content else {}
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refused(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}.", "Send a JSON object") from error
    return _converted(route.body, said, HTTPStatus.UNPROCESSABLE_ENTITY, strict=True)


def _converted(struct: type[msgspec.Struct], said: object, status: HTTPStatus, *, strict: bool) -> Any:  # noqa: ANN401
    try:
        return msgspec.convert(said, struct, strict=strict)
    except msgspec.ValidationError as error:
        # It says where, as "... - at `$.limit`"; an unknown or missing member it names in quotation marks.
        problem, _, where = str(error).partition(" - at `$.")
        key = where.rstrip("`") or (problem.split("`")[1] if problem.count("`") == 2 else None)
        value = said.get(key) if isinstance(said, Mapping) and key is not None else None
        remedy = f"Known: {', '.join(sorted(struct.__struct_fields__)) or 'nothing'}; see {BASE}/openapi.json"
        raise Refused(status, f"{problem}.", remedy, key=key, value=value) from error
