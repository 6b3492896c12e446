"""Taking everything of a store into an empty one of the other kind, so that devices notice nothing.

What there is to move stands in `parts`, as records that mean the same on both sides. `embedded` and
`database` read and write them, each in one transaction; `move` has them compared before that of the
target is committed. The source is only read, and nobody else writes to either meanwhile.

What can be made from the rest is not moved but made: exported packages, spatial indexes, the numbers
that come next, which uuid was in which layer.
"""

from fiberq_storage.moving.keeping import back_up, restore
from fiberq_storage.moving.move import Moved, Place, move

__all__ = ["Moved", "Place", "back_up", "move", "restore"]
