"""The composition root: everything that the server is made of is put together here, and nowhere else."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final
from weakref import WeakValueDictionary

import aiohttp
import aiohttp_jinja2
import jinja2
from aiohttp import web

from fiberq_aiohttp import cors, logs
from fiberq_aiohttp.answering import add_usual_headers
from fiberq_aiohttp.attendance import Attendance
from fiberq_aiohttp.bearer import Fetch, HttpFetch, bearer_for
from fiberq_aiohttp.devsignin import dev_sign_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.guard import authenticate, check_guards
from fiberq_aiohttp.incoming import sweep
from fiberq_aiohttp.keys import (
    ADDRESSES,
    ATTENDANCE,
    BEARER,
    PORTS,
    READINESS,
    SECRET,
    SETTINGS,
    SPOOL,
    UPLOAD_SLOTS,
    UPLOADERS,
)
from fiberq_aiohttp.metrics import METRICS, Metrics, counted
from fiberq_aiohttp.photoaddresses import PhotoAddresses
from fiberq_aiohttp.problems import problems
from fiberq_aiohttp.readiness import Readiness
from fiberq_aiohttp.routes import (
    auditing,
    changes,
    description,
    features,
    fibres,
    health,
    holdings,
    inbox,
    me,
    orders,
    people,
    photos,
    projects,
    records,
    reports,
    splicing,
    sync,
    tokens,
    watching,
)
from fiberq_aiohttp.settings import Provider, Settings
from fiberq_core.claims import TokenRules

UPLOADS_AT_ONCE: Final = 16  # received at the same time; merged they are one after the other, project by project
ROUTES: Final = (
    *health.ROUTES,
    *me.ROUTES,
    *tokens.ROUTES,
    *people.ROUTES,
    *auditing.ROUTES,
    *holdings.ROUTES,
    *projects.ROUTES,
    *sync.ROUTES,
    *inbox.ROUTES,
    *changes.ROUTES,
    *features.ROUTES,
    *orders.ROUTES,
    *reports.ROUTES,
    *records.ROUTES,
    *splicing.ROUTES,
    *fibres.ROUTES,
    *description.ROUTES,
    *watching.ROUTES,
    *photos.ROUTES,
)

OpenPorts = Callable[[], AbstractAsyncContextManager[Ports]]


def create_app(settings: Settings, open_ports: OpenPorts, *, fetch: Fetch | None = None) -> web.Application:
    """The server. *open_ports* is entered at start and left at the end.

    *fetch* gets the identity provider's documents; None: over HTTP, or from the development sign-in.
    Raises: Invalid, StoreUnavailable.
    """
    app = web.Application(
        middlewares=(counted, logs.request_ids, cors.preflight, problems, authenticate),
        client_max_size=settings.max_json,
    )
    app[SETTINGS] = settings
    app[SPOOL] = settings.incoming
    secret = settings.secret_key or secrets.token_hex()  # a development server may have none of its own
    app[SECRET] = secret.encode()
    app[ADDRESSES] = PhotoAddresses(app[SECRET], settings.photo_address, time.time)
    app[UPLOAD_SLOTS], app[UPLOADERS] = asyncio.Semaphore(UPLOADS_AT_ONCE), WeakValueDictionary()
    app.on_response_prepare.extend((logs.answer_with_request_id, cors.allow(settings.cors_origins), add_usual_headers))
    app.add_routes(ROUTES)
    pages = aiohttp_jinja2.setup(app, loader=jinja2.PackageLoader("fiberq_aiohttp"))
    app[description.DESCRIPTION] = description.description_of(ROUTES, pages)
    if settings.dev:
        provider = dev_sign_in(settings)
        app.add_routes(provider.routes())
        fetch = fetch or provider.fetch
    app.cleanup_ctx.extend((_ports(open_ports), _sign_in(settings.provider, fetch), _watch))
    check_guards(app)
    return app


def rules_of(provider: Provider) -> TokenRules:
    """What tokens of *provider* must say."""
    return TokenRules(provider.issuer, provider.audiences, provider.project_id, provider.org_ids)


def _ports(open_ports: OpenPorts) -> Callable[[web.Application], AsyncIterator[None]]:
    async def opened(app: web.Application) -> AsyncIterator[None]:
        async with open_ports() as ports:
            await asyncio.to_thread(sweep, app[SPOOL])
            app[PORTS] = ports
            app[ATTENDANCE] = Attendance(ports.store, ports.now)
            async with app[ATTENDANCE].kept():
                yield

    return opened


def _sign_in(provider: Provider, fetch: Fetch | None) -> Callable[[web.Application], AsyncIterator[None]]:
    async def opened(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as session:
            app[BEARER] = bearer_for(rules_of(provider), fetch or HttpFetch(session))
            yield

    return opened


async def _watch(app: web.Application) -> AsyncIterator[None]:
    """Count what happens, and know whether all that is needed is there."""
    store, bearer, settings = app[PORTS].store, app[BEARER], app[SETTINGS]
    folders = (settings.data, settings.gpkg_dir, settings.photos_dir)
    app[READINESS] = Readiness(store, bearer.have_keys, folders, time.monotonic)
    app[METRICS] = Metrics(store, bearer.key_age)
    async with app[METRICS].watching_the_loop():
        yield
