"""What differs between a project's packages of two revisions, from current rows, history and inbox."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from fiberq_core.geopackage import PackageLayer
from fiberq_core.registry.special import SYNC_ISSUES
from fiberq_core.rows import Key, Value
from fiberq_storage.files.source import Delta, LayerDelta
from fiberq_storage.packaging import OpenItem
from fiberq_storage.postgis.filling import Snapshot, completing, revisions_in
from fiberq_storage.postgis.tables import TABLES, Table
from fiberq_storage.postgis.waiting import issues, open_items
from fiberq_storage.sql import ident, literal
from fiberq_storage.touched import Fids, by_layer, came_or_went, keys, size

# the versions of `since`, $3, that were replaced or deleted up to the revision, $2
ENDED = "project_id = $1 AND until > $3 AND until <= $2 AND fiberq_rev <= $3"


@frozen
class Changes:
    """What happened between the revision *since* and that of *snapshot*."""

    snapshot: Snapshot
    since: int
    _layers: dict[str, PackageLayer] = field(factory=dict, init=False)

    async def delta(self, at_most: int) -> Delta | None:
        """How the earlier package becomes the later one; None if that takes more than *at_most* rows."""
        self._layers.update({layer.name: layer for layer in await self.snapshot.layers()})
        before = await self._before(at_most + 1)
        after = await self._after(at_most + 1)
        if size(before, after) > at_most:
            return None
        referring = await self._referring(came_or_went(before, after))
        if size(before, after, referring) > at_most:
            return None
        rows = {name: await self._rows(table, before, after, referring) for name, table in TABLES.items()}
        rows[SYNC_ISSUES.name] = await self._issues({*keys(before), *keys(after)})
        changed = {name: delta for name, delta in rows.items() if delta.gone or delta.put}
        return Delta(tuple(self._layers.values()), changed)

    async def _all(self, sql: str, *more: object) -> Sequence[Any]:
        found: Sequence[Any] = await self.snapshot.scope.db.fetch(sql, *self.snapshot.parameters, *more)
        return found

    async def _before(self, limit: int) -> Fids:
        """The rows whose versions of `since` were replaced or deleted; *limit* of them are enough."""
        parts = (
            f"SELECT {literal(name)}, fid, fiberq_uuid::text FROM {table.past} WHERE {ENDED}"
            for name, table in TABLES.items()
        )
        return by_layer(await self._all(f"{' UNION ALL '.join(parts)} LIMIT $4", self.since, limit))

    async def _after(self, limit: int) -> Fids:
        """The rows that were written since, as far as they were still there at the revision; *limit* are enough."""
        parts = (
            f"SELECT {literal(name)}, t.fid, t.fiberq_uuid::text FROM ({self.snapshot.rows_sql(table)}) t"
            " WHERE t.fiberq_rev > $3"
            for name, table in TABLES.items()
        )
        return by_layer(await self._all(f"{' UNION ALL '.join(parts)} LIMIT $4", self.since, limit))

    async def _referring(self, targets: Mapping[str, Sequence[str]]) -> Fids:
        """The rows that refer to any of *targets*, whose numbers stand in them."""
        found: list[Any] = []
        for name, table in TABLES.items():
            for reference in table.layer.references:
                uuids = [uuid for target in reference.targets for uuid in targets.get(target, ())]
                sql = (
                    f"SELECT {literal(name)}, t.fid, t.fiberq_uuid::text FROM ({self.snapshot.rows_sql(table)}) t"
                    f" WHERE t.{ident(reference.column)} = ANY($3::text[]::uuid[])"
                )
                found += await self._all(sql, uuids) if uuids else []
        return by_layer(found)

    async def _rows(self, table: Table, before: Fids, after: Fids, referring: Fids) -> LayerDelta:
        name = table.layer.name
        fids = {**after.get(name, {}), **referring.get(name, {})}
        gone: Sequence[Value] = list(before.get(name, ()))
        if table.layer.natural_key and gone:
            gone = await self._keys_before(table, table.layer.natural_key)
        return LayerDelta(gone, await self._records(self._layers[name], list(fids)) if fids else [])

    async def _records(self, layer: PackageLayer, fids: Sequence[int]) -> list[Sequence[Any]]:
        queries = self.snapshot.records_sql(layer, "t.fid = ANY($3::bigint[])")
        records = [record for sql in queries for record in await self._all(sql, fids)]
        made = await self.snapshot.made(revisions_in(layer, records))
        return list(map(completing(layer, self.snapshot.scope.project.id, made), records))

    async def _keys_before(self, table: Table, key: str) -> list[Value]:
        """The natural keys of the versions of `since` that were replaced or deleted."""
        found = await self._all(f"SELECT {ident(key)} FROM {table.past} WHERE {ENDED}", self.since)
        return [value for (value,) in found]

    async def _issues(self, changed: set[Key]) -> LayerDelta:
        """What was opened since, what is about a row that changed, and what was closed."""
        sql = "SELECT id FROM inbox WHERE project_id = $1 AND opened <= $3 AND closed > $3 AND closed <= $2"
        gone = [number for (number,) in await self._all(sql, self.since)]
        items = [item for item in await open_items(self.snapshot) if self._is_other(item, changed)]
        return LayerDelta(gone, list(await issues(self.snapshot, self._layers[SYNC_ISSUES.name], items)))

    def _is_other(self, item: OpenItem, changed: set[Key]) -> bool:
        return item.opened > self.since or item.key in changed
