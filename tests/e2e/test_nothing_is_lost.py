"""Nothing that anybody typed is ever lost: devices, copies, an office and an inbox, at random, on the real store.

After every step everything typed that the server has accepted is current, in history or in the inbox; nothing
else of a project's order is broken either (`fieldwork.Watch`); and an upload changes what its file shows
to have been touched since it was last sent, nothing more. `FIBERQ_LONG=minutes` looks longer, and by chance.
"""

import asyncio
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fiberq_aiohttp.app import create_app
from fiberq_aiohttp.devkeys import issue_dev_token
from fiberq_aiohttp.flows import members, projects
from fiberq_aiohttp.keys import PORTS
from fiberq_aiohttp.settings import Database, Settings, from_env
from fiberq_aiohttp.wiring import opened, serving
from fiberq_core.changes import Op
from fiberq_core.rows import Key
from fiberq_storage.sqlite.connection import FILE
from tests.e2e.books import Books, SqliteBooks, postgis_books
from tests.e2e.device import line, point
from tests.e2e.fieldwork import (
    ADMIN,
    CABLE,
    CLOSURE,
    COUNTS,
    CREW,
    ENGINEER,
    ORDER,
    PEOPLE,
    POLE,
    REALS,
    SPLICE,
    STAMPS,
    TEXTS,
    TRAY,
    WHOLE,
    WORKED,
    ByFlows,
    ByHttp,
    Json,
    Phone,
    Refused,
    Watch,
    Way,
    of_feature,
    of_item,
    plain,
    same_as,
)
from tests.postgis.databases import Databases
from tests.stores import STORES

T = TypeVar("T")

LONG = float(os.environ.get("FIBERQ_LONG", "0"))
POLES = 55  # so that a mass deletion (S18) is possible
SPATIAL = (POLE, CABLE, CLOSURE)

pick = st.integers(0, 997)


def a_place(layer: str, number: int) -> tuple[bytes, Any]:
    """A geometry that nobody else typed: as a file has it, as JSON has it."""
    lon, lat = 20 + (number % 1000) / 500, 43 + (number // 1000) / 10
    if layer == CABLE:
        return line((lon, lat), (lon + 0.125, lat)), plain({"coordinates": [[lon, lat], [lon + 0.125, lat]]})
    return point(lon, lat), plain({"coordinates": [lon, lat]})


def a_row(layer: str, number: int) -> Json:
    """The columns of a new row that say nothing about other rows."""
    values: Json = {TEXTS[layer][0]: f"new-{number}"}
    if layer in WHOLE:
        values[WHOLE[layer]] = 10_000 + number
    if layer == ORDER:
        values |= {"order_type": "repair"}
    return values


class Villagers(RuleBasedStateMachine):
    """People with files, and an office, on one project."""

    base: ClassVar[Path]  # where everything lies
    databases: ClassVar[Databases | None]  # and the stores, if they are not embedded
    template: ClassVar[Settings | None]  # of the server whose data each begins with

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.folder = Path(tempfile.mkdtemp(dir=self.base))
        self.number = 0
        self.phones: list[Phone] = []
        self.sent: list[tuple[Phone, Path, Json]] = []  # uploads that were answered, with their bytes
        self.undoable: str | None = None
        self.conflict_policy = "hold"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the machine's loop."""
        return self.loop.run_until_complete(work)

    # --- beginning and end

    @initialize(policy=st.sampled_from(("hold", "hold", "server_wins", "device_wins")))
    def begin(self, policy: str) -> None:
        """A project with a small network in it."""
        cls = type(self)
        if cls.template is None:
            cls.template = self._new_settings(Path(tempfile.mkdtemp(dir=cls.base)) / "data", None)
            self.do(self._first(cls.template))
        self.settings = self._new_settings(self.folder / "data", cls.template.database)
        self.stack.callback(self._drop_database)
        shutil.copytree(cls.template.data, self.settings.data)
        self.way, ports = self.do(self.reach(self.settings))
        self.watch = Watch(ports, 1, self.do(self._books()))
        self.policy(policy)
        for who in (CREW, ENGINEER):
            self.download(who)

    def _new_settings(self, data: Path, template: Database | None) -> Settings:
        """Settings of a server with its files in *data*, and if stores lie in databases, with a copy of *template*."""
        url = ""
        if self.databases is not None:
            url = self.databases.create(urlsplit(template.url).path[1:] if template else None)
        return from_env({"FIBERQ_DATA": str(data), "DATABASE_URL": url}, dev=True, host="127.0.0.1", port=8080)

    def _drop_database(self) -> None:
        if self.databases is not None and self.settings.database is not None:
            self.databases.drop(self.settings.database.url)

    async def _books(self) -> Books:
        if self.settings.database is None:
            return SqliteBooks(self.settings.data / FILE, 1)
        return await self.stack.enter_async_context(postgis_books(self.settings.database.url, 1))

    async def reach(self, settings: Settings) -> tuple[Way, Any]:
        """How this variant reaches the server."""
        ports = await self.stack.enter_async_context(opened(settings))
        return ByFlows(ports, 1), ports

    async def _first(self, settings: Settings) -> None:
        async with opened(settings) as ports:
            await projects.create(ports, ENGINEER, {"name": "Village"})
            await members.add_member(ports, ENGINEER, 1, {"sub": "*", "role": "engineer"})
            way = ByFlows(ports, 1)
            phone = Phone(ENGINEER, settings.data.parent / "first.gpkg")
            await way.download(ENGINEER, phone.path)
            for n in range(POLES):
                phone.add(
                    POLE,
                    {"naziv": f"P-{n}", "materijal": "Wood", "napomena": "seen", "geom": a_place(POLE, 9_000 + n)[0]},
                    {},
                )
            for n in range(3):
                geom = a_place(CABLE, 9_100 + n)[0]
                phone.add(CABLE, {"naziv": f"K-{n}", "broj_vlakana": 12, "geom": geom}, {})
                geom = a_place(CLOSURE, 9_200 + n)[0]
                closure = phone.add(
                    CLOSURE, {"naziv": f"N-{n}", "closure_type": "dome", "napomena": "wet", "geom": geom}, {}
                )
                tray = phone.add(TRAY, {"closure_fid": closure, "tray_number": 1, "capacity": 12}, {})
                phone.add(SPLICE, {"tray_fid": tray, "position_in_tray": 1, "notes": f"S-{n}"}, {})
                phone.add(CLOSURE, {"naziv": f"E-{n}", "geom": a_place(CLOSURE, 9_300 + n)[0]}, {})
                phone.add(ORDER, {"title": f"O-{n}", "order_type": "repair", "assigned_to_sub": CREW.subject}, {})
            receipt = await way.upload(ENGINEER, phone.path)
            assert receipt["inserted"] == POLES + 18, receipt

    def teardown(self) -> None:
        """Look at everything once more, and let go."""
        try:
            if hasattr(self, "watch"):
                for phone in self.phones:
                    self.send(phone)
                self.do(self.watch.holds(all_again=True))
                self.take_and_give_back(0)
        finally:
            self.do(self.stack.aclose())
            self.loop.close()
            shutil.rmtree(self.folder)

    @invariant()
    def order(self) -> None:
        """What must hold after every step."""
        if hasattr(self, "watch"):
            self.do(self.watch.holds())

    # --- small things

    def next_number(self) -> int:
        self.number += 1
        return self.number

    def phone(self, which: int) -> Phone:
        return self.phones[which % len(self.phones)]

    def a_file(self) -> Path:
        return self.folder / f"{self.next_number()}.gpkg"

    def told(self, *typed: tuple[str, str, Any]) -> None:
        self.watch.ledger.update(typed)

    # --- devices

    @rule(who=st.sampled_from(PEOPLE))
    def download(self, who: Any) -> None:
        """Somebody takes the project away."""
        phone = Phone(who, self.a_file(), taken=self.do(self.watch.revision()))
        self.do(self.way.download(who, phone.path))
        same_as(phone, self.do(self.watch.rows()))
        self.phones = [*self.phones[-4:], phone]

    @rule(which=pick, who=st.sampled_from(PEOPLE), same=st.booleans())
    @precondition(lambda self: self.phones)
    def copy_file(self, which: int, who: Any, same: bool) -> None:
        """A file goes on another device, perhaps another person's."""
        phone = self.phone(which)
        self.phones = [*self.phones[-4:], phone.copy(self.a_file(), phone.owner if same else who)]

    @rule(
        which=pick,
        layer=st.sampled_from(WORKED),
        row=pick,
        column=pick,
        what=st.sampled_from(("text", "emoji", "null")),
    )
    @precondition(lambda self: self.phones)
    def edit_text(self, which: int, layer: str, row: int, column: int, what: str) -> None:
        """Somebody types into a text column."""
        phone = self.phone(which)
        rows = phone.rows(layer)
        name = TEXTS[layer][column % len(TEXTS[layer])]
        if rows and not (what == "null" and name == "title"):
            value = {"text": f"v{self.next_number()}", "emoji": f"Ђ 🔴 v{self.next_number()} ", "null": None}[what]
            phone.edit(layer, rows[row % len(rows)][0], name, value, value)

    @rule(which=pick, layer=st.sampled_from((*WHOLE, *REALS)), row=pick, what=st.sampled_from(("whole", "real", "bad")))
    @precondition(lambda self: self.phones)
    def edit_number(self, which: int, layer: str, row: int, what: str) -> None:
        """Somebody types a number, or what is none."""
        phone, number = self.phone(which), self.next_number()
        rows = phone.rows(layer)
        name = (REALS if what == "real" else WHOLE).get(layer)
        if rows and name:
            value = {"whole": number, "real": number + 0.5, "bad": f"{number}x"}[what]
            phone.edit(layer, rows[row % len(rows)][0], name, value, value)

    @rule(which=pick, layer=st.sampled_from(SPATIAL), row=pick, clear=st.integers(0, 5))
    @precondition(lambda self: self.phones)
    def move(self, which: int, layer: str, row: int, clear: int) -> None:
        """Somebody moves a thing, or clears its place."""
        phone = self.phone(which)
        rows = phone.rows(layer)
        if rows:
            blob, value = a_place(layer, self.next_number()) if clear else (None, None)
            phone.edit(layer, rows[row % len(rows)][0], "geometry", blob, value)

    @rule(which=pick, row=pick, status=st.sampled_from(("assigned", "in_progress", "completed", "verified", "dug")))
    @precondition(lambda self: self.phones)
    def move_order(self, which: int, row: int, status: str) -> None:
        """Somebody moves a work order on, legally or not."""
        phone = self.phone(which)
        rows = phone.rows(ORDER)
        if rows:
            phone.edit(ORDER, rows[row % len(rows)][0], "status", status, status)

    @rule(which=pick, layer=st.sampled_from(WORKED), row=pick)
    @precondition(lambda self: self.phones)
    def edit_extra(self, which: int, layer: str, row: int) -> None:
        """A column that no registry knows."""
        phone = self.phone(which)
        rows = phone.rows(layer)
        if rows:
            if not phone.has(layer, "boja"):
                phone.sql(f'ALTER TABLE "{layer}" ADD COLUMN boja TEXT')
            value = f"x{self.next_number()}"
            phone.edit(layer, rows[row % len(rows)][0], "boja", value, value)

    @rule(which=pick, layer=st.sampled_from((POLE, CLOSURE)))
    @precondition(lambda self: self.phones)
    def drop_column(self, which: int, layer: str) -> None:
        """A program leaves a column out (S19)."""
        phone = self.phone(which)
        if phone.has(layer, "napomena"):
            phone.sql(f'ALTER TABLE "{layer}" DROP COLUMN napomena')
            phone.typed = {k: v for k, v in phone.typed.items() if (k[0], k[2]) != (layer, "napomena")}

    @rule(which=pick, layer=st.sampled_from(WORKED), parent=pick, with_uuid=st.booleans())
    @precondition(lambda self: self.phones)
    def add(self, which: int, layer: str, parent: int, with_uuid: bool) -> None:
        """A new row, with a uuid of its own or without."""
        phone, number = self.phone(which), self.next_number()
        values = a_row(layer, number)
        raw = dict(values)
        if layer in SPATIAL:
            raw["geom"], values["geometry"] = a_place(layer, number)
        if layer in (TRAY, SPLICE):
            above, local, place = (
                (CLOSURE, "closure_fid", "tray_number") if layer == TRAY else (TRAY, "tray_fid", "position_in_tray")
            )
            rows = phone.rows(above)
            raw |= {local: rows[parent % len(rows)][0] if rows else 999, place: parent % 3 + 1}
        cables = [uuid for _, uuid in phone.rows(CABLE, "fiberq_uuid") if uuid]
        if layer == SPLICE and cables and parent % 4:
            raw |= {"cable_a_uuid": cables[parent % len(cables)], "fiber_a_number": parent % 2 + 1}
            raw["cable_a_end"] = (None, "from", "to")[parent // 4 % 3]
        if with_uuid:
            raw["fiberq_uuid"] = f"00000000-0000-4000-8000-{number:012d}"
        phone.add(layer, raw, values)

    @rule(which=pick, row=pick, back=st.booleans())
    @precondition(lambda self: self.phones)
    def orphan(self, which: int, row: int, back: bool) -> None:
        """The office deletes the closure in which somebody is placing a tray, and perhaps puts it back (S26)."""
        phone = self.phone(which)
        rows = phone.rows(CLOSURE, "fiberq_uuid")
        if not rows:
            return
        fid, uuid = rows[row % len(rows)]
        number = self.next_number()
        phone.add(
            TRAY, {"closure_fid": fid, "tray_number": number, "tray_type": f"t{number}"}, {"tray_type": f"t{number}"}
        )
        stored = self.do(self.watch.rows()).get(Key(CLOSURE, uuid))
        if stored is not None and self._may(self.way.delete(ENGINEER, CLOSURE, uuid, stored.rev)):
            self.send(phone)
            if back:
                self._may(self.way.restore(ENGINEER, CLOSURE, uuid, None))

    @rule(
        which=pick,
        layer=st.sampled_from((POLE, CABLE, CLOSURE, SPLICE, ORDER)),
        row=pick,
        column=pick,
        send=st.booleans(),
    )
    @precondition(lambda self: self.phones)
    def contest(self, which: int, layer: str, row: int, column: int, send: bool) -> None:
        """Somebody in the field types into a field, or deletes a row, into which the office types too (S05, S09)."""
        phone = self.phone(which)
        rows = [r for r in phone.rows(layer, "fiberq_uuid") if r[1]]
        if not rows:
            return
        fid, uuid = rows[row % len(rows)]
        name = TEXTS[layer][column % len(TEXTS[layer])]
        mine, theirs = f"mine-{self.next_number()}", f"theirs-{self.next_number()}"
        if column % 3:
            phone.edit(layer, fid, name, mine, mine)
        else:
            phone.delete(layer, fid)
        stored = self.do(self.watch.rows()).get(Key(layer, uuid))
        if stored is not None:
            if self._may(self.way.patch(ENGINEER, layer, uuid, stored.rev, {"properties": {name: theirs}})):
                self.told((layer, name, theirs))
            if send:
                self.send(phone)

    @rule(which=pick, row=pick)
    @precondition(lambda self: self.phones)
    def contest_place(self, which: int, row: int) -> None:
        """A tray is given a number in the field that the office has given to another in the same closure (S42)."""
        phone = self.phone(which)
        rows = [r for r in phone.rows(TRAY, "fiberq_uuid") if r[1]]
        if rows:
            fid, uuid = rows[row % len(rows)]
            stored, number = self.do(self.watch.rows()).get(Key(TRAY, uuid)), self.next_number()
            if stored is not None:
                values = {"closure_uuid": stored.row.get("closure_uuid"), "tray_number": number}
                self._may(self.way.create(ENGINEER, TRAY, {"type": "Feature", "properties": values, "geometry": None}))
            phone.edit(TRAY, fid, "tray_number", number, number)
            self.send(phone)

    @rule(which=pick, layer=st.sampled_from((TRAY, SPLICE)), row=pick, number=st.integers(1, 3))
    @precondition(lambda self: self.phones)
    def take_another_place(self, which: int, layer: str, row: int, number: int) -> None:
        """Somebody gives a tray or a splice another place, which may be taken (S42)."""
        phone = self.phone(which)
        rows = phone.rows(layer)
        if rows:
            name = "tray_number" if layer == TRAY else "position_in_tray"
            phone.edit(layer, rows[row % len(rows)][0], name, number, number)

    @rule(which=pick, layer=st.sampled_from((POLE, CABLE)), row=pick)
    @precondition(lambda self: self.phones)
    def copy_row(self, which: int, layer: str, row: int) -> None:
        """Somebody copies a feature, with its uuid (S16), and types another name."""
        phone = self.phone(which)
        rows = phone.rows(layer, "fiberq_uuid")
        if rows:
            value = f"copy-{self.next_number()}"
            raw = {"naziv": value, "fiberq_uuid": rows[row % len(rows)][1], "geom": a_place(layer, self.number)[0]}
            phone.add(layer, raw, {"naziv": value})

    @rule(which=pick, layer=st.sampled_from(WORKED), row=pick)
    @precondition(lambda self: self.phones)
    def delete(self, which: int, layer: str, row: int) -> None:
        """Somebody deletes a row in a file."""
        phone = self.phone(which)
        rows = phone.rows(layer)
        if rows:
            phone.delete(layer, rows[row % len(rows)][0])

    @rule(which=pick)
    @precondition(lambda self: self.phones)
    def delete_nearly_all(self, which: int) -> None:
        """Somebody deletes a whole layer of a file (S18)."""
        phone = self.phone(which)
        for (fid,) in phone.rows(POLE)[:-1]:
            phone.delete(POLE, fid)

    @rule(which=pick, revs=st.booleans())
    @precondition(lambda self: self.phones)
    def save_as(self, which: int, revs: bool) -> None:
        """A program saves the file anew: what says where it comes from is gone, perhaps the revisions too (S31)."""
        phone = self.phone(which)
        phone.sql("DELETE FROM gpkg_metadata_reference")
        phone.sql("DELETE FROM gpkg_metadata")
        if not revs:
            for layer in WORKED:
                phone.sql(f'UPDATE "{layer}" SET fiberq_rev = NULL')
        phone.without_origin = True
        phone.ever |= {(layer, fid, None) for layer in WORKED for (fid,) in phone.rows(layer)} if not revs else set()

    @rule(which=pick, row=pick, decision=st.sampled_from(("keep_server", "take_mine", "take_both", "nonsense")))
    @precondition(lambda self: self.phones)
    def answer_in_file(self, which: int, row: int, decision: str) -> None:
        """Somebody answers an item in the file (S48)."""
        phone = self.phone(which)
        rows = phone.rows("sync_issues")
        if rows:
            phone.sql("UPDATE sync_issues SET decision = ? WHERE fid = ?", decision, rows[row % len(rows)][0])

    @rule(which=pick, dry=st.booleans())
    @precondition(lambda self: self.phones)
    def upload(self, which: int, dry: bool) -> None:
        """Somebody sends a file back."""
        self.send(self.phone(which), dry=dry)

    @rule(which=pick, seed=st.integers(0, 10**9))
    @precondition(lambda self: self.phones)
    def day(self, which: int, seed: int) -> None:
        """Somebody works for a day while the office does, and sends the file in the evening."""
        chance = random.Random(seed)

        def some() -> int:
            return chance.randrange(998)

        layer, words = chance.choice, ("text", "emoji", "null")
        field: tuple[Callable[[], object], ...] = (
            lambda: self.edit_text(which, layer(WORKED), some(), some(), chance.choice(words)),
            lambda: self.edit_number(which, layer((*WHOLE, *REALS)), some(), chance.choice(("whole", "real", "bad"))),
            lambda: self.move(which, layer(SPATIAL), some(), some() % 6),
            lambda: self.move_order(which, some(), chance.choice(("assigned", "completed", "dug"))),
            lambda: self.edit_extra(which, layer(WORKED), some()),
            lambda: self.add(which, layer(WORKED), some(), some() % 2 == 0),
            lambda: self.copy_row(which, layer((POLE, CABLE)), some()),
            lambda: self.delete(which, layer(WORKED), some()),
            lambda: self.contest(which, layer((POLE, CLOSURE, SPLICE)), some(), some(), send=False),
            lambda: self.answer_in_file(which, some(), chance.choice(("keep_server", "take_mine"))),
            lambda: self.patch(layer(WORKED), some(), some(), ENGINEER),
            lambda: self.patch_place(layer(SPATIAL), some()),
            lambda: self.create_tray(some(), some() % 4 + 1),
            lambda: self.remove(layer(WORKED), some()),
            lambda: self.decide(some(), some(), ENGINEER),
        )
        for _ in range(8):
            chance.choice(field)()
        self.send(self.phone(which), dry=some() % 3 == 0)

    def send(self, phone: Phone, *, dry: bool = False) -> Json:
        """Send a file; the receipt says what was done, and what was not touched is not changed."""
        before, waiting = self.do(self.watch.revision()), len(self.do(self.watch.items()))
        answers = any(row[1] for row in phone.rows("sync_issues", "decision"))
        rehearsed = self.do(self.way.upload(phone.owner, phone.path, dry_run=True)) if dry else None
        assert before == self.do(self.watch.revision())
        bytes_sent = self.a_file()
        shutil.copy(phone.path, bytes_sent)
        receipt = self.do(self.way.upload(phone.owner, phone.path))
        known = any(receipt["sync_id"] == other["sync_id"] for _, _, other in self.sent)
        self.told(*phone.told())
        if known:
            assert before == self.do(self.watch.revision()), "the same bytes had a second effect"
            return receipt
        if rehearsed is not None:
            assert {n: rehearsed[n] for n in COUNTS} == {n: receipt[n] for n in COUNTS}
        self._counts_are_true(receipt, before, waiting, answers=answers)
        for item in receipt["items"]:
            if item["fid"] is not None and item["uuid"]:
                phone.names[item["layer"], item["fid"]] = item["uuid"]
        if not answers:
            self._only_what_was_touched(phone, before)
            self._every_wish_is_answered(phone, before)
            self._nobody_is_overwritten(phone, before)
        phone.sent()
        self.sent.append((phone.copy(self.a_file(), phone.owner), bytes_sent, receipt))
        self.undoable = receipt["sync_id"]
        return receipt

    def _counts_are_true(self, receipt: Json, before: int, waiting: int, *, answers: bool) -> None:
        after = self.do(self.watch.revision())
        assert receipt["revision_after"] == after and (answers or before == receipt["revision_before"])
        done = [c for c in self.do(self.watch.feed(receipt["revision_before"])) if c["revision"] == after]
        by_op = {op.value: sum(c["op"] == op.value for c in done) for op in Op}
        if after > receipt["revision_before"]:
            assert (by_op["insert"], by_op["update"], by_op["delete"]) == tuple(
                receipt[n] for n in ("inserted", "updated", "deleted")
            )
        new = receipt["conflicts"] + receipt["held"] + receipt["rejected"]
        assert (after > receipt["revision_before"]) == bool(receipt["applied"] + new) or answers
        assert after - before == bool(receipt["applied"] + new) or answers
        assert answers or len(self.do(self.watch.items())) - waiting == new

    def _only_what_was_touched(self, phone: Phone, before: int) -> None:
        allowed = phone.allowed()
        rows = {(layer, uuid) for layer, uuid, name in allowed if name is None}
        for change in self.do(self.watch.feed(before)):
            layer, uuid, fields = change["layer"], change["uuid"], set(change["fields"])
            if (layer, uuid) in rows:
                continue
            named = {name for where, which, name in allowed if (where, which) == (layer, uuid)}
            named |= STAMPS if layer == ORDER and "status" in named else set()
            assert change["op"] == "update" and fields <= named, f"nobody touched this: {change}, but {named}"

    def _nobody_is_overwritten(self, phone: Phone, before: int) -> None:
        """What somebody else had typed since stays, unless the project lets devices win: a person has to choose (S05)."""
        if self.conflict_policy == "device_wins" or phone.without_origin:
            return
        feed, asked = self.do(self.watch.feed(0)), self.do(self.watch.asked())
        was = {(layer, phone.name(layer, fid), name): raw for (layer, fid, name), raw in phone.was.items()}
        for change in (c for c in feed if c["revision"] > before and c["op"] == "delete"):
            wrote = [
                c
                for c in feed
                if c["revision"] <= before and (c["layer"], c["uuid"]) == (change["layer"], change["uuid"])
            ]
            own = wrote[-1]["author"]["sub"] == phone.owner.subject
            assert own or wrote[-1]["revision"] <= phone.taken, f"deleted what somebody else had worked on: {change}"
        for change in (c for c in feed if c["revision"] > before and c["op"] == "update"):
            for name, sides in change["fields"].items():
                what = (change["layer"], change["uuid"], name)
                if what not in was or name == "geometry" or was[what] == sides["old"]:
                    continue
                wrote = [
                    c
                    for c in feed
                    if c["revision"] <= before and (c["layer"], c["uuid"]) == what[:2] and name in c["fields"]
                ]
                # a copy that became its original's row (S16) stands in another place than what the device had received
                received = wrote and wrote[-1]["revision"] <= phone.taken
                own = wrote and wrote[-1]["author"]["sub"] == phone.owner.subject
                waits = (name, was[what]) in asked.get(Key(change["layer"], change["uuid"]), set())
                assert received or own or waits, f"overwritten: {change}, where the device had {was[what]!r}"

    def _every_wish_is_answered(self, phone: Phone, before: int) -> None:
        """What was typed, cleared or deleted is so now, or waits, or was so before this upload (a copy had sent it)."""
        rows, asked = self.do(self.watch.rows()), self.do(self.watch.asked())
        earlier = [c for c in self.do(self.watch.feed(0)) if c["revision"] <= before]
        for layer, fid, name, value in phone.wishes():
            uuid = phone.name(layer, fid)
            if uuid is None:  # the copy that sent this new row was told its name; here nothing of it has changed
                told = (c["fields"][name]["new"] for c in earlier if c["layer"] == layer and name in c["fields"])
                assert value in map(plain, told), f"nobody answered for row {fid} of {layer}"
                continue
            key, stored = (layer, uuid), rows.get(Key(layer, uuid))
            waiting = asked.get(Key(layer, uuid), set())
            now = {n: v for _, n, v in of_feature(stored)} if stored else {}
            held = (name, value) in waiting if value is not None else bool(waiting)
            done = (stored is not None and now.get(name) == value) or held
            sent_before = any(
                (c["layer"], c["uuid"]) == key and name in c["fields"] and plain(c["fields"][name]["new"]) == value
                for c in earlier
            )
            assert done or sent_before or (value is None and phone.without_origin), f"no answer: {key} {name} {value}"
        if phone.without_origin:
            return
        for layer, fid, what in phone.touched:
            gone = phone.names.get((layer, fid)) if what is None else None
            copied = gone and (gone,) in phone.rows_of(layer, "fiberq_uuid")  # S16: then the copy is the row
            if gone and not copied and Key(layer, gone) in rows:
                before_too = any((c["layer"], c["uuid"], c["op"]) == (layer, gone, "delete") for c in earlier)
                assert before_too or (None, None) in asked.get(Key(layer, gone), set()), (
                    f"a deletion was forgotten: {layer} {gone}"
                )

    @rule(which=pick)
    @precondition(lambda self: self.phones)
    def retry(self, which: int) -> None:
        """The connection broke after the server was done; the same bytes come again."""
        phone = self.phone(which)
        first = self.send(phone)
        assert first == self.send(phone)

    @rule(which=pick)
    @precondition(lambda self: self.sent)
    def old_bytes_again(self, which: int) -> None:
        """Bytes that were sent before come again, after newer ones (S51)."""
        phone, path, receipt = self.sent[which % len(self.sent)]
        before = self.do(self.watch.revision())
        assert receipt == self.do(self.way.upload(phone.owner, path))
        assert before == self.do(self.watch.revision())

    @rule(which=pick)
    @precondition(lambda self: self.sent)
    def stale_copy(self, which: int) -> None:
        """A file as it was sent once is dug up, to be worked on again."""
        phone, _, _ = self.sent[which % len(self.sent)]
        self.phones = [*self.phones[-4:], phone.copy(self.a_file(), phone.owner)]

    @rule(who=st.integers(0, 3))
    def take_and_give_back(self, who: int) -> None:
        """A fresh download equals what is current, and giving it back unchanged does nothing (S33)."""
        person = PEOPLE[who % len(PEOPLE)]
        phone = Phone(person, self.a_file())
        self.do(self.way.download(person, phone.path))
        rows = self.do(self.watch.rows())
        same_as(phone, rows)
        receipt = self.send(phone)
        assert not any(receipt[n] for n in COUNTS), receipt
        assert rows == self.do(self.watch.rows())

    # --- the office

    @rule(layer=st.sampled_from(SPATIAL), who=st.sampled_from(PEOPLE))
    def create(self, layer: str, who: Any) -> None:
        """Somebody draws a thing at the REST interface."""
        number = self.next_number()
        values, (_, place) = a_row(layer, number), a_place(layer, number)
        kind = "LineString" if layer == CABLE else "Point"
        feature = {"properties": values, "geometry": {"type": kind, "coordinates": json.loads(place)}}
        self.do(self.way.create(who, layer, {"type": "Feature", **feature}))
        self.told(*((layer, n, v) for n, v in values.items()), (layer, "geometry", place))

    @rule(closure=pick, number=st.integers(1, 4))
    def create_tray(self, closure: int, number: int) -> None:
        """Somebody adds a tray at the REST interface."""
        closures = sorted(k.uuid for k in self.do(self.watch.rows()) if k.layer == CLOSURE)
        if closures:
            kind = f"t{self.next_number()}"
            values = {"closure_uuid": closures[closure % len(closures)], "tray_number": number, "tray_type": kind}
            if self._may(self.way.create(ENGINEER, TRAY, {"type": "Feature", "properties": values, "geometry": None})):
                self.told((TRAY, "tray_type", kind))

    @rule(layer=st.sampled_from(WORKED), row=pick, column=pick, who=st.sampled_from(PEOPLE))
    def patch(self, layer: str, row: int, column: int, who: Any) -> None:
        """Somebody edits a feature at the REST interface."""
        found = self._some_row(layer, row)
        if found is not None:
            name, value = TEXTS[layer][column % len(TEXTS[layer])], f"o{self.next_number()}"
            if self._may(self.way.patch(who, layer, found[0].uuid, found[1], {"properties": {name: value}})):
                self.told((layer, name, value))

    @rule(layer=st.sampled_from(SPATIAL), row=pick)
    def patch_place(self, layer: str, row: int) -> None:
        """Somebody moves a feature at the REST interface."""
        found = self._some_row(layer, row)
        if found is not None:
            _, place = a_place(layer, self.next_number())
            geometry = {"type": "LineString" if layer == CABLE else "Point", "coordinates": json.loads(place)}
            if self._may(
                self.way.patch(ENGINEER, layer, found[0].uuid, found[1], {"properties": {}, "geometry": geometry})
            ):
                self.told((layer, "geometry", place))

    @rule(layer=st.sampled_from(WORKED), row=pick)
    def remove(self, layer: str, row: int) -> None:
        """Somebody deletes a feature at the REST interface."""
        found = self._some_row(layer, row)
        if found is not None:
            self._may(self.way.delete(ENGINEER, layer, found[0].uuid, found[1]))

    @rule(which=pick, who=st.sampled_from(PEOPLE))
    def restore(self, which: int, who: Any) -> None:
        """Somebody makes an old version current, or a deleted row."""
        changes = [c for c in self.do(self.watch.feed(1)) if c["layer"] in WORKED]
        if changes:
            change = changes[which % len(changes)]
            revision = None if change["op"] == "delete" else change["revision"]
            self._may(self.way.restore(who, change["layer"], change["uuid"], revision))

    def _some_row(self, layer: str, row: int) -> tuple[Key, int] | None:
        rows = sorted(
            ((k, s.rev) for k, s in self.do(self.watch.rows()).items() if k.layer == layer), key=lambda r: r[0].uuid
        )
        return rows[row % len(rows)] if rows else None

    def _may(self, asked: Coroutine[Any, Any, Any]) -> bool:
        """Ask for something that may be refused; then nothing has changed."""
        before, items = self.do(self.watch.revision()), self.do(self.watch.items("open"))
        try:
            self.do(asked)
        except Refused:
            assert before == self.do(self.watch.revision()) and items == self.do(self.watch.items("open"))
            return False
        assert self.do(self.watch.revision()) - before in (0, 1)
        return True

    # --- the inbox, undo, settings

    @rule(which=pick, how=pick, who=st.sampled_from((ADMIN, ENGINEER, CREW)))
    def decide(self, which: int, how: int, who: Any) -> None:
        """Somebody decides an item; what they take becomes current."""
        items = [i for i in self.do(self.watch.items()) if i["choices"]]
        if not items:
            return
        item = items[which % len(items)]
        decision = item["choices"][how % len(item["choices"])]
        if self._may(self.way.decide(who, item["item_id"], decision)) and item["field"] and decision == "take_mine":
            now = self.do(self.watch.rows())[Key(item["layer"], item["uuid"])]
            (_, name, value), *_ = of_item(item)
            got = now.row.get(name)
            assert isinstance(got, bytes) or plain(value) == got, (item, got)

    @rule(who=st.sampled_from((ADMIN, ENGINEER)))
    @precondition(lambda self: self.undoable)
    def undo(self, who: Any) -> None:
        """Somebody takes the last upload back."""
        assert self.undoable is not None
        self._may(self.way.undo(who, self.undoable))

    @rule(which=pick)
    @precondition(lambda self: self.phones)
    def upload_and_undo(self, which: int) -> None:
        """An upload that is taken back at once leaves the rows as they were."""
        before, revision = self.do(self.watch.rows()), self.do(self.watch.revision())
        receipt = self.send(self.phone(which))
        if not revision + 1 == receipt["revision_after"] == self.do(self.watch.revision()):
            return  # nothing changed, it was a repeat, or the file answered items as well
        try:
            undone = self.do(self.way.undo(ADMIN, receipt["sync_id"]))
        except Refused:
            return
        if not undone["conflicts"] + undone["held"] + undone["rejected"]:
            after = self.do(self.watch.rows())
            assert {k: s.row for k, s in before.items()} == {k: s.row for k, s in after.items()}
            assert {k: (s.id, s.fid) for k, s in before.items()} == {k: (s.id, s.fid) for k, s in after.items()}

    @rule(policy=st.sampled_from(("hold", "hold", "device_wins", "server_wins")))
    def policy(self, policy: str) -> None:
        """An administrator says who wins."""
        self.do(self.way.policy(policy))
        self.conflict_policy = policy


class VillagersByHttp(Villagers):
    """The same, through HTTP."""

    async def reach(self, settings: Settings) -> tuple[Way, Any]:
        """A server and its client on the machine's loop."""
        app = create_app(settings, lambda: serving(settings))
        client = await self.stack.enter_async_context(TestClient(TestServer(app)))
        tokens = {
            p.subject: issue_dev_token(
                settings.data, settings.provider.issuer, next(iter(p.roles)).value, p.subject, p.name, time.time()
            )
            for p in PEOPLE
        }
        return ByHttp(client, tokens, 1), app[PORTS]


def profile(examples: int, steps: int) -> settings:
    """How long to look: as asked for, or as long as the whole suite can bear."""
    phases = (Phase.generate, Phase.shrink) if LONG else (Phase.generate,)
    return settings(
        max_examples=int(examples * (1 + 3 * LONG)), stateful_step_count=steps, deadline=None, phases=phases,
        derandomize=not LONG, database=None, suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("machine, examples", [(Villagers, 16), (VillagersByHttp, 2)])
@pytest.mark.parametrize("stores", STORES)
def test_nothing_is_lost(
    machine: type[Villagers], examples: int, stores: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Whatever people do, in whatever order, everything that they typed is current, in history or in the inbox."""
    machine.base, machine.template = tmp_path, None
    machine.databases = request.getfixturevalue("databases") if stores == "postgis" else None
    if machine.databases:
        examples //= 2  # each asks the database a thousand questions
    run_state_machine_as_test(machine, settings=profile(examples, 40))
