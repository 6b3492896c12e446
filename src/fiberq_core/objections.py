"""What stands in the way of a write."""

from collections.abc import Callable

from attrs import frozen

from fiberq_core.inbox import ItemKind
from fiberq_core.outlook import View
from fiberq_core.planning import Candidate
from fiberq_core.rows import Key


@frozen
class Objection:
    """Why a write cannot stand. *fields* are those at fault; empty means the whole row is.

    *because* are the rows that stand in the way. If all of them fall, the objection does.
    """

    kind: ItemKind
    reason: str
    fields: frozenset[str] = frozenset()
    because: frozenset[Key] = frozenset()


Check = Callable[[Candidate, View], Objection | None]
