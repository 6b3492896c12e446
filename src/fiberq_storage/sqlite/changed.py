"""What differs between a project's packages of two revisions, from current rows, history and inbox.

The store is attached to an empty database in memory, so that a row reads here as it does in `filling`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from fiberq_core.geopackage import PackageLayer
from fiberq_core.registry.special import SYNC_ISSUES
from fiberq_core.rows import Key, Value
from fiberq_storage.files.source import Delta, LayerDelta
from fiberq_storage.packaging import OpenItem
from fiberq_storage.rowjson import values_of
from fiberq_storage.sql import ident
from fiberq_storage.sqlite.filling import Snapshot, layers_at
from fiberq_storage.sqlite.scope import array
from fiberq_storage.sqlite.tables import TABLES, Table
from fiberq_storage.touched import Fids, by_layer, came_or_went, keys, size

Rows = dict[str, list[tuple[Any, ...]]]  # by layer: number in the package, uuid, then the values in a package


@frozen
class Changes:
    """What happened between the revision *since* and that of *snapshot*."""

    snapshot: Snapshot
    since: int
    _layers: Mapping[str, PackageLayer] = field(init=False)

    @_layers.default
    def _layers_then(self) -> Mapping[str, PackageLayer]:
        return {layer.name: layer for layer in layers_at(self.snapshot.scope, self.snapshot.revision)}

    def delta(self, at_most: int) -> Delta | None:
        """How the earlier package becomes the later one; None if that takes more than *at_most* rows."""
        if self._count() > at_most:
            return None
        self.snapshot.lay_out_past()
        before, written = self._before(), self._read("t.fiberq_rev > :since")
        after = _fids(written)
        referring = self._referring(came_or_went(before, after))
        if size(before, after, _fids(referring)) > at_most:
            return None
        rows = {name: self._rows(table, before, [*written[name], *referring[name]]) for name, table in TABLES.items()}
        rows[SYNC_ISSUES.name] = self._issues({*keys(before), *keys(after)})
        return Delta(tuple(self._layers.values()), {name: rows[name] for name in rows if any(_parts(rows[name]))})

    @property
    def _parameters(self) -> dict[str, Any]:
        return {**self.snapshot.parameters, "since": self.since}

    def _all(self, sql: str, **more: object) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.snapshot.package.execute(sql, {**self._parameters, **more}).fetchall()
        return found

    def _count(self) -> int:
        """About how many rows changed: of no consequence but that a large change is found to be one at once."""
        parts = [
            f"(SELECT count(*) FROM store.{table.name} WHERE project_id = :project AND fiberq_rev > :since"
            " AND fiberq_rev <= :revision)"
            for table in TABLES.values()
        ]
        ended = (
            "(SELECT count(*) FROM store.history WHERE project_id = :project AND until > :since AND until <= :revision)"
        )
        ((count,),) = self._all(f"SELECT {' + '.join([ended, *parts])}")
        return int(count)

    def _before(self) -> Fids:
        """The rows whose versions of `since` were replaced or deleted."""
        sql = (
            "SELECT layer, fid, uuid FROM store.history WHERE project_id = :project"
            " AND until > :since AND until <= :revision AND rev <= :since"
        )
        return by_layer(self._all(sql))

    def _read(self, condition: str, **more: object) -> Rows:
        """The rows, as they were at the revision, for which *condition* holds."""
        return {name: self._read_one(table, condition, **more) for name, table in TABLES.items()}

    def _read_one(self, table: Table, condition: str, **more: object) -> list[tuple[Any, ...]]:
        layer = self._layers[table.layer.name]
        queries = self.snapshot.selections(table, layer, "t.fid", "t.fiberq_uuid")
        return [row for query in queries for row in self._all(f"{query} AND {condition}", **more)]

    def _referring(self, targets: Mapping[str, Sequence[str]]) -> Rows:
        """The rows that refer to any of *targets*, whose numbers stand in them."""
        found: Rows = {name: [] for name in TABLES}
        for name, table in TABLES.items():
            for reference in table.layer.references:
                uuids = [uuid for target in reference.targets for uuid in targets.get(target, ())]
                refers = f"t.{ident(reference.column)} IN (SELECT value FROM json_each(:uuids))"
                found[name] += self._read_one(table, refers, uuids=array(uuids)) if uuids else []
        return found

    def _rows(self, table: Table, before: Fids, rows: Sequence[tuple[Any, ...]]) -> LayerDelta:
        gone = self._keys_before(table) if table.layer.natural_key else list(before.get(table.layer.name, ()))
        put = {fid: record for fid, _, *record in rows}  # once, also if it was written and refers
        return LayerDelta(gone, list(put.values()))

    def _keys_before(self, table: Table) -> list[Value]:
        """The natural keys of the versions of `since` that were replaced or deleted."""
        sql = (
            "SELECT vals FROM store.history WHERE project_id = :project AND layer = :layer"
            " AND until > :since AND until <= :revision AND rev <= :since"
        )
        key = table.layer.natural_key or ""
        return [values_of(text)[key] for (text,) in self._all(sql, layer=table.layer.name)]

    def _issues(self, changed: set[Key]) -> LayerDelta:
        """What was opened since, what is about a row that changed, and what was closed."""
        sql = (
            "SELECT id FROM store.inbox WHERE project_id = :project AND opened <= :since"
            " AND closed > :since AND closed <= :revision"
        )
        gone = [number for (number,) in self._all(sql)]
        items = [item for item in self.snapshot.open_items() if self._is_other(item, changed)]
        return LayerDelta(gone, list(self.snapshot.issues(self._layers[SYNC_ISSUES.name], items)))

    def _is_other(self, item: OpenItem, changed: set[Key]) -> bool:
        return item.opened > self.since or item.key in changed


def _fids(rows: Rows) -> Fids:
    return {name: {fid: uuid for fid, uuid, *_ in found} for name, found in rows.items()}


def _parts(rows: LayerDelta) -> tuple[Sequence[object], Sequence[object]]:
    return rows.gone, rows.put
