"""What the server counts of itself, for Prometheus. Its registry belongs to the application: nothing here is global.

Routes are named by their pattern, never by the address that was asked for: that would be a time series for each row,
and the names in it would be for everybody to read who may see figures.
"""

import asyncio
import platform
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler
from attrs import define, field
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

from fiberq_aiohttp.release import own_version
from fiberq_core.errors import FiberqError
from fiberq_core.ports.watching import WatchedStore

TICK: Final = 0.5  # seconds between two looks at how late the event loop is
KEPT: Final = 15.0  # seconds for which the size of the inbox is remembered
STALLS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds
TIMES: Final = (0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0, 300.0)  # seconds
METHODS: Final = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS".split())
OTHER: Final = "other"  # an address or method that there is not
WAITING: Final = ("conflicts", "held", "rejected")  # counts of a receipt that make somebody decide
ROWS: Final = ("inserted", "updated", "deleted", "merged", "unchanged", *WAITING)

Receipt = Mapping[str, Any]


@define
class Inbox:
    """The number of items that wait, remembered for a while. *clock* gives seconds."""

    clock: Callable[[], float] = time.monotonic
    size: float = float("nan")
    _asked_at: float = -KEPT

    async def look(self, store: WatchedStore) -> None:
        """Ask *store*, if that was not done just now. A store that cannot say leaves a number that is none."""
        if self.clock() - self._asked_at < KEPT:
            return
        self._asked_at = self.clock()
        try:
            self.size = await store.open_items()
        except FiberqError:
            self.size = float("nan")


@define
class Metrics:
    """Everything that is counted. *store* and *key_age* (seconds) are asked when somebody looks."""

    store: WatchedStore
    key_age: Callable[[], float]
    inbox: Inbox = field(factory=Inbox)
    registry: CollectorRegistry = field(factory=CollectorRegistry, init=False)
    requests: Counter = field(init=False)
    durations: Histogram = field(init=False)
    syncs: Counter = field(init=False)
    rows: Counter = field(init=False)
    lag: Histogram = field(init=False)
    _seen: dict[tuple[str, str, int], tuple[Any, Any]] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        own = self.registry
        self.requests = Counter("fiberq_requests", "Requests answered", ("method", "route", "status"), registry=own)
        self.durations = Histogram(
            "fiberq_request_seconds", "To the end of an answer", ("method", "route"), buckets=TIMES, registry=own
        )
        self.syncs = Counter("fiberq_syncs", "Exchanges with devices", ("kind", "outcome"), registry=own)
        self.rows = Counter("fiberq_sync_rows", "What became of the rows of uploads", ("outcome",), registry=own)
        self.lag = Histogram("fiberq_loop_lag_seconds", "How late the event loop was", buckets=STALLS, registry=own)
        inbox = Gauge("fiberq_inbox_open_items", "Items that wait for a person", registry=own)
        inbox.set_function(lambda: self.inbox.size)
        keys = Gauge("fiberq_signing_keys_age_seconds", "Since the provider's keys were fetched", registry=own)
        keys.set_function(self.key_age)
        build = Info("fiberq_build", "What runs here", registry=own)
        build.info({"version": own_version(), "python": platform.python_version()})
        ProcessCollector(registry=own)
        self._watch_pool()

    def _watch_pool(self) -> None:
        """Connections to the database, where there is one."""
        if self.store.connections() is None:
            return
        gauge = Gauge("fiberq_pool_connections", "Connections to the database", ("state",), registry=self.registry)
        for state in ("used", "open", "most"):
            gauge.labels(state).set_function(partial(self._connections, state))

    def _connections(self, state: str) -> float:
        return float(getattr(self.store.connections(), state))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        key = (method, route, status)
        known = self._seen.get(key)
        if known is None:
            known = (self.requests.labels(method, route, status), self.durations.labels(method, route))
            self._seen[key] = known
        known[0].inc()
        known[1].observe(seconds)

    @contextmanager
    def exchange(self, kind: str) -> Iterator[Callable[[str], None]]:
        """Count an exchange: its outcome is what the block says, else whether it was refused or has failed."""
        said: list[str] = []
        try:
            yield said.append
        except (FiberqError, web.HTTPException):
            said = ["refused"]
            raise
        except BaseException:
            said = ["failed"]
            raise
        finally:
            self.syncs.labels(kind, said[-1] if said else "done").inc()

    def merged(self, receipt: Receipt) -> str:
        """Count the rows of an upload; its outcome in a word."""
        if receipt["dry_run"]:
            return "rehearsed"
        for name in ROWS:
            self.rows.labels(name).inc(receipt[name])
        return "waiting" if any(receipt[name] for name in WAITING) else "clean"

    async def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        await self.inbox.look(self.store)
        return generate_latest(self.registry)

    @asynccontextmanager
    async def watching_the_loop(self) -> AsyncIterator[None]:
        """Look again and again how late the event loop is, as long as the block lasts."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(TICK)
            self.lag.observe(max(0.0, time.perf_counter() - started - TICK))


METRICS: Final = web.AppKey("metrics", Metrics)


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count every request under the pattern of its route."""
    started, status = time.perf_counter(), 500
    try:
        answer = await handler(request)
        status = answer.status
        return answer
    finally:
        resource = request.match_info.route.resource
        route = resource.canonical.rstrip("/") or "/" if resource is not None else OTHER
        method = request.method if request.method in METHODS else OTHER
        request.app[METRICS].answered(method, route, status, time.perf_counter() - started)
