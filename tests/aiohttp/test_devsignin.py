"""Development sign-in: the whole flows, through the same verification as Zitadel's, and what it refuses."""

import re
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from attrs import evolve

from fiberq_aiohttp import devkeys
from fiberq_aiohttp.attendance import Attendance
from fiberq_aiohttp.bearer import Bearer, bearer_for
from fiberq_aiohttp.devgrants import Grants, Refused, challenge_of
from fiberq_aiohttp.devrequests import stay_local
from fiberq_aiohttp.devsignin import DevSignIn, dev_sign_in
from fiberq_aiohttp.guard import authenticate, check_guards
from fiberq_aiohttp.keys import ATTENDANCE, BEARER
from fiberq_aiohttp.problems import problems
from fiberq_aiohttp.settings import from_env
from fiberq_core.claims import TokenRules
from fiberq_core.errors import Forbidden, Invalid, KeysUnavailable, NotFound, StoreUnavailable, Unauthenticated
from fiberq_core.policy import Role
from fiberq_core.ports import Store

Client = TestClient[web.Request, web.Application]

VERIFIER = "a-verifier-of-at-least-forty-three-characters-x"
REDIRECT = "http://localhost:7070/"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid profile email urn:zitadel:iam:org:project:roles offline_access"
ASKED = {
    "client_id": "fiberq-dev",
    "redirect_uri": REDIRECT,
    "response_type": "code",
    "scope": SCOPE,
    "state": "s t&te",
    "nonce": "n-1",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
}


class Clock:
    """A clock that is set by hand; it starts at the real time, which PyJWT reads."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(tmp_path: Path, clock: Clock, aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    """A development server as it is put together for real, but for its clock."""
    server = TestServer(app := web.Application(middlewares=[problems, authenticate]))
    provider, app[BEARER] = a_provider(tmp_path, clock)
    app[ATTENDANCE] = Attendance(create_autospec(Store), lambda: "")  # nothing is written until it is kept
    app.add_routes(provider.routes())
    check_guards(app)
    return await aiohttp_client(server)


def a_provider(data: Path, clock: Clock) -> tuple[DevSignIn, Bearer]:
    """The provider and the driver that verifies its tokens."""
    settings = from_env({}, dev=True, data=data)
    provider = dev_sign_in(settings)
    provider.clock = clock
    trusted = settings.provider
    rules = TokenRules(trusted.issuer, trusted.audiences, trusted.project_id, trusted.org_ids)
    bearer = bearer_for(rules, provider.fetch)
    bearer.clock = clock
    return provider, bearer


def origin(client: Client) -> dict[str, str]:
    """The header that a browser sends with our own forms."""
    return {"Origin": f"http://{client.host}:{client.port}"}


async def sent_back(client: Client, sub: str = "elena", **changes: str) -> dict[str, str]:
    """What the browser brings back after somebody was picked."""
    form = ASKED | changes | {"sub": sub}
    answer = await client.post("/oauth/v2/authorize", data=form, headers=origin(client), allow_redirects=False)
    assert 303 == answer.status, await answer.text()
    assert answer.headers["Location"].startswith(changes.get("redirect_uri", REDIRECT))
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


async def exchanged(client: Client, **form: str) -> dict[str, Any]:
    """What the token endpoint says."""
    answer = await client.post("/oauth/v2/token", data={"client_id": "fiberq-dev"} | form)
    said: dict[str, Any] = await answer.json()
    assert (400 if "error" in said else 200) == answer.status
    assert "no-store" == answer.headers["Cache-Control"]
    return said


async def by_code(client: Client, right_code: str, **changes: str) -> dict[str, Any]:
    """The exchange of a code."""
    form = {"grant_type": "authorization_code", "code": right_code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return await exchanged(client, **(form | changes))


async def whoami(client: Client, token: str) -> dict[str, Any]:
    """Userinfo, which passes the same guard as every route."""
    answer = await client.get("/oidc/v1/userinfo", headers={"Authorization": f"Bearer {token}"})
    return {"status": answer.status, **await answer.json()}


async def test_code_flow_with_pkce(client: Client) -> None:
    """From the page to a token that the server takes, with state, nonce and all."""
    page = await client.get("/oauth/v2/authorize", params=ASKED)
    text = await page.text()
    assert "Elena Engineer" in text
    assert "s t&amp;te" in text

    back = await sent_back(client)
    assert ("s t&te", "http://127.0.0.1:8080") == (back["state"], back["iss"])

    tokens = await by_code(client, back["code"])
    me = await whoami(client, tokens["access_token"])
    assert (200, "elena", "Elena Engineer") == (me["status"], me["sub"], me["name"])
    assert {"engineer"} == set(me["urn:zitadel:iam:org:project:roles"])

    id_token = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert ("n-1", "fiberq-dev", "elena") == (id_token["nonce"], id_token["aud"], id_token["sub"])


async def test_the_id_token_is_no_access_token(client: Client) -> None:
    """The id token of the same sign-in opens nothing."""
    tokens = await by_code(client, (await sent_back(client))["code"])

    assert 401 == (await whoami(client, tokens["id_token"]))["status"]


@pytest.mark.parametrize("person", devkeys.PEOPLE, ids=lambda person: person.sub)
async def test_everybody_has_their_roles(client: Client, person: devkeys.Person) -> None:
    """The people of the page arrive with the roles that it shows."""
    tokens = await by_code(client, (await sent_back(client, person.sub))["code"])
    actor = await client.app[BEARER].actor(tokens["access_token"])

    assert (person.name, person.email, frozenset(person.roles)) == (actor.name, actor.email, actor.roles)


def test_there_is_somebody_of_each_role_and_somebody_of_none() -> None:
    """What a developer needs to try."""
    assert {(role,) for role in Role} | {()} == {person.roles for person in devkeys.PEOPLE}


async def test_refusing_goes_back_without_a_code(client: Client) -> None:
    """The client is told that nobody signed in."""
    back = await sent_back(client, sub="")

    assert "access_denied" == back["error"]
    assert "code" not in back


async def test_a_code_works_once(client: Client) -> None:
    """The second use of a code is refused."""
    code = (await sent_back(client))["code"]
    await by_code(client, code)

    assert "invalid_grant" == (await by_code(client, code))["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": VERIFIER + "x"},
        {"code_verifier": ""},
        {"code_verifier": challenge_of(VERIFIER)},
        {"redirect_uri": "http://localhost:7071/"},
        {"code": "made-up"},
    ],
    ids=str,
)
async def test_a_code_is_for_who_asked_for_it(client: Client, changes: dict[str, str]) -> None:
    """Without the verifier, or for another address, a code is worth nothing, and is used up."""
    code = (await sent_back(client))["code"]

    assert "invalid_grant" == (await by_code(client, code, **changes))["error"]
    assert ("error" in await by_code(client, code)) == ("code" not in changes)


async def test_a_verifier_that_can_be_guessed_is_refused(client: Client) -> None:
    """A verifier shorter than RFC 7636 demands is worth nothing, though it fits its challenge."""
    code = (await sent_back(client, code_challenge=challenge_of("short")))["code"]

    assert "invalid_grant" == (await by_code(client, code, code_verifier="short"))["error"]


async def test_a_code_does_not_keep(client: Client, clock: Clock) -> None:
    """After a minute a code is expired."""
    code = (await sent_back(client))["code"]
    clock.now += 60

    assert "invalid_grant" == (await by_code(client, code))["error"]


WRONG = [
    {"client_id": "another"},
    {"redirect_uri": ""},
    {"redirect_uri": "http://evil.example.org/"},
    {"redirect_uri": "https://localhost:7070/"},
    {"redirect_uri": "http://somebody@localhost:7070/"},
    {"redirect_uri": "http://localhost:7070@evil.example.org/"},
    {"redirect_uri": "http://localhost.evil.example.org/"},
    {"redirect_uri": "http://evil.example.org\\@localhost/"},
    {"redirect_uri": "http://localhost/#x"},
    {"redirect_uri": "http://[::1]evil.example.org/"},
    {"redirect_uri": "http://localhost:99999999/"},
    {"redirect_uri": "http://localhost/\r\nX: y"},
    {"redirect_uri": "javascript:alert(1)//localhost"},
    {"response_type": "token"},
    {"code_challenge": ""},
    {"code_challenge": "short"},
    {"code_challenge_method": "plain"},
    {"code_challenge_method": ""},
]


@pytest.mark.parametrize("changes", WRONG, ids=str)
async def test_wrong_requests_are_not_sent_anywhere(client: Client, changes: dict[str, str]) -> None:
    """A request of wrong shape gets a page that says so, never a redirect and never a code."""
    shown = await client.get("/oauth/v2/authorize", params=ASKED | changes, allow_redirects=False)
    sent = await client.post(
        "/oauth/v2/authorize", data=ASKED | changes | {"sub": "ana"}, headers=origin(client), allow_redirects=False
    )

    assert (400, 400) == (shown.status, sent.status)
    assert "Ana Admin" not in await shown.text()


async def start_device(client: Client, **changes: str) -> dict[str, Any]:
    """What a device is told."""
    answer = await client.post(
        "/oauth/v2/device_authorization", data={"client_id": "fiberq-dev", "scope": SCOPE} | changes
    )
    return await answer.json()  # type: ignore[no-any-return]


async def poll(client: Client, device: dict[str, Any]) -> dict[str, Any]:
    """What a device hears when it asks."""
    return await exchanged(client, grant_type=DEVICE_GRANT, device_code=device["device_code"])


async def approve(client: Client, device: dict[str, Any], sub: str = "filip") -> int:
    """Somebody picks a person on the page of the device."""
    form = {"user_code": device["user_code"], "sub": sub}
    return (await client.post("/device", data=form, headers=origin(client))).status


async def test_device_flow(client: Client, clock: Clock) -> None:
    """As the plugin does it: ask, show, poll, be approved, come in, refresh."""
    device = await start_device(client)
    assert (300, 5) == (device["expires_in"], device["interval"])
    assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", device["user_code"])
    assert "authorization_pending" == (await poll(client, device))["error"]

    complete = urlsplit(device["verification_uri_complete"])
    page = await client.get(f"{complete.path}?{complete.query}")
    assert device["user_code"] in await page.text()
    assert 200 == await approve(client, device)

    clock.now += 5
    tokens = await poll(client, device)
    assert "filip" == (await whoami(client, tokens["access_token"]))["sub"]

    renewed = await exchanged(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert "filip" == (await whoami(client, renewed["access_token"]))["sub"]
    assert renewed["refresh_token"] != tokens["refresh_token"]


async def test_a_hasty_device_is_slowed_down(client: Client, clock: Clock) -> None:
    """Polling too early is answered by slow_down and costs five more seconds each time."""
    device = await start_device(client)
    await poll(client, device)

    clock.now += 4.9
    assert "slow_down" == (await poll(client, device))["error"]
    clock.now += 9.9
    assert "slow_down" == (await poll(client, device))["error"]
    clock.now += 15
    assert "authorization_pending" == (await poll(client, device))["error"]


async def test_a_device_that_nobody_approves_expires(client: Client, clock: Clock) -> None:
    """After five minutes the device must start again, and can no longer be approved."""
    device = await start_device(client)
    clock.now += 300

    assert "expired_token" == (await poll(client, device))["error"]
    assert 404 == await approve(client, device)


async def test_a_device_can_be_refused(client: Client) -> None:
    """Refusing is heard by the device, once and for all."""
    device = await start_device(client)
    await approve(client, device, sub="")

    assert "access_denied" == (await poll(client, device))["error"]
    assert 404 == await approve(client, device)


async def test_an_approved_device_is_served_once(client: Client, clock: Clock) -> None:
    """A device code gives tokens once."""
    device = await start_device(client)
    await approve(client, device)
    assert "access_token" in await poll(client, device)
    clock.now += 60

    assert "invalid_grant" == (await poll(client, device))["error"]


async def test_an_approval_cannot_be_changed(client: Client) -> None:
    """Once a person was picked, nobody else can be put in their place."""
    device = await start_device(client)
    await approve(client, device)

    assert 404 == await approve(client, device, sub="ana")


async def test_the_code_may_be_typed_as_people_type(client: Client) -> None:
    """Lower case, blanks and no dash are all right."""
    device = await start_device(client)
    typed = f" {device['user_code'].replace('-', ' ').lower()} "

    assert device["user_code"] in await (await client.get("/device", params={"user_code": typed})).text()
    assert "Code that the device shows" in await (await client.get("/device")).text()
    assert "No device waits" in await (await client.get("/device", params={"user_code": "<script>"})).text()


async def test_without_the_scope_no_refresh_token(client: Client) -> None:
    """offline_access must be asked for, and openid for an id token."""
    device = await start_device(client, scope="profile")
    await approve(client, device)
    tokens = await poll(client, device)

    assert {"access_token", "token_type", "expires_in", "scope"} == set(tokens)


async def test_refresh_tokens_work_once_and_expire(client: Client, clock: Clock) -> None:
    """A refresh token is replaced at each use, and lasts a month."""
    tokens = await by_code(client, (await sent_back(client))["code"])
    first = tokens["refresh_token"]
    second = (await exchanged(client, grant_type="refresh_token", refresh_token=first))["refresh_token"]

    assert "invalid_grant" == (await exchanged(client, grant_type="refresh_token", refresh_token=first))["error"]
    clock.now += 30 * 86_400
    assert "invalid_grant" == (await exchanged(client, grant_type="refresh_token", refresh_token=second))["error"]


async def test_unknown_grants_and_clients(client: Client) -> None:
    """Errors have the names that OAuth gives them."""
    assert "unsupported_grant_type" == (await exchanged(client, grant_type="password"))["error"]
    assert "unsupported_grant_type" == (await exchanged(client))["error"]
    assert "invalid_client" == (await exchanged(client, client_id="another"))["error"]
    assert "invalid_client" == (await start_device(client, client_id="another"))["error"]


async def test_discovery(client: Client) -> None:
    """Clients find everything from the issuer, and only safe things are offered."""
    document = await (await client.get("/.well-known/openid-configuration")).json()

    assert "http://127.0.0.1:8080" == document["issuer"]
    assert (["S256"], ["RS256"], ["code"]) == (
        document["code_challenge_methods_supported"],
        document["id_token_signing_alg_values_supported"],
        document["response_types_supported"],
    )
    paths = [urlsplit(value).path for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(paths) == 5
    assert 404 not in [(await client.get(path)).status for path in paths]


async def test_no_private_key_is_published(client: Client) -> None:
    """The key set has public parts only."""
    (key,) = (await (await client.get("/oauth/v2/keys")).json())["keys"]

    assert {"kty", "n", "e", "kid", "use", "alg", "key_ops"} >= set(key)


STRANGE = [
    {"Host": "evil.example.org"},
    {"Host": "localhost.evil.example.org:8080"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-Proto": "https"},
    {"true-client-ip": "127.0.0.1"},
    {"X-Original-Host": "localhost"},
    {"Forwarded": "for=127.0.0.1"},
    {"CF-Connecting-IP": "1.2.3.4"},
]
ADDRESSES = ["/.well-known/openid-configuration", "/oauth/v2/keys", "/oauth/v2/authorize", "/device"]


@pytest.mark.parametrize("headers", STRANGE, ids=str)
@pytest.mark.parametrize("path", ADDRESSES)
async def test_only_this_machine_is_answered(client: Client, path: str, headers: dict[str, str]) -> None:
    """Through a proxy, or under a name that is not this machine's, there is no sign-in."""
    assert 403 == (await client.get(path, params=ASKED, headers=headers)).status


@pytest.mark.parametrize("path", ["/oauth/v2/token", "/oauth/v2/device_authorization"])
async def test_only_this_machine_gets_tokens(client: Client, path: str) -> None:
    """That holds for programs as for pages."""
    assert 403 == (await client.post(path, headers=STRANGE[0])).status


@pytest.mark.parametrize("headers", [{}, {"Origin": "null"}, {"Origin": "http://evil.example.org"}], ids=str)
@pytest.mark.parametrize("path", ["/oauth/v2/authorize", "/device"])
async def test_forms_of_others_are_refused(client: Client, path: str, headers: dict[str, str]) -> None:
    """A page elsewhere cannot sign anybody in by sending our forms."""
    device = await start_device(client)
    form = ASKED | {"sub": "ana", "user_code": device["user_code"]}

    assert 403 == (await client.post(path, data=form, headers=headers, allow_redirects=False)).status
    assert "authorization_pending" == (await poll(client, device))["error"]


async def test_forms_under_a_borrowed_name_are_refused(client: Client) -> None:
    """A page whose name was made to point here is its own origin, and still not this machine."""
    headers = {"Host": "evil.example.org", "Origin": "http://evil.example.org"}

    assert 403 == (await client.post("/device", data={"sub": "ana"}, headers=headers)).status


@pytest.mark.parametrize("remote", ["192.168.1.5", ""])
def test_other_machines_are_refused(remote: str) -> None:
    """Whoever calls from elsewhere is refused, even if the server listens there by mistake."""
    request = make_mocked_request("GET", "/", headers={"Host": "127.0.0.1:8080"})
    stay_local(request.clone(remote="127.0.0.1"))

    with pytest.raises(Forbidden):
        stay_local(request.clone(remote=remote))


async def test_pages_are_kept_from_harm(client: Client) -> None:
    """No scripts, no frames, nothing cached; what was sent is escaped."""
    page = await client.get("/oauth/v2/authorize", params=ASKED | {"state": '"><script>alert(1)</script>'})

    assert "<script" not in await page.text()
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "no-store" == page.headers["Cache-Control"]


async def test_tokens_from_the_command_line(client: Client, tmp_path: Path, clock: Clock) -> None:
    """A token made on the data folder is taken by the server of that folder, and by no other."""
    issuer = devkeys.remembered_issuer(tmp_path)
    token = devkeys.issue_dev_token(tmp_path, issuer, "field_worker", "me", "Me Myself", clock.now)
    me = await whoami(client, token)
    assert (200, "me", "Me Myself") == (me["status"], me["sub"], me["name"])

    other = devkeys.issue_dev_token(tmp_path / "other", issuer, "admin", "me", "Me", clock.now)
    assert 401 == (await whoami(client, other))["status"]
    elsewhere = devkeys.issue_dev_token(tmp_path, "http://127.0.0.1:9", "admin", "me", "Me", clock.now)
    assert 401 == (await whoami(client, elsewhere))["status"]
    clock.now += 12 * 3600 + 60
    assert 401 == (await whoami(client, token))["status"]


def test_the_key_is_its_owners_and_stays(tmp_path: Path) -> None:
    """The signing key is readable by its owner only, and the same after a restart."""
    first = devkeys.load_signer(tmp_path / "new" / "folder")
    file = tmp_path / "new" / "folder" / devkeys.KEY_FILE

    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert first.key_id == devkeys.load_signer(file.parent).key_id
    assert [file] == list(file.parent.iterdir())
    assert "PRIVATE" not in repr(first)


def test_a_key_made_meanwhile_wins(tmp_path: Path) -> None:
    """Of two processes that make the first key at once, both end with the same."""
    first = devkeys.load_signer(tmp_path)
    devkeys._create_key(tmp_path / devkeys.KEY_FILE)

    assert first.key_id == devkeys.load_signer(tmp_path).key_id


@pytest.mark.parametrize("content", ["", "nonsense"])
def test_a_broken_key_is_reported(tmp_path: Path, content: str) -> None:
    """A key file that is none is an error that names the file."""
    (tmp_path / devkeys.KEY_FILE).write_text(content)

    with pytest.raises(StoreUnavailable, match="dev-signing-key"):
        devkeys.load_signer(tmp_path)


def test_wrong_roles_and_folders(tmp_path: Path) -> None:
    """Mistakes on the command line are named."""
    with pytest.raises(Invalid):
        devkeys.issue_dev_token(tmp_path, "http://127.0.0.1:8080", "owner", "me", "Me", 0)
    with pytest.raises(NotFound):
        devkeys.remembered_issuer(tmp_path)


def test_it_cannot_be_had_in_production(tmp_path: Path) -> None:
    """Without --dev, or for an address that others reach, there is no provider."""
    settings = from_env({}, dev=True, data=tmp_path)
    with pytest.raises(Invalid):
        dev_sign_in(evolve(settings, dev=False))
    with pytest.raises(Invalid):
        DevSignIn("http://192.168.1.5:8080", devkeys.load_signer(tmp_path))


async def test_its_tokens_are_verified_like_any(tmp_path: Path, clock: Clock) -> None:
    """The driver reads discovery and keys through the same port, and believes nothing else."""
    provider, bearer = a_provider(tmp_path, clock)
    claims = devkeys.access_claims(provider.issuer, devkeys.PEOPLE[0], clock.now)
    assert "ana" == (await bearer.actor(provider.signer.sign(claims))).subject

    with pytest.raises(Unauthenticated):
        await bearer.actor(provider.signer.sign(claims | {"aud": "another"}))
    with pytest.raises(KeysUnavailable):
        await provider.fetch("http://127.0.0.1:8080/else")


def test_what_is_open_is_bounded() -> None:
    """However many codes are asked for, only so many are kept, the newest."""
    grants = Grants()
    devices = [grants.start_device(frozenset(), 0.0)[0] for _ in range(300)]

    oldest, newest = (grants.poll(code, 0.0) for code in (devices[0], devices[-1]))

    assert isinstance(oldest, Refused)
    assert isinstance(newest, Refused)
    assert ("invalid_grant", "authorization_pending") == (oldest.error, newest.error)
