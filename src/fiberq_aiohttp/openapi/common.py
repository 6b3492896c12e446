"""The shapes that several handlers answer with: people, changes, receipts, problems."""

from typing import Final

from fiberq_aiohttp.openapi.features import ANY_GEOMETRY
from fiberq_aiohttp.openapi.shapes import (
    ANYTHING,
    MOMENT,
    NUMBER,
    OBJECT,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    Shape,
    extended,
    list_of,
    map_of,
    maybe,
    one_of,
    partial,
    record,
)
from fiberq_core.changes import Op, Source
from fiberq_core.inbox import Decision, ItemKind
from fiberq_core.planning import ConflictPolicy
from fiberq_core.policy import Role
from fiberq_core.ports import STATUSES
from fiberq_core.receipt import COUNTS
from fiberq_core.registry.model import Kind
from fiberq_core.registry.model import Shape as Geometry

ROLES: Final = one_of(*(role.value for role in Role))
AUTHOR: Final = Shape("Author", record(sub=TEXT, name=TEXT))
LABELS: Final = Shape("Labels", record(en=TEXT, sr=TEXT, bg=TEXT))

PROBLEM: Final = Shape(
    "Problem",
    {
        **partial(
            "type", "title", "status", "code", "detail", "request_id",
            type=TEXT, title=TEXT, status=WHOLE, code=TEXT, detail=TEXT, request_id=TEXT,
            errors=list_of(record(path=TEXT, message=TEXT)), current=OBJECT, limit=WHOLE, holder=TEXT,
        ),
        "description": "RFC 9457. `errors`: every fault with its place; `current`: what stands there now (412)",
    },
)  # fmt: skip

ME: Final = Shape("Me", record(sub=TEXT, email=TEXT, name=TEXT, roles=list_of(ROLES)))
MY_ROLES: Final = Shape(
    "MyRoles", record(sub=TEXT, roles=list_of(ROLES), **{f"is_{role.value}": YES_NO for role in Role})
)

STATS: Final = Shape(
    "ProjectStats",
    record(
        closures=WHOLE,
        poles=WHOLE,
        cables=WHOLE,
        cable_length_m=NUMBER,
        team_size=WHOLE,
        last_sync_at=maybe(MOMENT),
        last_sync_features=maybe(WHOLE),
    ),
)
ACTIVITY: Final = Shape(
    "Activity",
    record(
        entries=list_of(
            record(event_type=TEXT, event_at=MOMENT, user_sub=TEXT, user_display_name=TEXT, details=OBJECT)
        ),
        has_more=YES_NO,
    ),
)

STATUS: Final = one_of(*STATUSES)
POLICY: Final = one_of(*(policy.value for policy in ConflictPolicy))

_COUNTS: Final = dict.fromkeys(COUNTS, WHOLE)
_LINE: Final = partial(
    "layer", "uuid", "fid", "id", "outcome",
    layer=TEXT, uuid=maybe(TEXT), fid=maybe(WHOLE), id=maybe(WHOLE), outcome=TEXT, field=TEXT, reason=TEXT,
    item_id=TEXT, device_value=ANYTHING, current_value=ANYTHING,
)  # fmt: skip
_RECEIPT: Final = record(
    status=one_of("ok"),
    sync_id=TEXT,
    export_id=maybe(TEXT),
    base=one_of("row", "export", "previous_upload", "unknown"),
    dry_run=YES_NO,
    revision_before=WHOLE,
    revision_after=WHOLE,
    **_COUNTS,
    features_merged=WHOLE,
    layers=map_of(record(**_COUNTS)),
    items=list_of(_LINE),
    unknown_layers=list_of(TEXT),
    notes=list_of(TEXT),
)
RECEIPT: Final = Shape("Receipt", {**_RECEIPT, "properties": {**_RECEIPT["properties"], "undoes": TEXT}})

_EXCHANGE_COUNTS: Final = ("applied", "merged", "conflicts", "held", "rejected")
_OLD_COUNTS: Final = ("features_uploaded", "features_downloaded", "conflicts_resolved")
EXCHANGE: Final = Shape(
    "Exchange",
    record(
        sync_id=TEXT,
        id=TEXT,
        sync_type=one_of("upload", "download"),
        user_sub=TEXT,
        user_name=TEXT,
        started_at=MOMENT,
        completed_at=MOMENT,
        status=one_of("ok"),
        export_id=maybe(TEXT),
        revision=WHOLE,
        **dict.fromkeys((*_OLD_COUNTS, *_EXCHANGE_COUNTS), maybe(WHOLE)),
    ),
)

DECISIONS: Final = one_of(*(decision.value for decision in Decision))
ITEM: Final = Shape(
    "InboxItem",
    record(
        item_id=TEXT,
        state=one_of("open", "decided"),
        kind=one_of(*(kind.value for kind in ItemKind)),
        layer=maybe(TEXT),
        uuid=maybe(TEXT),
        id=maybe(WHOLE),
        field=maybe(TEXT),
        base=ANYTHING,
        device=ANYTHING,
        current=ANYTHING,
        rows=WHOLE,
        reason=TEXT,
        sync_id=maybe(TEXT),
        author=AUTHOR,
        created_at=MOMENT,
        choices=list_of(DECISIONS),
        decided=maybe(record(decision=DECISIONS, by=AUTHOR, at=MOMENT, note=TEXT)),
    ),
)

_MADE: Final[dict[str, Schema | Shape]] = {
    "author": AUTHOR,
    "at": MOMENT,
    "source": one_of(*(source.value for source in Source)),
    "sync_id": maybe(TEXT),
}
_OP: Final = one_of(*(op.value for op in Op))
CHANGE: Final = Shape(
    "Change",
    record(
        revision=WHOLE,
        layer=TEXT,
        uuid=TEXT,
        id=WHOLE,
        op=_OP,
        fields=map_of(record(old=ANYTHING, new=ANYTHING)),
        **_MADE,
    ),
)
VERSION: Final = Shape(
    "Version", record(revision=WHOLE, op=_OP, values=maybe(OBJECT), geometry=maybe(ANY_GEOMETRY), **_MADE)
)

_TERM: Final = record(code=TEXT, labels=LABELS)
_COLUMN: Final = record(
    name=TEXT,
    kind=one_of(*(kind.value for kind in Kind)),
    labels=LABELS,
    unit=maybe(TEXT),
    required=YES_NO,
    default=ANYTHING,
    minimum=ANYTHING,
    maximum=ANYTHING,
    vocabulary=maybe(record(name=TEXT, closed=YES_NO, terms=list_of(_TERM))),
)
_REFERENCE: Final = record(column=TEXT, targets=list_of(TEXT), required=YES_NO, owned=YES_NO)
LAYER: Final = Shape(
    "Layer",
    record(
        name=TEXT,
        table=TEXT,
        plugin=maybe(TEXT),
        labels=LABELS,
        geometry=maybe(one_of(*(shape.value for shape in Geometry if shape is not Geometry.NONE))),
        geometry_required=YES_NO,
        title=maybe(TEXT),
        columns=list_of(_COLUMN),
        references=list_of(_REFERENCE),
        extra=map_of(TEXT),
        count=WHOLE,
    ),
)

PROJECT: Final = Shape(
    "Project",
    record(
        id=WHOLE,
        uuid=TEXT,
        name=TEXT,
        description=TEXT,
        status=STATUS,
        conflict_policy=POLICY,
        revision=WHOLE,
        created_at=MOMENT,
        created_by_sub=maybe(TEXT),
    ),
)
MEMBER: Final = Shape(
    "Member",
    record(
        id=TEXT,
        sub=TEXT,
        role=ROLES,
        name=TEXT,
        user_sub=TEXT,
        user_display_name=TEXT,
        user_email=TEXT,
        project_role=ROLES,
    ),
)
_NAMES: Final = {"member_count": WHOLE, "member_names": list_of(TEXT)}
_LISTED: Final = extended(PROJECT, **_NAMES)
LISTED_PROJECT: Final = Shape(
    "ListedProject", {**_LISTED, "properties": {**_LISTED["properties"], "extent": maybe(ANY_GEOMETRY)}}
)
_BOX: Final = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
ONE_PROJECT: Final = Shape(
    "OneProject",
    extended(
        PROJECT, bbox=maybe(_BOX), extent=maybe(ANY_GEOMETRY), role=maybe(ROLES), members=list_of(MEMBER), **_NAMES
    ),
)
