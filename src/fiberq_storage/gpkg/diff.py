"""Which rows of a table may differ from what its export delivered.

With the delivered package at hand SQLite compares the two tables row by row where their pages differ
(`parts.py`), and only rows that differ in some byte are looked at; those that turn out equal by value
(another byte order, another way to write a date) are dropped. Without it, every row is looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field, frozen

from fiberq_core.geopackage import FID
from fiberq_core.identity import natural_uuid
from fiberq_core.registry.system import UUID
from fiberq_core.sent import SentRow
from fiberq_storage.crs import Reprojection
from fiberq_storage.gpkg.connection import Untrusted
from fiberq_storage.gpkg.parts import WHOLE, Parts, Stretches
from fiberq_storage.gpkg.rows import Raw, RowReader
from fiberq_storage.gpkg.select import Select, batches, salvaged
from fiberq_storage.sql import ident

_FEW = 400  # uuids that are looked up in one statement


@define
class Found:
    """What a table holds that matters, as far as it is known."""

    rows: list[SentRow] = field(factory=list)
    duplicates: dict[str, tuple[int, ...]] = field(factory=dict)
    delivered: dict[int, str] = field(factory=dict)
    gone: tuple[str, ...] = ()
    received: int = 0
    total: int = 0


@frozen
class Comparison:
    """One table of a file, and how it is read. *project* names the rows of natural-key tables.

    *parts* say where it may differ from what was delivered; *received* is how many rows that had.
    """

    file: Untrusted
    select: Select
    reader: RowReader
    project: str = ""
    parts: Parts = WHOLE
    received: int = 0

    def all_rows(self) -> Found:
        """Every row; nothing was delivered as far as anybody knows."""
        found = Found()
        fids = f"SELECT {self.select.fid} FROM {self.select.table} n"
        rows = self.file.rows(f"SELECT {', '.join(self.select.columns)} FROM {self.select.table} n")
        for batch in batches(rows, lambda: salvaged(self.file, self.select, self._column(fids))):
            self.file.allowance.spend(len(batch))
            found.rows += self.reader.read(batch)
        found.total = len(found.rows)
        found.duplicates = _several(found.rows)
        return found

    def all_against_base(self) -> Found:
        """Every row, and what was delivered: where blobs cannot be compared (another CRS)."""
        found = self.all_rows()
        self._note_delivered(found)
        self._find_displaced(found)
        return found

    def by_natural_key(self) -> Found:
        """The rows of a table whose rows are known by a column of their own."""
        found, layer = self.all_rows(), self.select.plan.layer
        key = layer.natural_key or ""
        names = [f.name for f in self.select.plan.fields]
        query = f"SELECT {', '.join(self.select.delivered)} FROM base.{ident(self.select.plan.table.name)} o"
        query = query.replace(f"o.{ident(FID)}", "o.rowid", 1)
        delivered = {
            row.row.get(key): row.row
            for row in RowReader(self.select.plan, Reprojection(None)).read(list(self.file.rows(query)))
        }
        here = {row.row.get(key) for row in found.rows}
        if key not in names:
            return found
        found.received = len(delivered)
        found.gone = tuple(natural_uuid(self.project, layer.name, str(k)) for k in delivered if k not in here)
        found.rows = [r for r in found.rows if r.bad or delivered.get(r.row.get(key)) != r.row]
        return found

    def changed_rows(self) -> Found:
        """The rows that SQLite finds different, without those that are equal by value."""
        if self.parts.untouched:
            return Found(received=self.received, total=self.received)
        found, select, width = Found(), self.select, len(self.select.columns)
        query = f"FROM {select.joined} WHERE {select.fid} BETWEEN ? AND ? AND ({select.differs})"
        both = ", ".join([*select.columns, *select.delivered, f"o.{ident(UUID)}"])
        rows = self._each(f"SELECT {both} {query}", self.parts.here)
        fids = f"SELECT {select.fid} {query}"
        new = 0
        for batch in batches(rows, lambda: self._both([fid for (fid,) in self._each(fids, self.parts.here)])):
            self.file.allowance.spend(len(batch))
            new += sum(row[width] is None for row in batch)
            found.rows += self._edited(batch, found.delivered)
        found.received = self.received
        found.total = self._total(found.received)
        if found.received != found.total - new:
            self._find_gone(found)
        self._find_displaced(found)
        self._find_duplicates(found)
        return found

    def _each(self, query: str, stretches: Stretches) -> Iterator[Raw]:
        """The rows of a query about fids from ? to ?, for all *stretches*."""
        for stretch in stretches:
            yield from self.file.rows(query, stretch)

    def _total(self, received: int) -> int:
        if self.parts.more is not None:
            return received + self.parts.more
        return self._count(f"SELECT count(*) FROM {self.select.table}")

    def _edited(self, batch: Sequence[Raw], delivered: dict[int, str]) -> Iterator[SentRow]:
        width = len(self.select.columns)
        pairs = [(row[:width], row[width:-1]) for row in batch]
        sent = self.reader.read([now for now, _ in pairs])
        unsure = [
            i for i, (now, was) in enumerate(pairs) if was[0] is not None and not self.reader.surely_differ(now, was)
        ]
        old = RowReader(self.select.plan, Reprojection(None)).read([pairs[i][1] for i in unsure])
        equal = {i for i, was in zip(unsure, old, strict=True) if self._same(sent[i], was)}
        for i, row in enumerate(batch):
            if i in equal:
                continue
            if row[width] is not None:
                delivered[sent[i].fid] = str(row[-1])
            yield sent[i]

    def _same(self, now: SentRow, was: SentRow) -> bool:
        """Equal by value; to the second where a date-time carries no fraction."""
        if now.bad or now.uuid != was.uuid:
            return False
        if not now.seconds:
            return now.row == was.row
        whole = {name: f"{str(was.row.get(name))[:19]}.000Z" for name in now.seconds if was.row.get(name)}
        return now.row == was.row.with_values(whole)

    def _both(self, fids: Sequence[object]) -> Iterator[Raw]:
        select = self.select
        query = f"SELECT {', '.join(select.delivered)}, o.{ident(UUID)} FROM base.{ident(select.plan.table.name)} o WHERE o.{ident(FID)} = ?"
        nothing = (None,) * (len(select.delivered) + 1)
        for row in salvaged(self.file, select, fids):
            at = (row[0],) if isinstance(row[0], int) else (0,)
            yield (*row, *next(self.file.rows(query, at), nothing))

    def _note_delivered(self, found: Found) -> None:
        name = ident(self.select.plan.table.name)
        query = f"SELECT o.{ident(FID)}, o.{ident(UUID)} FROM base.{name} o"
        delivered = {fid: str(uuid) for fid, uuid in self.file.rows(query) if isinstance(fid, int)}
        here = {row.fid for row in found.rows}
        uuids = {row.uuid for row in found.rows}
        found.delivered = {fid: uuid for fid, uuid in delivered.items() if fid in here}
        found.received = len(delivered)
        found.gone = tuple(u for fid, u in delivered.items() if fid not in here and u not in uuids)

    def _find_gone(self, found: Found) -> None:
        name = ident(self.select.plan.table.name)
        here = f"SELECT 1 FROM {self.select.table} n WHERE {self.select.fid} = o.{ident(FID)}"
        query = (
            f"SELECT o.{ident(UUID)} FROM base.{name} o WHERE o.{ident(FID)} BETWEEN ? AND ? AND NOT EXISTS ({here})"
        )
        uuids = {row.uuid for row in found.rows}
        found.gone = tuple(str(u) for (u,) in self._each(query, self.parts.delivered) if u not in uuids)

    def _find_displaced(self, found: Found) -> None:
        """Rows that are gone although their fid is there: the table was numbered anew, and it is another's now."""
        pairs = [(row.uuid, found.delivered.get(row.fid)) for row in found.rows if row.uuid]
        asked = {uuid for uuid, was in pairs if was not in (None, uuid)}
        if not asked:
            return
        name = ident(self.select.plan.table.name)
        moved = {u for u in self._column(f"SELECT o.{ident(UUID)} FROM base.{name} o") if u in asked}
        here = {uuid for uuid, _ in pairs}
        found.gone += tuple({was: None for uuid, was in pairs if was and uuid in moved and was not in here})

    def _find_duplicates(self, found: Found) -> None:
        """Rows that are looked at may carry the uuid of one that is not."""
        column = self.select.plan.uuid
        asked = {r.uuid for r in found.rows if r.uuid and found.delivered.get(r.fid) != r.uuid}
        if column is None or not asked:
            return
        looked_at = {row.fid for row in found.rows}
        query = f"SELECT {self.select.fid}, n.{ident(column.name)} FROM {self.select.table} n"
        few = tuple(asked) if len(asked) <= _FEW else ()
        where = f" WHERE n.{ident(column.name)} IN ({', '.join('?' * len(few))})" if few else ""
        pairs = ((fid, uuid) for fid, uuid in self._readable(query + where, few) if uuid in asked)
        others = [
            SentRow("", fid, str(uuid), None, found.rows[0].row)
            for fid, uuid in pairs
            if isinstance(fid, int) and fid not in looked_at
        ]
        found.duplicates = _several([*found.rows, *others])

    def _readable(self, query: str, bindings: tuple[str, ...]) -> Iterable[tuple[object, ...]]:
        try:
            return list(self.file.rows(query, bindings))
        except UnicodeDecodeError:
            return [(row.fid, row.uuid) for row in self.all_rows().rows]

    def _count(self, query: str) -> int:
        (row,) = self.file.rows(query)
        return row[0] if isinstance(row[0], int) else 0

    def _column(self, query: str) -> list[object]:
        return [row[0] for row in self.file.rows(query)]


def _several(rows: Iterable[SentRow]) -> dict[str, tuple[int, ...]]:
    fids: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.uuid:
            fids[row.uuid].append(row.fid)
    return {uuid: tuple(sorted(numbers)) for uuid, numbers in fids.items() if len(numbers) > 1}
