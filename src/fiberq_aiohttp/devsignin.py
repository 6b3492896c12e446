"""A small OpenID provider inside the server, for development on one machine.

It exists only with `--dev` and answers only requests that come from this machine, to this machine, past no proxy.
Its addresses are Zitadel's, so clients that build them from a domain find them. Its tokens are verified by the
same code as Zitadel's: `fetch` is the port by which the bearer driver reads the discovery document and the keys.
Clients: public ones, named `fiberq-dev`. Flows: authorisation code with PKCE (S256), device code, refresh token.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

import jinja2
from aiohttp import web
from attrs import define, field

from fiberq_aiohttp import devgrants as dg
from fiberq_aiohttp.addresses import host_of, is_loopback
from fiberq_aiohttp.answering import PAGE_POLICY, answer
from fiberq_aiohttp.bearer import DISCOVERY
from fiberq_aiohttp.devkeys import (
    PEOPLE,
    TOKEN_LIFE,
    Person,
    Signer,
    access_claims,
    id_claims,
    load_signer,
    profile,
    remember_issuer,
)
from fiberq_aiohttp.devrequests import SCOPES, UNKNOWN_CLIENT, asked_of, same_origin, scopes_of, stay_local
from fiberq_aiohttp.guard import public, requires
from fiberq_aiohttp.keys import ACTOR
from fiberq_aiohttp.settings import DEV_CLIENT, Settings
from fiberq_core.errors import Fault, Invalid, KeysUnavailable
from fiberq_core.keyset import ALGORITHM

AUTHORIZE: Final = "/oauth/v2/authorize"
TOKEN: Final = "/oauth/v2/token"  # noqa: S105 (an address)
DEVICE: Final = "/oauth/v2/device_authorization"
KEYS: Final = "/oauth/v2/keys"
USERINFO: Final = "/oidc/v1/userinfo"
VERIFY: Final = "/device"
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": PAGE_POLICY,
    "Referrer-Policy": "same-origin",  # not stricter: browsers would hide the origin of our own forms
    "X-Content-Type-Options": "nosniff",
}
BY_SUB: Final = {person.sub: person for person in PEOPLE}

log = logging.getLogger("fiberq.auth")


@define
class DevSignIn:
    """The provider: `routes` for the application, `fetch` for the bearer driver."""

    issuer: str
    signer: Signer = field(repr=False)
    clock: Callable[[], float] = time.time
    grants: dg.Grants = field(factory=dg.Grants, repr=False)
    _pages: jinja2.Environment = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not is_loopback(host_of(self.issuer)):
            raise Invalid("Development sign-in is for this machine only", [Fault("--host", "must be 127.0.0.1")])
        self._pages = jinja2.Environment(loader=jinja2.PackageLoader("fiberq_aiohttp"), autoescape=True)

    def routes(self) -> list[web.RouteDef]:
        """Everything that it answers, at the addresses of Zitadel."""
        return [
            web.get(DISCOVERY, self.discovery),
            web.get(KEYS, self.keys),
            web.get(AUTHORIZE, self.authorize),
            web.post(AUTHORIZE, self.authorized),
            web.post(DEVICE, self.device),
            web.get(VERIFY, self.verify),
            web.post(VERIFY, self.verified),
            web.post(TOKEN, self.token),
            web.get(USERINFO, self.userinfo),
        ]

    async def fetch(self, url: str) -> object:
        """The documents that a verifier needs, without a detour over the network. Raises: KeysUnavailable."""
        documents = {self.issuer + DISCOVERY: self._configuration, self.issuer + KEYS: self.signer.jwks}
        if url not in documents:
            raise KeysUnavailable(f"development sign-in has no {url}")
        return documents[url]()

    @public
    async def discovery(self, request: web.Request) -> web.Response:
        """OpenID Connect Discovery."""
        stay_local(request)
        return answer(self._configuration())

    @public
    async def keys(self, request: web.Request) -> web.Response:
        """The key set."""
        stay_local(request)
        return answer(self.signer.jwks())

    @public
    async def authorize(self, request: web.Request) -> web.Response:
        """Show who there is to sign in as."""
        stay_local(request)
        asked = asked_of(request.query)
        if isinstance(asked, dg.Refused):
            return self._page(status=400, title="This sign-in request is wrong", message=asked.description)
        return self._page(title="Sign in as", people=PEOPLE, action=AUTHORIZE, fields=dict(request.query))

    @public
    async def authorized(self, request: web.Request) -> web.Response:
        """Somebody was picked: send the browser back with a code."""
        same_origin(request)
        form = await _form(request)
        asked = asked_of(form)
        if isinstance(asked, dg.Refused):
            return self._page(status=400, title="This sign-in request is wrong", message=asked.description)
        person = BY_SUB.get(form.get("sub", ""))
        if person is None:
            return _see_other(asked.back(error="access_denied", iss=self.issuer))
        grant = dg.Grant(person, asked.scopes, asked.nonce)
        code = self.grants.start_code(grant, asked.redirect_uri, asked.challenge, self.clock())
        return _see_other(asked.back(code=code, iss=self.issuer))

    @public
    async def device(self, request: web.Request) -> web.Response:
        """A device wants somebody to sign in elsewhere (RFC 8628)."""
        stay_local(request)
        form = await _form(request)
        if form.get("client_id") != DEV_CLIENT:
            return _refusal(UNKNOWN_CLIENT)
        code, device = self.grants.start_device(scopes_of(form), self.clock())
        page = f"{self.issuer}{VERIFY}"
        begun = {
            "device_code": code,
            "user_code": device.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?{urlencode({'user_code': device.user_code})}",
            "expires_in": int(dg.DEVICE_LIFE),
            "interval": int(dg.INTERVAL),
        }
        return _no_store(begun)

    @public
    async def verify(self, request: web.Request) -> web.Response:
        """Ask for the code that the device shows, then who signs in on it."""
        stay_local(request)
        said = request.query.get("user_code", "")
        device = self.grants.waiting(said, self.clock())
        if device is None:
            message = "No device waits with this code; it may have expired." if said else ""
            return self._page(title="Sign in on a device", ask_code=True, action=VERIFY, message=message)
        return self._page(
            title="Sign in on the device that shows this code, as",
            user_code=device.user_code,
            people=PEOPLE,
            action=VERIFY,
            fields={"user_code": device.user_code},
        )

    @public
    async def verified(self, request: web.Request) -> web.Response:
        """Somebody was picked, or the device refused."""
        same_origin(request)
        form = await _form(request)
        person = BY_SUB.get(form.get("sub", ""))
        if not self.grants.decide(form.get("user_code", ""), person, self.clock()):
            return self._page(status=404, title="Sign in on a device", message="No device waits with this code.")
        done = f"The device is now signed in as {person.name}." if person else "The device was refused."
        return self._page(title="Done", message=f"{done} You can close this page.")

    @public
    async def token(self, request: web.Request) -> web.Response:
        """Give tokens for a code, a device code or a refresh token."""
        stay_local(request)
        form = await _form(request)
        grant = self._grant_of(form)
        return _refusal(grant) if isinstance(grant, dg.Refused) else _no_store(self._tokens(grant))

    @requires(None)
    async def userinfo(self, request: web.Request) -> web.Response:
        """Who the bearer of the token is."""
        stay_local(request)
        actor = request[ACTOR]
        return answer(profile(Person(actor.subject, actor.name, tuple(actor.roles))))

    def _grant_of(self, form: Mapping[str, str]) -> dg.Grant | dg.Refused:
        if form.get("client_id") != DEV_CLIENT:
            return UNKNOWN_CLIENT
        now = self.clock()
        match form.get("grant_type"):
            case "authorization_code":
                return self.grants.exchange_code(
                    form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier", ""), now
                )
            case "refresh_token":
                return self.grants.refresh(form.get("refresh_token", ""), now)
            case grant_type if grant_type == DEVICE_GRANT:
                return self.grants.poll(form.get("device_code", ""), now)
        return dg.Refused("unsupported_grant_type", "Use authorization_code, refresh_token or device_code")

    def _tokens(self, grant: dg.Grant) -> dict[str, object]:
        now = self.clock()
        access = self.signer.sign(access_claims(self.issuer, grant.person, now))
        tokens: dict[str, object] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE,
            "scope": " ".join(sorted(grant.scopes)),
        }
        if "openid" in grant.scopes:
            claims = id_claims(self.issuer, grant.person, now, access_token=access, nonce=grant.nonce)
            tokens["id_token"] = self.signer.sign(claims)
        if "offline_access" in grant.scopes:
            tokens["refresh_token"] = self.grants.start_refresh(grant, now)
        log.info("development sign-in: %s (%s)", grant.person.name, grant.person.sub)
        return tokens

    def _configuration(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + AUTHORIZE,
            "token_endpoint": self.issuer + TOKEN,
            "device_authorization_endpoint": self.issuer + DEVICE,
            "userinfo_endpoint": self.issuer + USERINFO,
            "jwks_uri": self.issuer + KEYS,
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
        }

    def _page(self, *, status: int = 200, **values: object) -> web.Response:
        text = self._pages.get_template("dev_signin.html").render(**values)
        return web.Response(status=status, text=text, content_type="text/html", headers=PAGE_HEADERS)


def dev_sign_in(settings: Settings) -> DevSignIn:
    """The provider of a development server; notes its issuer in the data folder. Raises: Invalid, StoreUnavailable."""
    if not settings.dev:
        raise Invalid("Development sign-in needs --dev", [Fault("--dev", "is not given")])
    provider = DevSignIn(settings.provider.issuer, load_signer(settings.data))
    remember_issuer(settings.data, provider.issuer)
    return provider


async def _form(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _no_store(value: Mapping[str, object]) -> web.Response:
    return answer(value, headers={"Cache-Control": "no-store"})


def _refusal(refused: dg.Refused) -> web.Response:
    value = {"error": refused.error, "error_description": refused.description}
    return answer(value, status=400, headers={"Cache-Control": "no-store"})


def _see_other(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})
