"""The OpenAPI 3.1 document: routes, guards, policy, registry and error table, put together. Nothing is said twice.

HEAD is left out: it is answered wherever GET is, like GET without a body.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from aiohttp import hdrs, web

from fiberq_aiohttp.openapi.common import PROBLEM
from fiberq_aiohttp.openapi.features import LAYER_NAMES
from fiberq_aiohttp.openapi.operation import Answer, Operation, Parameter
from fiberq_aiohttp.openapi.shapes import ANYTHING, TEXT, Schema, Shape, one_of, resolved
from fiberq_aiohttp.problems import CONTENT_TYPE, HTTP_CODES, STATUS
from fiberq_aiohttp.release import own_version
from fiberq_core.policy import POLICY, Action, Role

OPENAPI: Final = "3.1.0"
BEARER: Final = "bearer"
WRITING: Final = frozenset({hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_PATCH, hdrs.METH_DELETE})
ABOUT: Final = (
    "Field data of fibre networks. Every path is served with and without a slash at its end. Lists come in pages:"
    " `next` is the `cursor` of the page after it. Times are UTC, coordinates degrees of EPSG:4326. Errors are problems"
    " (RFC 9457) with a `code`. HEAD is answered wherever GET is."
)
NUMBER: Final[Schema] = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 10**18 - 1}
PLACES: Final[Mapping[str, tuple[str, Schema]]] = {  # what stands in paths
    "project": ("number of the project", NUMBER),
    "layer": ("the layer, by any of its names", one_of(*LAYER_NAMES)),
    "uuid": ("the row's `fiberq_uuid`", TEXT),
    "item": ("id of the inbox item", TEXT),
    "sync_id": ("id of the upload", TEXT),
    "sub": ("subject of a person, as their token says it", TEXT),
}
SILENT: Final = Operation({200: Answer(ANYTHING)})

_PLACE: Final = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})+))?\}")


def document(routes: Iterable[web.RouteDef]) -> dict[str, Any]:
    """The description of *routes*. A handler that says nothing of itself appears with what is known all the same."""
    shapes: dict[str, Shape] = {}
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, str] = {}
    for route in routes:
        if route.path != "/" and route.path.endswith("/"):
            continue  # the other spelling
        tags.setdefault(_tag(route), _first_line(sys.modules[route.handler.__module__].__doc__))
        paths.setdefault(template(route.path), {})[route.method.lower()] = resolved(_operation(route), shapes)
    used = sorted({int(code) for path in paths.values() for op in path.values() for code in op["responses"]})
    responses = resolved({f"Problem{n}": _problem(n) for n in used if n >= 400}, shapes)
    return {
        "openapi": OPENAPI,
        "info": {"title": "FiberQ", "version": own_version(), "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": said} for name, said in tags.items()],
        "paths": paths,
        "components": {
            "schemas": _all(shapes),
            "responses": responses,
            "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer", "description": "an access token"}},
        },
    }


def said_of(route: web.RouteDef) -> Operation:
    """What a route's handler says of itself."""
    said: Operation = getattr(route.handler, "operation", SILENT)
    return said


def template(path: str) -> str:
    """A route's path without the patterns of its places."""
    return _PLACE.sub(r"{\1}", path)


def _all(shapes: dict[str, Shape]) -> dict[str, Any]:
    """Every shape that is used, and those that they use."""
    done: dict[str, Any] = {}
    while missing := [name for name in shapes if name not in done]:
        for name in missing:
            done[name] = resolved(shapes[name].schema, shapes)
    return dict(sorted(done.items()))


def _tag(route: web.RouteDef) -> str:
    return str(route.handler.__module__.rpartition(".")[2])


def _first_line(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def _operation(route: web.RouteDef) -> dict[str, Any]:
    handler, said = route.handler, said_of(route)
    summary, _, more = (handler.__doc__ or "").strip().partition("\n\n")
    found: dict[str, Any] = {
        "operationId": _id(route),
        "tags": [_tag(route)],
        "summary": " ".join(summary.split()),
        "parameters": [*_places(route.path), *(_parameter(p) for p in said.parameters)],
        "responses": {
            **{str(status): _answer(answer) for status, answer in said.answers.items()},
            **{str(n): {"$ref": f"#/components/responses/Problem{n}"} for n in problems_of(route)},
        },
        **_guard(handler),
    }
    if more := " ".join(more.partition("Raises:")[0].split()):
        found["description"] = more
    if said.bodies:
        content = {media: {"schema": schema} for media, schema in said.bodies.items()}
        found["requestBody"] = {"required": said.body_needed, "content": content}
    return found


def _id(route: web.RouteDef) -> str:
    """Unique, since method and path are; `/health` and `/api/health` differ by the word `server`."""
    words = [word.strip("{}") for word in template(route.path).strip("/").split("/") if word]
    words = words[1:] if words[:1] == ["api"] else ["server", *words]
    return "_".join([route.method.lower(), *words]).replace("-", "_").replace(".", "_")


def _guard(handler: Any) -> dict[str, Any]:
    """Who may call it: from what the guard goes by."""
    if hasattr(handler, "public"):
        return {"security": []}
    action: Action | None = handler.action
    asked: list[dict[str, list[str]]] = [{BEARER: []}, *([{}] if handler.unless else [])]  # {}: who may without a token
    if action is None:
        return {"security": asked, "x-fiberq-action": None}
    scopes = {role.value: scope.value for role, scope in zip(Role, POLICY[action], strict=True)}
    return {"security": asked, "x-fiberq-action": action.value, "x-fiberq-roles": scopes}


def problems_of(route: web.RouteDef) -> Sequence[int]:
    """The statuses of the problems that a call can meet: what follows from what it takes, and what its handler adds."""
    said = said_of(route)
    headers = {p.name for p in said.parameters if p.place == "header"}
    found = {503, *said.problems}
    if not hasattr(route.handler, "public"):
        found |= {401, 403}
    if "{" in route.path:
        found |= {404}
    if route.method in WRITING:
        found |= {409, 422}
    if said.parameters:
        found |= {422}
    if said.bodies:
        found |= {400, 408, 413}
    if hdrs.IF_MATCH in headers:
        found |= {412, 428}
    if hdrs.RANGE in headers:
        found |= {416}
    return sorted(found - said.answers.keys())


def _places(path: str) -> list[dict[str, Any]]:
    return [_place(name, pattern) for name, pattern in _PLACE.findall(path)]


def _place(name: str, pattern: str) -> dict[str, Any]:
    digits = pattern.startswith(r"\d")
    what, schema = PLACES.get(name, (name.replace("_", " "), NUMBER if digits else TEXT))
    return {"name": name, "in": "path", "required": True, "description": what, "schema": schema}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.what,
        "schema": parameter.schema,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"description": answer.what}
    if answer.headers:
        found["headers"] = {name: {"schema": TEXT} for name in answer.headers}
    if answer.schema is not None:
        found["content"] = {answer.media: {"schema": answer.schema}}
    return found


def _problem(status: int) -> dict[str, Any]:
    codes = [error.code for error, number in STATUS.items() if number == status]
    codes += [HTTP_CODES[status][0]] if status in HTTP_CODES else []
    return {"description": ", ".join(dict.fromkeys(codes)), "content": {CONTENT_TYPE: {"schema": PROBLEM}}}
