"""All routes at once: guarded, in both spellings, at the addresses that clients call."""

from collections import Counter
from functools import partial
from pathlib import Path

from aiohttp import web

from fiberq_aiohttp import wiring
from fiberq_aiohttp.app import ROUTES, create_app
from fiberq_aiohttp.settings import from_env
from fiberq_core.policy import Action
from tests.aiohttp.serving import Caller, an_app

PUBLIC = {"/", "/health", "/api/health", "/ready", "/api/openapi.json", "/api/docs"}
CALLED = """
GET /health                                    GET /api/health
GET /api/openapi.json                          GET /api/docs
GET /ready
GET /api/auth/me                               GET /api/auth/roles
GET /api/projects                              POST /api/projects
GET /api/projects/1                            PUT /api/projects/1                   DELETE /api/projects/1
GET /api/projects/1/members                    POST /api/projects/1/members          DELETE /api/projects/1/members/7
GET /api/sync/download/1                       HEAD /api/sync/download/1
POST /api/sync/upload                          GET /api/sync/status
GET /api/sync/receipts/x                       POST /api/sync/receipts/x/undo
GET /api/projects/1/inbox                      POST /api/projects/1/inbox/x
GET /api/projects/1/changes                    GET /api/projects/1/layers
GET /api/projects/1/features/PE%20cevi         POST /api/projects/1/features/OKNA
GET /api/projects/1/features/OKNA/x            PUT /api/projects/1/features/OKNA/x
PATCH /api/projects/1/features/OKNA/x          DELETE /api/projects/1/features/OKNA/x
GET /api/projects/1/features/OKNA/x/history    POST /api/projects/1/features/OKNA/x/restore
POST /api/photos/upload                        POST /api/work-orders/photos/upload
GET /api/photos/1                              GET /api/work-orders/photos/1
GET /api/projects/1/photos                     POST /api/projects/1/photos          PUT /api/projects/1/photos
GET /api/projects/1/photos/awaited             GET /api/projects/1/photos/x         PUT /api/projects/1/photos/x/file
GET /storage/photos/x.jpg
POST /api/auth/record-login                    GET /api/auth/tokens
GET /api/fiber-plan/closures                   POST /api/fiber-plan/closures
GET /api/fiber-plan/closures/1                 DELETE /api/fiber-plan/closures/1    GET /api/fiber-plan/closures/1/matrix
GET /api/fiber-plan/closures/1/trays           POST /api/fiber-plan/closures/1/trays
GET /api/fiber-plan/closures/1/trays/1         DELETE /api/fiber-plan/closures/1/trays/1
GET /api/fiber-plan/splices                    POST /api/fiber-plan/splices
PUT /api/fiber-plan/splices/1                  DELETE /api/fiber-plan/splices/1
GET /api/fiber-plan/patches                    POST /api/fiber-plan/patches
PUT /api/fiber-plan/patches/1                  DELETE /api/fiber-plan/patches/1
GET /api/fiber-plan/trace/1/1                  GET /api/projects/1/trace/x/1        GET /api/fiber-plan/paths
GET /api/admin/storage                         POST /api/projects/1/purge
GET /api/projects/1/stats                      GET /api/projects/1/activity         GET /api/projects/1/audit
GET /api/audit                                 GET /api/users                                 GET /api/users/x                     GET /api/projects/1/assignable-users
""".split()
CALLS = list(zip(CALLED[::2], CALLED[1::2], strict=True))


def handlers(app: web.Application) -> list[tuple[str, str, object]]:
    """Method, address and handler of every route."""
    found: list[tuple[str, str, object]] = []
    for route in app.router.routes():
        assert route.resource is not None
        found.append((route.method, route.resource.canonical, route.handler))
    return found


async def test_every_handler_is_guarded(tmp_path: Path) -> None:
    """Every handler says what right it takes; those that take none are on a list."""
    for _, path, handler in handlers(an_app(tmp_path)):
        action = getattr(handler, "action", "none")

        if hasattr(handler, "public"):
            assert (path.rstrip("/") or "/") in PUBLIC
        else:
            assert action is None or isinstance(action, Action)


async def test_development_routes_only_in_development(tmp_path: Path) -> None:
    """Without --dev nothing of the development sign-in is there."""
    settings = from_env({}, dev=True, data=tmp_path)
    dev = {path for _, path, _ in handlers(create_app(settings, partial(wiring.serving, settings)))}
    real = {path for _, path, _ in handlers(an_app(tmp_path))}

    assert real < dev
    assert not any("oauth" in path or "openid" in path for path in real)


async def test_both_spellings(tmp_path: Path) -> None:
    """Every address is there with and without a slash at its end, for the same handler, and no other twice."""
    found = {(method, path): handler for method, path, handler in handlers(an_app(tmp_path))}

    assert 1 == max(Counter((r.method, r.path) for r in ROUTES).values())
    for (method, path), handler in found.items():
        if path != "/":
            assert handler is found[method, path.rstrip("/")] is found[method, path.rstrip("/") + "/"]


async def test_addresses_of_the_contract(nobody: Caller) -> None:
    """Every address that clients call is known, in both spellings, and never answered by a redirect."""
    for method, path in CALLS:
        for spelling in (path, f"{path}/"):
            answer = await nobody(method, spelling)

            assert answer.status in ((200,) if path in PUBLIC or "auth" in path else (403,)), (method, spelling)


async def test_unknown_addresses(engineer: Caller) -> None:
    """An address or method that is not there is a problem document like any other."""
    nowhere, wrong = await engineer("GET", "/api/nowhere"), await engineer("PATCH", "/api/projects")

    assert (404, "no-such-path") == (nowhere.status, nowhere.json["code"])
    assert (405, "method-not-allowed") == (wrong.status, wrong.json["code"])
    assert {"GET", "HEAD", "POST"} == set(wrong.headers["Allow"].split(","))
    assert "Check the address; /api/docs lists all of them" == nowhere.json["detail"]
    assert "The methods that this address takes are in the header Allow" == wrong.json["detail"]
    assert 404 == (await engineer("GET", "/api/projects/abc")).status
