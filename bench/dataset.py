"""A network of any size to measure with: twelve layers, texts in three languages, lines and points.

The same size always gives the same rows.
"""

import math
import random
import struct
from collections.abc import Iterator

from fiberq_core.changes import Write
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY, Column, Kind, Layer, Shape
from fiberq_core.rows import Key, Row, Value

# layer → share of the features; nearly half are lines, as in a real network
SHARES = {
    "OKNA": 0.12, "Stubovi": 0.14, "Kablovi_podzemni": 0.14, "Kablovi_vazdusni": 0.12, "Trasa": 0.10, "PE cevi": 0.10,
    "Nastavci": 0.06, "Prekid vlakna": 0.02, "Opticke_rezerve": 0.06, "Elements": 0.08, "Objects": 0.05, "Splice_closures": 0.01,
}  # fmt: skip
WORDS = (
    "Šumadijska",
    "Ђорђа Станојевића",
    "ул. Витоша",
    "Main street",
    "čvor",
    "шахта",
    "zidni",
    "duct",
    "čelični",
    "стълб",
)


def writes(size: int) -> Iterator[Write]:
    """About *size* new rows."""
    rng = random.Random(size)
    for name, share in SHARES.items():
        layer = LAYER[name]
        for n in range(round(size * share)):
            yield Write(Key(name, _uuid(rng)), None, _row(layer, n, rng))


def _uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _row(layer: Layer, n: int, rng: random.Random) -> Row:
    skipped = {c for r in layer.references for c in (r.column, r.local_fid, r.local_layer)}
    values: dict[str, Value] = {
        column.name: _value(column, n, rng)
        for column in layer.columns
        if column.name not in skipped and rng.random() < 0.8
    }
    values[GEOMETRY] = SHAPES[layer.shape](rng)
    return Row(values)


def _value(column: Column, n: int, rng: random.Random) -> Value:
    if column.vocabulary is not None:
        return rng.choice(column.vocabulary.terms).code
    if column.kind is Kind.TEXT:
        return f"{rng.choice(WORDS)} {n}"
    if column.kind is Kind.REAL:
        return rng.uniform(0, 500)
    others: dict[Kind, Value] = {
        Kind.INTEGER: rng.randrange(2000, 2030), Kind.BOOLEAN: rng.random() < 0.5, Kind.DATE: "2026-03-04",
        Kind.DATETIME: "2026-03-04T05:06:07.890Z", Kind.JSON: "[]",
    }  # fmt: skip
    return others.get(column.kind, "")


def _walk(rng: random.Random, steps: int) -> list[tuple[float, float]]:
    x, y, angle = rng.uniform(20, 23), rng.uniform(42, 46), rng.uniform(0, 2 * math.pi)
    points = []
    for _ in range(steps):
        points.append((x, y))
        angle += rng.uniform(-0.4, 0.4)
        x, y = x + 2e-4 * math.cos(angle), y + 2e-4 * math.sin(angle)
    return points


def _point(rng: random.Random) -> bytes:
    return struct.pack("<BIdd", 1, 1, rng.uniform(20, 23), rng.uniform(42, 46))


def _line(rng: random.Random) -> bytes:
    points = _walk(rng, rng.randrange(4, 40))
    return struct.pack("<BII", 1, 2, len(points)) + b"".join(struct.pack("<dd", *p) for p in points)


def _polygon(rng: random.Random) -> bytes:
    x, y = rng.uniform(20, 23), rng.uniform(42, 46)
    ring = [(x, y), (x + 1e-4, y), (x + 1e-4, y + 1e-4), (x, y + 1e-4), (x, y)]
    return struct.pack("<BIII", 1, 3, 1, len(ring)) + b"".join(struct.pack("<dd", *p) for p in ring)


SHAPES = {Shape.POINT: _point, Shape.LINE: _line, Shape.POLYGON: _polygon, Shape.ANY: _point}
