"""FiberQ's core: what the system knows and decides, without files, network, clock or chance.

The names below are enough for most uses. The rest is imported from its module: `planning`, `drafting`
and `checking` (the one write path), `proposals` (from a file to a change set), `keyset` (tokens),
`geometry`, `wire`, and `ports`, which says what a store must do.
"""

from fiberq_core.changes import Change, Op
from fiberq_core.errors import FiberqError
from fiberq_core.merge import Merged, merge
from fiberq_core.policy import POLICY, Action, Actor, Role, Scope, allows, project_role
from fiberq_core.registry import DATA_LAYERS, GEOMETRY, LAYER, LAYERS
from fiberq_core.rows import Key, Row, Stored, differing

__all__ = [
    "DATA_LAYERS",
    "GEOMETRY",
    "LAYER",
    "LAYERS",
    "POLICY",
    "Action",
    "Actor",
    "Change",
    "FiberqError",
    "Key",
    "Merged",
    "Op",
    "Role",
    "Row",
    "Scope",
    "Stored",
    "allows",
    "differing",
    "merge",
    "project_role",
]
