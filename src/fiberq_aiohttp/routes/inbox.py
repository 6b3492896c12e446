"""What waits for a person."""

from typing import Final

from aiohttp import web

from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.asking import choice, cursor, idempotency_key, json_object, limit, project_in_path, text_of
from fiberq_aiohttp.flows import inbox
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.common import DECISIONS, ITEM
from fiberq_aiohttp.openapi.operation import IDEMPOTENCY_KEY, PAGED, Parameter, documented
from fiberq_aiohttp.openapi.shapes import one_of, page_of, partial, text
from fiberq_aiohttp.routes.projects import ONE
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Action

STATES: Final = ("open", "decided")
MAX_DECISION, MAX_NOTE = 40, 2_000  # characters
STATE: Final = Parameter("state", "only those; without it both", one_of(*STATES))
DECISION: Final = partial("decision", decision=DECISIONS, note=text(MAX_NOTE))


@requires(Action.PROJECT_READ)
@documented(page_of("items", ITEM), query=(STATE, *PAGED))
async def items(request: web.Request) -> web.StreamResponse:
    """The items of a project's inbox, oldest first; `?state=open` or `decided`."""
    state = choice(request, "state", STATES)
    return answer(
        await inbox.items(
            request.app[PORTS], request[ACTOR], project_in_path(request), state, limit(request), cursor(request)
        )
    )


@requires(Action.INBOX_DECIDE)
@documented(ITEM, body=DECISION, headers=(IDEMPOTENCY_KEY,))
async def decide(request: web.Request) -> web.StreamResponse:
    """Decide an item, with a note if there is something to say."""
    body = await json_object(request)
    decision, note = text_of(body, "decision", MAX_DECISION), text_of(body, "note", MAX_NOTE, "")
    ports, actor, project, item = (
        request.app[PORTS],
        request[ACTOR],
        project_in_path(request),
        request.match_info["item"],
    )
    key = idempotency_key(request)
    return answer(await inbox.decide(ports, actor, project, item, decision, note, idempotency_key=key))


ROUTES = spelled(
    web.get(f"{ONE}/inbox", items),
    web.post(f"{ONE}/inbox/{{item}}", decide),
)
