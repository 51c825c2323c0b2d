"""The OpenAPI document of the session API, made from the table of routes and the definitions they name."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from signalling.operations import definitions as d
from signalling.operations.problems import MEDIA_TYPE
from signalling.operations.routes import BASE, ROUTES, Route

TITLE: Final = "Session API"
API_VERSION: Final = "1.0.0"
_REF: Final = "#/components/schemas/{name}"
_SCHEME: Final = "admin"
_DESCRIPTION: Final = (
    "What goes on in a Pixel Streaming service, and what an operator may do about it. Every request needs the admin "
    "key as a bearer. Errors are problem+json and name key, value and remedy."
)


def document() -> dict[str, Any]:
    """The whole document."""
    structs = {struct for route in ROUTES for struct in (route.answer, route.body) if struct is not None} | {d.Problem}
    ordered = sorted(structs, key=lambda struct: struct.__name__)
    _, components = msgspec.json.schema_components(ordered, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(f"{BASE}{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": API_VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{_SCHEME: []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {_SCHEME: {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "responses": {str(status.value): _response(status, route) for status in _statuses(route)},
    }
    if parameters := [*map(_path_parameter, route.parameters), *_query_parameters(route.query)]:
        operation["parameters"] = parameters
    if route.body is not None:
        required = any(field.required for field in msgspec.structs.fields(route.body))
        operation["requestBody"] = {"required": required, "content": _content(route.body, "application/json")}
    return operation


def _statuses(route: Route) -> Iterable[HTTPStatus]:
    yield route.status
    if not route.acts:
        yield HTTPStatus.NOT_MODIFIED
    if route.query is not d.Nothing or route.body is not None:
        yield HTTPStatus.BAD_REQUEST
    yield HTTPStatus.UNAUTHORIZED
    if route.parameters:
        yield HTTPStatus.NOT_FOUND
    if route.conflicts:
        yield HTTPStatus.CONFLICT
    if route.body is not None:
        yield from (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        yield HTTPStatus.UNPROCESSABLE_ENTITY
    yield HTTPStatus.SERVICE_UNAVAILABLE


def _response(status: HTTPStatus, route: Route) -> dict[str, Any]:
    if status is HTTPStatus.NOT_MODIFIED:
        return {"description": "It is what the ETag of If-None-Match stands for."}
    content = _content(route.answer, "application/json") if status is route.status else _content(d.Problem, MEDIA_TYPE)
    return {"description": status.phrase, "content": content}


def _content(struct: type[msgspec.Struct], media_type: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REF.format(name=struct.__name__)}}}


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": d.LONGEST_NAME}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(query: type[msgspec.Struct]) -> Iterable[dict[str, Any]]:
    (described,), components = msgspec.json.schema_components([query], ref_template=_REF)
    schema = components[described["$ref"].rpartition("/")[2]]
    for name, found in schema["properties"].items():
        inner = _inlined(found, components)
        parameter: dict[str, Any] = {"name": name, "in": "query", "required": name in schema["required"]}
        if description := inner.pop("description", None):
            parameter["description"] = description
        yield {**parameter, "schema": inner}


def _inlined(schema: Any, components: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """A schema with what it refers to in its place: a query has no components of its own."""
    if isinstance(schema, dict):
        if reference := schema.get("$ref"):
            return _inlined(components[reference.rpartition("/")[2]], components)
        return {key: _inlined(value, components) for key, value in schema.items()}
    return [_inlined(each, components) for each in schema] if isinstance(schema, list) else schema
