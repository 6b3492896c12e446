"""The shapes of people and access tokens."""

from typing import Final

from fiberq_aiohttp.openapi.common import AUTHOR, ROLES
from fiberq_aiohttp.openapi.operation import Parameter
from fiberq_aiohttp.openapi.shapes import (
    MOMENT,
    OBJECT,
    TEXT,
    WHOLE,
    YES_NO,
    Shape,
    extended,
    list_of,
    map_of,
    maybe,
    one_of,
    partial,
    record,
    text,
)
from fiberq_core.policy import Reach
from fiberq_core.tokens import LONGEST_LABEL, MOST_DAYS

SCOPE: Final = one_of(*(reach.value for reach in Reach))
TOKEN: Final = Shape(
    "Token",
    record(
        id=TEXT,
        name=TEXT,
        scope=SCOPE,
        user_sub=TEXT,
        created_at=MOMENT,
        expires_at=MOMENT,
        last_used_at=maybe(MOMENT),
        revoked_at=maybe(MOMENT),
    ),
)
NEW_TOKEN: Final = Shape("NewToken", extended(TOKEN, token=TEXT))
TOKEN_BODY: Final = partial(
    "name",
    name=text(LONGEST_LABEL, 1),
    scope=SCOPE,
    days={**WHOLE, "minimum": 1, "maximum": MOST_DAYS},
)
PERSON: Final = Shape(
    "User",
    record(
        id=TEXT,
        username=TEXT,
        display_name=TEXT,
        email=TEXT,
        phone=maybe(TEXT),
        roles=list_of(ROLES),
        is_active={"type": ["boolean", "null"]},
        first_login=MOMENT,
        last_login=MOMENT,
    ),
)
ASSIGNABLE: Final = Shape(
    "AssignableUser",
    record(
        user_sub=TEXT,
        username=TEXT,
        user_display_name=TEXT,
        user_email=TEXT,
        roles=list_of(ROLES),
        last_login_at=MOMENT,
        project_role=maybe(ROLES),
    ),
)
EVENT: Final = Shape(
    "AuditEvent", record(id=WHOLE, project_id=maybe(WHOLE), at=MOMENT, by=AUTHOR, what=TEXT, detail=OBJECT)
)
_HELD: Final = record(count=WHOLE, bytes=WHOLE)
STORAGE: Final = Shape(
    "Storage",
    record(
        projects=list_of(
            record(
                project_id=WHOLE,
                name=TEXT,
                rows=_HELD,
                history=_HELD,
                photos=_HELD,
                uploads=_HELD,
                packages=_HELD,
                bytes=WHOLE,
            )
        ),
        bytes=WHOLE,
    ),
)
PURGE: Final = Shape(
    "Purge",
    partial(
        "purged",
        purged=YES_NO,
        code=TEXT,
        name=TEXT,
        valid_seconds=WHOLE,
        backup=TEXT,
        records=map_of(WHOLE),
        files=map_of(WHOLE),
    ),
)
WHOSE: Final = (
    Parameter("user", "the subject of somebody whose tokens are asked for (administrators)"),
    Parameter("all", "1: everybody's (administrators)", one_of("1", "0")),
)
