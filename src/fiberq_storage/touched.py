"""Rows that changed between two packages: by layer, their number in the package and their uuid."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fiberq_core.rows import Key

Fids = Mapping[str, dict[int, str]]  # layer → fid → uuid


def by_layer(found: Iterable[Sequence[Any]]) -> Fids:
    """Records of layer, fid and uuid, sorted."""
    layers: dict[str, dict[int, str]] = defaultdict(dict)
    for layer, fid, uuid in found:
        layers[layer][fid] = uuid
    return layers


def came_or_went(before: Fids, after: Fids) -> Mapping[str, Sequence[str]]:
    """By layer: the uuids that have a number on one side which they do not have on the other."""
    layers = before.keys() | after.keys()
    sides = {name: (before.get(name, {}).items(), after.get(name, {}).items()) for name in layers}
    return {name: sorted({uuid for _, uuid in was ^ now}) for name, (was, now) in sides.items()}


def keys(rows: Fids) -> Iterator[Key]:
    """Which rows these are."""
    return (Key(layer, uuid) for layer, found in rows.items() for uuid in found.values())


def size(*several: Fids) -> int:
    """How many rows these are."""
    return sum(len(found) for rows in several for found in rows.values())
