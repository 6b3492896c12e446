"""Personal access tokens over HTTP: what they are good for, and everything that they must not be good for."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from attrs import evolve

from fiberq_core.policy import Reach
from fiberq_core.tokens import MOST_TOKENS
from tests.aiohttp.serving import Caller, Client, an_app, token

pytestmark = pytest.mark.each_store
ALL = "/api/auth/tokens"


async def made(person: Caller, **said: object) -> tuple[Caller, dict[str, Any]]:
    """A token of somebody, as a caller who has nothing else; and what was said of it."""
    found = await person.made(ALL, {"name": "Laptop", **said})
    return Caller(person.client, found["token"]), found


async def test_a_token_is_taken_wherever_a_sign_in_is(engineer: Caller) -> None:
    """It stands for its person, by subject, name and role."""
    project = await engineer.project()
    device, said = await made(engineer, scope="everything", days=7)
    me = (await device("GET", "/api/auth/me")).json

    assert ("2", "Ema", ["engineer"]) == (me["sub"], me["name"], me["roles"])
    assert [project] == [p["id"] for p in (await device("GET", "/api/projects")).json]
    assert said["token"].startswith("fq_") and "everything" == said["scope"]
    pole = await device.pole(project)
    history = (await device("GET", f"/api/projects/{project}/features/Stubovi/{pole['id']}/history")).json
    assert "2" in str(history)


async def test_the_secret_is_shown_once(engineer: Caller) -> None:
    """No list holds it, and neither does the store."""
    _, said = await made(engineer)
    listed = (await engineer("GET", ALL)).json

    assert [said["id"]] == [t["id"] for t in listed["tokens"]]
    assert said["token"] not in str(listed)
    assert {"name": "Laptop", "scope": "sync", "last_used_at": None, "revoked_at": None, "user_sub": "2"}.items() <= (
        listed["tokens"][0].items()
    )


WRITES = [
    ("PUT", "/api/projects/{}", {"name": "x"}),
    ("POST", "/api/projects", {"name": "x"}),
    ("POST", "/api/projects/{}/members", {"sub": "9", "role": "engineer"}),
    ("DELETE", "/api/projects/{}/members/2", None),
    ("DELETE", "/api/projects/{}", None),
    ("GET", "/api/users", None),
    ("GET", "/api/projects/{}/assignable-users", None),
]


@pytest.mark.parametrize("scope", ["read", "sync"])
async def test_a_token_reaches_no_further_than_its_scope(admin: Caller, scope: str) -> None:
    """Not even an administrator's: it changes no project, member or person."""
    project = await admin.project()
    device, _ = await made(admin, scope=scope)
    for method, path, body in WRITES:
        answer = await device(method, path.format(project), **({} if body is None else {"json": body}))

        assert 403 == answer.status, (method, path)
    assert 200 == (await device("GET", f"/api/projects/{project}")).status
    assert "Selo" == (await admin("GET", f"/api/projects/{project}")).json["name"]


async def test_only_to_read(engineer: Caller) -> None:
    """A token for reading takes a package away and brings nothing in; one for syncing does both."""
    project = await engineer.project()
    reading, _ = await made(engineer, scope="read")
    syncing, _ = await made(engineer, scope="sync")
    feature = {"properties": {}, "geometry": {"type": "Point", "coordinates": [20, 44]}}
    package = await reading("GET", f"/api/sync/download/{project}")

    assert 200 == package.status
    for method, path, body in (
        ("POST", f"/api/projects/{project}/features/Stubovi", {"json": feature}),
        ("POST", f"/api/sync/upload?project_id={project}", {"data": package.body}),
    ):
        assert 403 == (await reading(method, path, **body)).status
        assert (await syncing(method, path, **body)).status in (200, 201)


@pytest.mark.parametrize("scope", [reach.value for reach in Reach])
async def test_a_token_makes_no_token(admin: Caller, scope: str) -> None:
    """It neither makes others, nor lists or ends them, its own person's or anybody's; it may end itself."""
    _, other = await made(admin)
    device, own = await made(admin, scope=scope)

    assert 403 == (await device("POST", ALL, json={"name": "x", "scope": "everything"})).status
    assert 403 == (await device("GET", ALL)).status
    assert 403 == (await device("DELETE", f"{ALL}/{other['id']}")).status
    assert 403 == (await device("POST", "/api/auth/record-login")).status
    assert 204 == (await device("DELETE", f"{ALL}/{own['id']}")).status
    assert 401 == (await device("GET", "/api/auth/me")).status
    assert [None] == [t["revoked_at"] for t in (await admin("GET", ALL)).json["tokens"] if t["id"] == other["id"]]


async def test_revoked_is_revoked(engineer: Caller) -> None:
    """From the next request on; revoking again is no fault."""
    device, said = await made(engineer)
    assert 200 == (await device("GET", "/api/projects")).status
    assert [204, 204] == [(await engineer("DELETE", f"{ALL}/{said['id']}")).status for _ in range(2)]
    refused = await device("GET", "/api/projects")

    assert (401, "unauthenticated") == (refused.status, refused.json["code"])
    assert "WWW-Authenticate" in refused.headers
    assert said["token"] not in refused.body.decode()


@pytest.mark.postgis
async def test_revoked_on_another_server(tmp_path: Path, dsn: str) -> None:
    """A second server on the same database, which has just seen the token, knows within seconds."""
    one, two = an_app(tmp_path / "one", dsn), an_app(tmp_path / "two", dsn)
    async with TestClient(TestServer(one)) as here, TestClient(TestServer(two)) as there, asyncio.timeout(20):
        person = Caller(here, token("engineer"))
        device, said = await made(person)
        device = evolve(device, client=there)
        assert 200 == (await device("GET", "/api/auth/me")).status
        await person("DELETE", f"{ALL}/{said['id']}")
        while 401 != (await device("GET", "/api/auth/me")).status:
            pass


async def test_nobody_sees_tokens_of_others(engineer: Caller, outsider: Caller, admin: Caller, worker: Caller) -> None:
    """Nor ends them; to whoever has no right a token of others is one that is not there. An administrator may."""
    _, said = await made(engineer)
    path = f"{ALL}/{said['id']}"

    for other in (outsider, worker):
        assert [] == (await other("GET", ALL)).json["tokens"]
        assert 403 == (await other("GET", f"{ALL}?user=2")).status == (await other("GET", f"{ALL}?all=1")).status
        theirs, none = await other("DELETE", path), await other("DELETE", f"{ALL}/none")
        assert (404, theirs.json["detail"]) == (theirs.status, none.json["detail"])
    assert [said["id"]] == [t["id"] for t in (await admin("GET", f"{ALL}?user=2")).json["tokens"]]
    assert [said["id"]] == [t["id"] for t in (await admin("GET", f"{ALL}?all=1")).json["tokens"]]
    assert [] == (await admin("GET", ALL)).json["tokens"]
    assert 204 == (await admin("DELETE", path)).status


GUESSES = [
    "fq_",
    "fq_x",
    "fq_" + "A" * 43,
    "fq_" + "A" * 44,
    "fq_" + "A" * 42 + "%",
    "fq_" + "A" * 7_000,
]


@pytest.mark.parametrize("guess", GUESSES, ids=lambda g: g[:12] + str(len(g)))
async def test_guessing(engineer: Caller, guess: str) -> None:
    """Every guess is refused in the same words, whatever it looks like; and so is a token that is nearly right."""
    with_token = Caller(engineer.client, guess)
    device, said = await made(engineer)
    last = "A" if said["token"][-5] != "A" else "B"
    near = Caller(engineer.client, said["token"][:-5] + last + said["token"][-4:])
    refused = await with_token("GET", "/api/auth/me")

    assert 401 == refused.status
    assert refused.json["detail"] == (await near("GET", "/api/auth/me")).json["detail"]
    assert 200 == (await device("GET", "/api/auth/me")).status


async def test_the_provider_is_never_asked_about_our_tokens(engineer: Caller) -> None:
    """A token of ours with another beginning is one of nobody's."""
    _, said = await made(engineer)

    assert 401 == (await Caller(engineer.client, said["token"][3:])("GET", "/api/auth/me")).status
    assert 401 == (await Caller(engineer.client, "FQ_" + said["token"][3:])("GET", "/api/auth/me")).status


async def test_less_power_for_the_person_is_less_for_the_token(client: Client) -> None:
    """The roles are those of the last sign-in, whoever had more when the token was made."""
    strong, weak = (Caller(client, token(role, sub="7")) for role in ("admin", "field_worker"))
    device, _ = await made(strong, scope="everything")
    assert 200 == (await device("GET", "/api/users")).status
    later = int(time.time()) + 20
    assert (
        200
        == (await Caller(client, token("field_worker", sub="7", iat=later))("POST", "/api/auth/record-login")).status
    )
    assert ["field_worker"] == (await device("GET", "/api/auth/me")).json["roles"]
    assert 403 == (await device("GET", "/api/users")).status
    for old in (strong, weak):  # an older sign-in is not the last word
        assert 200 == (await old("POST", "/api/auth/record-login")).status
    assert ["field_worker"] == (await device("GET", "/api/auth/me")).json["roles"]


async def test_without_a_role_no_token(nobody: Caller) -> None:
    """It would be good for nothing."""
    assert 403 == (await nobody("POST", ALL, json={"name": "x"})).status


@pytest.mark.parametrize(
    "body, faults",
    [
        ({}, {"name"}),
        ({"name": " ", "scope": "all", "days": 0}, {"name", "scope", "days"}),
        ({"name": "x" * 201, "scope": ["read"], "days": 367}, {"name", "scope", "days"}),
        ({"name": "a\0b", "scope": None, "days": True}, {"name", "scope", "days"}),
        ({"name": "a\nb", "scope": {}, "days": 1.5}, {"name", "scope", "days"}),
    ],
)
async def test_bad_tokens(engineer: Caller, body: dict[str, object], faults: set[str]) -> None:
    """Every fault is named at once, and nothing is made."""
    answer = await engineer("POST", ALL, json=body)

    assert (422, faults) == (answer.status, {e["path"] for e in answer.json["errors"]})
    assert [] == (await engineer("GET", ALL)).json["tokens"]


async def test_only_so_many(engineer: Caller) -> None:
    """More than anybody needs are not made."""
    for _ in range(MOST_TOKENS):
        await made(engineer)
    answer = await engineer("POST", ALL, json={"name": "one more"})

    assert (409, "conflict") == (answer.status, answer.json["code"])
    first = (await engineer("GET", f"{ALL}?limit=20")).json
    rest = (await engineer("GET", f"{ALL}?limit=100&cursor={first['next']}")).json
    assert MOST_TOKENS == len({t["id"] for t in first["tokens"] + rest["tokens"]})


async def test_use_is_noted(engineer: Caller) -> None:
    """When a token was last used can be seen, if not to the minute."""
    device, _ = await made(engineer)
    await device("GET", "/api/auth/me")
    used: list[Any] = []
    async with asyncio.timeout(10):
        while not any(used):
            used = [t["last_used_at"] for t in (await engineer("GET", ALL)).json["tokens"]]

    assert used[0].endswith("Z")


async def test_tokens_of_somebody_who_stays_away_rest(tmp_path: Path, database: str | None) -> None:
    """Until they sign in again."""
    async with TestClient(TestServer(an_app(tmp_path, database, token_absence_days=1))) as client:
        long_ago = int(time.time()) - 2 * 86_400
        away = Caller(client, token("engineer", sub="7", iat=long_ago))
        device, _ = await made(away, scope="everything")
        refused = await device("GET", "/api/auth/me")
        back = Caller(client, token("engineer", sub="7"))

        assert (401, True) == (refused.status, "signed in" in refused.json["detail"])
        assert 200 == (await back("POST", "/api/auth/record-login")).status
        if database is None:
            assert 200 == (await device("GET", "/api/auth/me")).status


async def test_tokens_are_in_the_audit(engineer: Caller, client: Client) -> None:
    """Making and revoking are, and no secret is."""
    _, said = await made(engineer)
    await engineer("DELETE", f"{ALL}/{said['id']}")
    admin = Caller(client, token("admin", sub="1"))
    events = (await admin("GET", "/api/audit?what=token.")).json["events"]

    assert ["token.revoked", "token.made"] == [event["what"] for event in events]
    assert {said["id"]} == {event["detail"]["token"] for event in events}
    assert said["token"] not in str(events)


async def test_signing_in_is_noted_by_itself(engineer: Caller, client: Client) -> None:
    """Whoever comes is known as their token says it, and no request waits for that."""
    admin = Caller(client, token("admin", sub="1", name="Ana"))
    await engineer("GET", "/api/auth/me")
    seen: dict[str, Any] = {}
    async with asyncio.timeout(10):
        while not {"1", "2"} <= seen.keys():
            seen = {u["id"]: u for u in (await admin("GET", "/api/users")).json["users"]}
    assert ("Ema", ["engineer"], None) == (seen["2"]["display_name"], seen["2"]["roles"], seen["2"]["is_active"])
    assert 404 == (await admin("GET", "/api/users/99")).status
    assert seen["2"] == (await admin("GET", "/api/users/2")).json
