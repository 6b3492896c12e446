"""What waits in the inbox, as rows of the layer `sync_issues`."""

from collections.abc import Collection, Iterable, Sequence

from fiberq_core.geopackage import PackageLayer
from fiberq_core.rows import Value
from fiberq_storage.packaging import OpenItem, issue_records, open_item
from fiberq_storage.postgis.filling import Snapshot
from fiberq_storage.postgis.rows import at


async def open_items(snapshot: Snapshot) -> Sequence[OpenItem]:
    """What was open in the inbox."""
    sql = (
        "SELECT id, opened, item::text FROM inbox WHERE project_id = $1 AND opened <= $2"
        " AND (closed IS NULL OR closed > $2) ORDER BY id"
    )
    return list(map(open_item, await snapshot.scope.db.fetch(sql, *snapshot.parameters)))


async def issues(
    snapshot: Snapshot, layer: PackageLayer, items: Collection[OpenItem]
) -> Iterable[tuple[Value | None, ...]]:
    """The rows of the layer of issues, each placed where the item's row was."""
    keys = [key for item in items if (key := item.key)]
    found = await at(snapshot.scope, [(key, snapshot.revision) for key in keys])
    rows = {key: stored for (key, _), stored in found.items()}
    return issue_records(layer, items, rows, snapshot.scope.project.id)
