"""Merge two GeoPackages that began as copies of one: BASE as it was handed out, MINE and YOURS as they came back.

    python examples/merge_two_packages.py BASE.gpkg MINE.gpkg YOURS.gpkg MERGED.gpkg

No server, no store. Where both changed a field, YOURS stays in MERGED, and what MINE says is printed.
"""

import sys

from fiberq_core.geometry import encode_gpb
from fiberq_core.geopackage import PLACEHOLDER, package_layer
from fiberq_core.identity import Naming, name_rows
from fiberq_core.merge import merge
from fiberq_core.registry import DATA_LAYERS
from fiberq_core.sent import Provenance
from fiberq_storage.gpkg.reader import read_package
from fiberq_storage.gpkg.writer import PackageWriter

NOBODY = Provenance(PLACEHOLDER, "00000000-0000-0000-0000-000000000000", 0)


def rows(path):
    """Every row of the package by its key, and the types of the columns that FiberQ does not know."""
    sent = read_package(path, None, {})
    for fault in (*sent.refused, *(bad for layer in sent.layers for row in layer.rows for bad in row.bad)):
        print(f"{path}: left out: {fault.reason}")
    named = name_rows(sent.layers, Naming("", copy=path), {})
    return {n.key: n.sent for table in named.values() for n in table}, sent.extra_types


def main(base_path, mine_path, yours_path, merged_path):
    (base, _), (mine, my_types), (yours, your_types) = map(rows, (base_path, mine_path, yours_path))
    types, merged = my_types | your_types, {}
    for key in base | mine | yours:
        outcome = merge(*(file[key].row if key in file else None for file in (base, mine, yours)))
        merged[key] = outcome.after
        for name in sorted(outcome.contested) or ["the whole row"] * outcome.whole:
            print(f"{key.layer} {key.uuid}: both changed {name}; mine: {mine[key].row if key in mine else 'deleted'}")
    layers = [package_layer(la, {c: t for (name, c), t in types.items() if name == la.name}) for la in DATA_LAYERS]
    with PackageWriter(merged_path, layers, provenance=NOBODY, at="2000-01-01T00:00:00.000Z") as writer:
        for layer in layers:
            kept = {key: row for key, row in merged.items() if row and key.layer == layer.name}
            for key in sorted(kept, key=lambda key: base[key].fid if key in base else sys.maxsize):
                own = {"fid": base[key].fid if key in base else None, "fiberq_uuid": key.uuid}
                place = kept[key].geometry and encode_gpb(kept[key].geometry)
                values = {**kept[key].values, **own, "geom": place}
                writer.fill(layer.name, [[values.get(name) for name in layer.names]])
        writer.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
