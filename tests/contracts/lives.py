"""Random lives of a project: rows come, change, move, go and come back; questions are asked and answered."""

import random
from collections.abc import Mapping

import shapely
from attrs import define, evolve, field

from fiberq_core.changes import Write
from fiberq_core.inbox import Decided, Decision, Item, ItemKind
from fiberq_core.ports import Project, Store
from fiberq_core.rows import Key, Row, Stored, Value
from tests.contracts.builders import ANA, BOJAN, CABLES, OKNA, SLACKS, T0, at, commit, key

SETTINGS = "_fiberq_metadata"
LAYERS = (OKNA, CABLES, SLACKS, "Objects", SETTINGS)
EXTRA = {(OKNA, "boja"): "TEXT", (CABLES, "šifra"): "INTEGER"}  # unregistered columns that are there from the first day

POINTS = ("POINT (20.{0} 44.{1})", "POINT Z (20.{0} 44.{1} 7)", "MULTIPOINT ((20.{0} 44.{1}))", "POINT EMPTY")
LINES = (
    "LINESTRING (20.{0} 44, 21 45.{1})",
    "MULTILINESTRING ((20.{0} 44, 21 45.{1}))",
    "LINESTRING M (2.{0} 4 5, 1 5 6)",
)
POLYGONS = ("POLYGON ((0 0, 1.{0} 0, 1 1.{1}, 0 0))",)
SHAPES = {OKNA: POINTS, SLACKS: POINTS, CABLES: LINES, "Objects": POLYGONS}
RARE = 0.1  # how often a geometry is not of its layer's usual type


@define
class Life:
    """A project in *store* as *rng* has it. What is there now, what was deleted, and what is asked."""

    store: Store
    project: Project
    rng: random.Random
    born: int = 0
    rows: dict[Key, Stored] = field(factory=dict)
    gone: dict[Key, Stored] = field(factory=dict)
    asked: list[Item] = field(factory=list)

    async def turn(self, most: int = 6) -> int:
        """One transaction of a few edits; the revision that it made."""
        writes: dict[Key, Write] = {}
        for _ in range(self.rng.randrange(1, most)):
            made = self.rng.choice((self._new, self._new, self._edit, self._edit, self._delete, self._back))()
            if made is not None:
                writes.setdefault(made.key, made)
        items, decided = self._ask(), self._answer()
        by, second = self.rng.choice((ANA, BOJAN)), self.rng.randrange(60)
        applied = await commit(
            self.store, self.project, writes.values(), by=by, second=second, items=items, decided=decided, extra=EXTRA
        )
        self._remember(writes, applied.rows)
        return applied.revision

    def _remember(self, writes: Mapping[Key, Write], stored: Mapping[Key, Stored]) -> None:
        for where, write in writes.items():
            self.gone.pop(where, None)
            self.rows.pop(where, None)
            (self.rows if write.after is not None else self.gone)[where] = stored[where]

    def _new(self) -> Write:
        self.born += 1
        layer = self.rng.choice(LAYERS)
        where = key(self.born, layer)
        values = {"key": f"k{self.born}", "value": "1"} if layer == SETTINGS else self._values(layer)
        return Write(where, None, Row(values))

    def _edit(self) -> Write | None:
        before = self._one(self.rows)
        if before is None:
            return None
        if before.key.layer == SETTINGS:
            return Write(before.key, before, before.row.with_values({"value": str(self.rng.random())}))
        changed: dict[str, Value | None] = {**self._values(before.key.layer)}
        kept = self.rng.sample(sorted(changed), self.rng.randrange(len(changed)))
        if self.rng.random() < RARE:
            changed |= {"geometry": None}
        return Write(before.key, before, before.row.with_values({n: v for n, v in changed.items() if n not in kept}))

    def _delete(self) -> Write | None:
        before = self._one(self.rows)
        return Write(before.key, before, None) if before else None

    def _back(self) -> Write | None:
        before = self._one(self.gone)
        return Write(before.key, None, before.row, before) if before else None

    def _one(self, rows: dict[Key, Stored]) -> Stored | None:
        return rows[self.rng.choice(sorted(rows, key=lambda where: (where.layer, where.uuid)))] if rows else None

    def _values(self, layer: str) -> dict[str, Value]:
        values: dict[str, Value] = {"geometry": self._geometry(layer)}
        if layer == SLACKS:
            values["kabl_uuid"] = key(self.rng.randrange(1, self.born + 3)).uuid
            values["kabl_fid"] = self.rng.randrange(-2, 5)
        if layer in (OKNA, CABLES):
            name = {OKNA: "broj_okna", CABLES: "naziv"}[layer]
            values[name] = self.rng.choice(("a", "Ћ", "x" * self.rng.randrange(6000)))
            values |= {"boja": "plava"} if layer == OKNA else {"šifra": 7}
        return values

    def _geometry(self, layer: str) -> bytes:
        usual, *others = SHAPES[layer]
        text = self.rng.choice(others) if others and self.rng.random() < RARE else usual
        digits = (self.rng.randrange(10**6), self.rng.randrange(10**6))
        return bytes(shapely.to_wkb(shapely.from_wkt(text.format(*digits)), flavor="iso", byte_order=1))

    def _ask(self) -> list[Item]:
        about = self._one(self.rows)
        if about is None or self.rng.random() < 0.7:
            return []
        name = f"item {len(self.asked)} {self.rng.random()}"
        self.asked.append(
            Item(name, ItemKind.CONFLICT, about.key.layer, about.key.uuid, None, "Why", author=BOJAN, created_at=T0)
        )
        return self.asked[-1:]

    def _answer(self) -> list[Item]:
        if len(self.asked) < 2 or self.rng.random() < 0.7:
            return []
        item = self.asked.pop(0)
        return [evolve(item, decided=Decided(Decision.DISMISS, ANA, at(9)))]
