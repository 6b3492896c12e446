"""The SQL that reads a table, and rows from it even where their text is no text.

`n` is the table in the file, `o` the same table in the package that its export delivered.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

from attrs import field, frozen

from fiberq_core.geopackage import FID, GEOM
from fiberq_storage.gpkg.connection import Untrusted
from fiberq_storage.gpkg.rows import Plan, Raw
from fiberq_storage.sql import ident

BATCH = 1_000
_TEXT = "CASE typeof({c}) WHEN 'text' THEN CAST({c} AS BLOB) ELSE {c} END"


@frozen
class Select:
    """The expressions of one table, with the columns that the delivered package has beside them.

    *base_columns* maps names in lower case to names in the delivered package; empty without one.
    """

    plan: Plan
    base_columns: Mapping[str, str] = field(factory=dict)

    @property
    def table(self) -> str:
        """The table in the file."""
        return f"main.{ident(self.plan.table.name)}"

    @property
    def fid(self) -> str:
        """The number of the row in the file."""
        return f"n.{ident(self.plan.table.fid)}"

    @cached_property
    def columns(self) -> Sequence[str]:
        """The file's side of a row: fid, geometry, the columns of the plan."""
        geometry = self.plan.table.geometry
        return [
            self.fid,
            f"n.{ident(geometry)}" if geometry else "NULL",
            *(f"n.{ident(c.name)}" for c in self.plan.raw_columns),
        ]

    @cached_property
    def delivered(self) -> Sequence[str]:
        """The delivered side of the same row."""
        names = (self.base_columns.get(c.name.casefold()) for c in self.plan.raw_columns)
        geometry = f"o.{ident(GEOM)}" if self.plan.table.geometry else "NULL"
        return [f"o.{ident(FID)}", geometry, *(f"o.{ident(name)}" if name else "NULL" for name in names)]

    @property
    def joined(self) -> str:
        """Every row of the file beside what was delivered under its fid."""
        return f"{self.table} n LEFT JOIN base.{ident(self.plan.table.name)} o ON o.{ident(FID)} = {self.fid}"

    @property
    def differs(self) -> str:
        """What may be different. The delivered column stands left, so that its collation counts, not the file's."""
        old, new, added = [], [], []
        rev = self.plan.rev.name if self.plan.rev else None
        for was, now, column in zip(self.delivered[2:], self.columns[2:], self.plan.raw_columns, strict=True):
            if was == "NULL":
                added.append(f"{now} IS NOT NULL")
            elif column.name != rev:
                old.append(was)
                new.append(now)
        if self.plan.table.geometry:
            old.append(self.delivered[1])
            new.append(self.columns[1])
        same = f"({', '.join(old)}) IS NOT ({', '.join(new)})" if old else "0"
        return " OR ".join([f"o.{ident(FID)} IS NULL", same, *added])


Recover = Callable[[], Iterator[Raw]]


def batches(rows: Iterator[Raw], recover: Recover) -> Iterator[list[Raw]]:
    """*rows*, some at a time; from *recover* all over again where one of them holds text that is none.

    Yields nothing of the first attempt once the second has begun, except what was yielded before;
    the second leaves that out.
    """
    done = 0
    try:
        while batch := list(islice(rows, BATCH)):
            yield batch
            done += len(batch)
    except UnicodeDecodeError:
        again = islice(recover(), done, None)
        while batch := list(islice(again, BATCH)):
            yield batch


def salvaged(file: Untrusted, select: Select, fids: Sequence[object]) -> Iterator[Raw]:
    """The file's side of the rows *fids*, with bytes in the place of text that cannot be decoded."""
    plain = f"SELECT {', '.join(select.columns)} FROM {select.table} n WHERE {select.fid} = ?"
    kinds = [f"typeof({c})" for c in select.columns]
    blobs = [_TEXT.format(c=c) for c in select.columns]
    for fid in fids:
        at = (fid,) if isinstance(fid, int) else (0,)
        try:
            yield from file.rows(plain, at)
        except UnicodeDecodeError:
            (row,) = file.rows(plain.replace(", ".join(select.columns), ", ".join(blobs), 1), at)
            (kind,) = file.rows(plain.replace(", ".join(select.columns), ", ".join(kinds), 1), at)
            yield tuple(_text(value) if k == "text" else value for value, k in zip(row, kind, strict=True))


def _text(value: object) -> object:
    try:
        return value.decode("utf-8") if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value
