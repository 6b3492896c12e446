"""Lists in a report: what was done, and what was used. Text, texts, or objects of name, quantity, unit and note.

What a crew typed stays as typed; a client that sends its list as JSON text means the list.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from fiberq_core.errors import Fault
from fiberq_core.jsonvalues import parsed
from fiberq_core.registry.model import Column
from fiberq_core.values import Canonical, Misfit, canonical

TEXTS = ("name", "unit", "note")
QUANTITY = "quantity"


@frozen
class Entry:
    """One thing that was done or used. *quantity* is in *unit*."""

    name: str
    quantity: float | str | None = None
    unit: str = ""
    note: str = ""


def read(column: Column, raw: object, path: str) -> tuple[str | None, list[Fault]]:
    """*raw* as the column keeps it, and what is wrong with it."""
    value = parsed(raw) if isinstance(raw, str) else raw
    if value is not None and not isinstance(value, str):
        faults = list(_faults(value, path))
        if faults:
            return None, faults
    fitted = canonical(column, value if isinstance(value, list | dict) else raw)
    if isinstance(fitted, Misfit):
        return None, [Fault(path, fitted.reason)]
    assert isinstance(fitted, Canonical)
    return (fitted.value if isinstance(fitted.value, str) else None), []


def shown(stored: object) -> list[Any]:
    """What a column holds, always as a list: empty where there is nothing, one text where somebody typed."""
    value = parsed(stored) if isinstance(stored, str) else stored
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list) else [value]


def entries(stored: object) -> tuple[Entry, ...]:
    """What a column holds, for people; free text is an entry per line."""
    return tuple(entry for value in shown(stored) for entry in _entries(value))


def _entries(value: object) -> Iterator[Entry]:
    if isinstance(value, Mapping):
        texts = {name: str(value[name]) for name in TEXTS if value.get(name) is not None}
        quantity = value.get(QUANTITY)
        others = "; ".join(f"{n}: {v}" for n, v in value.items() if n not in (*TEXTS, QUANTITY) and v is not None)
        name = texts.get("name", others)
        yield Entry(
            name,
            quantity if isinstance(quantity, int | float | str) else None,
            texts.get("unit", ""),
            texts.get("note", ""),
        )
        return
    for line in str(value).splitlines():
        if line.strip():
            yield Entry(line.strip())


def _faults(value: object, path: str) -> Iterator[Fault]:
    if isinstance(value, Mapping):
        yield from _object(value, path)
        return
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        yield Fault(path, "must be text, a list of texts, or a list of objects with name, quantity, unit and note")
        return
    for n, one in enumerate(value):
        if isinstance(one, Mapping):
            yield from _object(one, f"{path}[{n}]")
        elif not isinstance(one, str):
            yield Fault(f"{path}[{n}]", "must be text, or an object with name, quantity, unit and note")


def _object(value: Mapping[str, object], path: str) -> Iterator[Fault]:
    for name in TEXTS:
        if not isinstance(value.get(name), str | None):
            yield Fault(f"{path}.{name}", "must be text")
    quantity = value.get(QUANTITY)
    number = (
        isinstance(quantity, int | float) and not isinstance(quantity, bool) and _finite(quantity) and quantity >= 0
    )
    if quantity is not None and not number and not isinstance(quantity, str):
        yield Fault(f"{path}.{QUANTITY}", "must be a number, zero or more")


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False
