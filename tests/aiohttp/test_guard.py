"""The guard: who comes in, who is asked to sign in, and what stops a server from starting."""

import logging
from unittest.mock import create_autospec

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, make_mocked_request
from multidict import CIMultiDict

from fiberq_aiohttp.attendance import Attendance
from fiberq_aiohttp.bearer import Bearer
from fiberq_aiohttp.guard import authenticate, bearer_token, check_guards, public, requires
from fiberq_aiohttp.keys import ACTOR, ATTENDANCE, BEARER
from fiberq_aiohttp.problems import problems
from fiberq_core.errors import Invalid, KeysUnavailable, Unauthenticated
from fiberq_core.keyset import TokenVerifier
from fiberq_core.policy import Action
from fiberq_core.ports import Store
from tests.core.tokens import NOW, RULES, a_jwk, a_payload, a_token

ROLES = "urn:zitadel:iam:org:project:roles"


@public
async def health(_request: web.Request) -> web.Response:
    """Anybody may ask."""
    return web.json_response({"ok": True})


@requires(None)
async def me(request: web.Request) -> web.Response:
    """Anybody signed in may ask."""
    return web.json_response({"sub": request[ACTOR].subject, "roles": sorted(r.value for r in request[ACTOR].roles)})


@requires(Action.SYNC_PULL)
async def pull(_request: web.Request) -> web.Response:
    """For every role."""
    return web.json_response({})


@requires(Action.ORDER_ADVANCE)
async def advance(_request: web.Request) -> web.Response:
    """For field workers on their own work; whose it is, the flow knows."""
    return web.json_response({})


@requires(Action.PROJECT_CREATE)
async def create(_request: web.Request) -> web.Response:
    """Not for field workers."""
    return web.json_response({})


async def no_network(_url: str) -> object:
    """No keys but those at hand."""
    raise KeysUnavailable("no network")


def an_app() -> web.Application:
    """An application with a route of each kind."""
    app = web.Application(middlewares=[problems, authenticate])
    verifier = TokenVerifier(RULES)
    verifier.keys_received({"keys": [a_jwk()]}, now=NOW)
    app[ATTENDANCE] = Attendance(create_autospec(Store), lambda: "")  # nothing is written until it is kept
    app[BEARER] = Bearer(verifier, no_network, lambda: NOW)
    app.router.add_get("/health", health)
    app.router.add_get("/me", me)
    app.router.add_get("/pull", pull)
    app.router.add_get("/advance", advance)
    app.router.add_post("/create", create)
    return app


@pytest.fixture
async def client(aiohttp_client: object) -> TestClient[web.Request, web.Application]:
    """A client of it."""
    return await aiohttp_client(an_app())  # type: ignore[operator, no-any-return]


def headers(role: str | None = "engineer", **changes: object) -> dict[str, str]:
    """The header of somebody with this role."""
    claims = {ROLES: {role: {"501": "acme"}} if role else None}
    return {"Authorization": f"Bearer {a_token(a_payload(**claims, **changes))}"}


Client = TestClient[web.Request, web.Application]


async def test_public_routes_need_no_token_and_mind_none(client: Client) -> None:
    """Health is answered to anybody, with a bad token too."""
    assert 200 == (await client.get("/health")).status
    assert 200 == (await client.get("/health", headers={"Authorization": "Bearer nonsense"})).status


async def test_the_actor_arrives(client: Client) -> None:
    """Handlers find out who sent the request."""
    answer = await client.get("/me", headers=headers())

    assert {"sub": "180001", "roles": ["engineer"]} == await answer.json()


async def test_head_is_guarded_too(client: Client) -> None:
    """HEAD asks for the same right as GET."""
    assert 401 == (await client.head("/pull")).status
    assert 200 == (await client.head("/pull", headers=headers())).status


BAD_HEADERS = {
    "none": [],
    "basic": ["Basic dXNlcjpwYXNz"],
    "another scheme": [f"Token {a_token()}"],
    "no token": ["Bearer"],
    "blank token": ["Bearer  "],
    "no scheme": [a_token()],
    "two": [f"Bearer {a_token()}", f"Bearer {a_token()}"],
    "garbage": ["Bearer nonsense"],
    "trailing words": [f"Bearer {a_token()} {a_token()}"],
    "expired": [f"Bearer {a_token(a_payload(exp=NOW - 60))}"],
    "from the future": [f"Bearer {a_token(a_payload(iat=NOW + 61))}"],
    "another audience": [f"Bearer {a_token(a_payload(aud='x'))}"],
    "another issuer": [f"Bearer {a_token(a_payload(iss='https://x.org'))}"],
    "another key": [f"Bearer {a_token(key='key-2')}"],
}


@pytest.mark.parametrize("values", BAD_HEADERS.values(), ids=BAD_HEADERS)
async def test_who_is_not_known_is_asked_to_sign_in(
    client: Client, values: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Without one good token the answer is 401 with a challenge, and no token is logged or sent back."""
    caplog.set_level(logging.DEBUG)
    answer = await client.get("/me", headers=CIMultiDict(("Authorization", value) for value in values))

    assert 401 == answer.status
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="fiberq"')
    assert ("invalid_token" in answer.headers["WWW-Authenticate"]) == bool(values)
    text = caplog.text + await answer.text()
    assert not any(part in text for value in values for part in value.split() if len(part) > 20)


async def test_a_token_of_1_mb_is_refused(client: Client) -> None:
    """It does not reach us: the parser of HTTP refuses it, and the next request is answered."""
    answer = await client.get("/me", headers={"Authorization": f"Bearer {'a' * 1_000_000}"})

    assert 400 <= answer.status < 500
    assert 200 == (await client.get("/me", headers=headers())).status


async def test_tokens_in_the_address_do_not_count(client: Client) -> None:
    """Addresses end up in logs and histories."""
    assert 401 == (await client.get("/me", params={"access_token": a_token()})).status


ADMISSION = [
    # role          /me  /pull /advance /create
    ("admin", (200, 200, 200, 200)),
    ("engineer", (200, 200, 200, 200)),
    ("field_worker", (200, 200, 200, 403)),
    (None, (200, 403, 403, 403)),
]


@pytest.mark.parametrize("role, expected", ADMISSION)
async def test_admission(client: Client, role: str | None, expected: tuple[int, ...]) -> None:
    """Only what a token could never allow is stopped here; no role, no action."""
    answers = [await client.get(path, headers=headers(role)) for path in ("/me", "/pull", "/advance")]
    answers.append(await client.post("/create", headers=headers(role)))

    assert expected == tuple(answer.status for answer in answers)


async def test_roles_of_another_project_are_none(client: Client) -> None:
    """An administrator of another project is nobody here."""
    foreign = {"urn:zitadel:iam:org:project:9999:roles": {"admin": {"501": "acme"}}}
    token = a_token(a_payload(**foreign, **{ROLES: {"admin": {"501": "acme"}}}))

    assert 403 == (await client.get("/pull", headers={"Authorization": f"Bearer {token}"})).status


async def test_unknown_paths_are_unknown(client: Client) -> None:
    """A path that is not there is 404 and a wrong method 405, signed in or not."""
    assert 404 == (await client.get("/nothing")).status
    assert 405 == (await client.delete("/me")).status


async def test_an_outage_is_not_the_callers_fault(client: Client) -> None:
    """When keys are missing the answer is 503, so that clients keep their tokens."""
    client.app[BEARER].verifier = TokenVerifier(RULES)

    assert 503 == (await client.get("/me", headers=headers())).status


def test_the_scheme_is_read_in_any_case() -> None:
    """`bearer` is as good as `Bearer`."""
    assert "x.y.z" == bearer_token(make_mocked_request("GET", "/", headers={"Authorization": "bEARER  x.y.z "}))
    with pytest.raises(Unauthenticated):
        bearer_token(make_mocked_request("GET", "/", headers={"Authorization": "Bearer_x.y.z"}))


def test_an_unguarded_route_is_an_error_at_start() -> None:
    """Every route must say what it is for, those of applications inside too."""
    app, inner = an_app(), web.Application()
    check_guards(app)

    async def forgotten(_request: web.Request) -> web.Response:
        return web.Response()

    inner.router.add_post("/forgotten", forgotten)
    app.add_subapp("/inner", inner)

    with pytest.raises(Invalid) as caught:
        check_guards(app)
    assert ["POST /inner/forgotten"] == [fault.path for fault in caught.value.faults]
