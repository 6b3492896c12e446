"""What a handler says of itself beside `@requires`: what it takes and what it answers.

The summary is the first sentence of its docstring, the right comes from the guard, the problems that it can meet
follow from what it takes (`document.problems_of`). So only bodies, queries and answers are said here:

    @requires(Action.PROJECT_READ)
    @documented(listed(PROJECT), query=(ARCHIVED,))
    async def listed(request): ...
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from attrs import field, frozen

from fiberq_aiohttp.openapi.shapes import FLAG, TEXT, Schema, Shape

H = TypeVar("H", bound=Callable[..., Any])

JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
FORM: Final = "multipart/form-data"


@frozen
class Parameter:
    """One name of the query (or, *place*, of the headers): what it means and what it may say."""

    name: str
    what: str
    schema: Schema = field(factory=lambda: dict(TEXT))
    required: bool = False
    place: str = "query"


@frozen
class Answer:
    """One answer that is no problem. *schema* None: it has no body. *headers*: those worth telling of."""

    schema: Schema | Shape | None
    media: str = JSON
    what: str = "Done"
    headers: tuple[str, ...] = ()


@frozen
class Operation:
    """What a handler says of itself. *bodies*: by media type; *problems*: those beyond what follows from the rest."""

    answers: Mapping[int, Answer]
    bodies: Mapping[str, Schema | Shape] = field(factory=dict)
    body_needed: bool = True
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = ()


IF_MATCH: Final = Parameter(
    "If-Match", "the ETag of the version that was edited", {**TEXT, "pattern": '^"?[0-9]{1,18}"?$'}, place="header"
)
IF_NONE_MATCH: Final = Parameter("If-None-Match", "the ETag of what the caller has already", place="header")
UNCHANGED: Final = Answer(None, what="The caller has it already", headers=("ETag",))
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "a name for this request: sent again, it gets the same answer and has no second effect",
    {**TEXT, "pattern": "^[\\x21-\\x7e]{1,255}$"},
    place="header",
)
LIMIT: Final = Parameter(
    "limit", "entries of a page", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
)
CURSOR: Final = Parameter("cursor", "`next` of the page before", dict(TEXT))
PAGED: Final = (LIMIT, CURSOR)


def switch(name: str, what: str) -> Parameter:
    """A yes or no of the query."""
    return Parameter(name, what, dict(FLAG))


def documented(
    answer: Schema | Shape | Answer | None = None,
    *,
    status: int = 200,
    body: Schema | Shape | None = None,
    bodies: Mapping[str, Schema | Shape] | None = None,
    body_needed: bool = True,
    query: tuple[Parameter, ...] = (),
    headers: tuple[Parameter, ...] = (),
    others: Mapping[int, Answer] | None = None,
    problems: tuple[int, ...] = (),
) -> Callable[[H], H]:
    """Say what a handler takes and answers. One answer under *status*, *others* under theirs; None: 204 without a body."""
    said = answer if isinstance(answer, Answer) else Answer(answer)
    own = {204 if said.schema is None and status == 200 else status: said}
    own |= {304: UNCHANGED} if IF_NONE_MATCH in headers else {}
    taken = bodies if bodies is not None else ({JSON: body} if body is not None else {})
    parameters = {(p.place, p.name): p for p in reversed((*query, *headers))}  # what is said twice: as it is said first
    operation = Operation({**own, **(others or {})}, taken, body_needed, tuple(reversed(parameters.values())), problems)

    def declare(handler: H) -> H:
        handler.operation = operation  # type: ignore[attr-defined]
        return handler

    return declare
