"""Rows, changes and inbox items as JSON text, and back without loss: bytes are `{"$b": base64}`.

Values of rows are scalars, so that mark cannot be mistaken for data. The one place where anything
may stand, `Item.raw`, is kept as JSON text inside the JSON.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from fiberq_core.changes import Change
from fiberq_core.inbox import Author, Decided, Decision, Item, ItemKind
from fiberq_core.rows import Key, Row, Value

BYTES = "$b"


def _bytes(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {BYTES: b64encode(value).decode("ascii")}
    raise TypeError(f"{type(value).__name__} is no value of a row")


def _unbytes(document: dict[str, Any]) -> Any:
    return b64decode(document[BYTES]) if document.keys() == {BYTES} else document


ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_bytes)
DECODER = json.JSONDecoder(object_hook=_unbytes)


def values_text(values: Mapping[str, Value]) -> str:
    """Values as JSON text. Half characters, which orjson refuses, are left for the store to refuse in its own words."""
    try:
        return orjson.dumps(values, default=_bytes).decode()
    except TypeError:
        return ENCODER.encode(values)


def values_of(text: str) -> dict[str, Value]:
    """Values from JSON text."""
    found: dict[str, Value] = DECODER.decode(text)
    return found


def row_text(row: Row | None) -> str:
    """A row as JSON text; `null` where there is none."""
    return "null" if row is None else values_text(row.values)


def row_of(text: str) -> Row | None:
    """A row from JSON text."""
    return None if text == "null" else Row(values_of(text))


def plain_text(value: object) -> str:
    """Any JSON value (a receipt, an answer) as text.

    Half characters, which orjson refuses, are written in ASCII, in which they survive. Writing and reading are each one
    step beside which nothing else can run, the event loop neither: for a large receipt it must be a short one.
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, separators=(",", ":"))


def mapping_of(text: str) -> dict[str, object]:
    """A JSON object from text that `plain_text` made."""
    try:
        found: dict[str, object] = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = json.loads(text)
    return found


def item_text(item: Item) -> str:
    """An inbox item as JSON text."""
    document = {
        "item_id": item.item_id,
        "kind": item.kind.value,
        "layer": item.layer,
        "uuid": item.uuid,
        "field": item.field,
        "reason": item.reason,
        "changes": [_change(change) for change in item.changes],
        "raw": json.dumps(item.raw),
        "sync_id": item.sync_id,
        "author": _author(item.author),
        "created_at": item.created_at,
        "decided": item.decided and _decided(item.decided),
    }
    return json.dumps(document, separators=(",", ":"), default=_bytes)


def item_of(text: str) -> Item:
    """An inbox item from JSON text."""
    document = DECODER.decode(text)
    return Item(
        item_id=document["item_id"],
        kind=ItemKind(document["kind"]),
        layer=document["layer"],
        uuid=document["uuid"],
        field=document["field"],
        reason=document["reason"],
        changes=tuple(_change_of(change) for change in document["changes"]),
        raw=json.loads(document["raw"]),
        sync_id=document["sync_id"],
        author=Author(**document["author"]),
        created_at=document["created_at"],
        decided=document["decided"] and _decided_of(document["decided"]),
    )


def _change(change: Change) -> dict[str, object]:
    base, sent = (row and dict(row.values) for row in (change.base, change.sent))
    return {"layer": change.key.layer, "uuid": change.key.uuid, "base": base, "sent": sent}


def _change_of(document: dict[str, Any]) -> Change:
    base, sent = (None if document[side] is None else Row(document[side]) for side in ("base", "sent"))
    return Change(Key(document["layer"], document["uuid"]), base, sent)


def _author(author: Author) -> dict[str, str]:
    return {"sub": author.sub, "name": author.name}


def _decided(decided: Decided) -> dict[str, object]:
    return {
        "decision": decided.decision.value,
        "by": _author(decided.by),
        "at": decided.at,
        "note": decided.note,
    }


def _decided_of(document: dict[str, Any]) -> Decided:
    return Decided(Decision(document["decision"]), Author(**document["by"]), document["at"], document["note"])
