"""What FiberQ needs of the outside. The only package of the core that says `async`.

Stores (embedded SQLite, PostGIS) implement `Store`; one contract suite runs on each.
"""

from fiberq_core.ports.files import Edition, Package, Packages, Uploads
from fiberq_core.ports.holdings import Holding, Holdings, Purged, Usage
from fiberq_core.ports.people import Audit, AuditQuery, Event, Happening, People
from fiberq_core.ports.photos import PhotoReader, PhotoStore, PhotoUnit, PhotoVolume
from fiberq_core.ports.reading import Reader
from fiberq_core.ports.stores import Store, Unit
from fiberq_core.ports.values import (
    ARCHIVED,
    STATUSES,
    UNDO,
    Applied,
    Changeset,
    EarlierUpload,
    Member,
    Page,
    Project,
    Revision,
    SentDelta,
    Sought,
    Sync,
    Upload,
    Version,
)
from fiberq_core.ports.watching import Connections, WatchedStore

__all__ = [
    "ARCHIVED",
    "STATUSES",
    "UNDO",
    "Applied",
    "Audit",
    "AuditQuery",
    "Changeset",
    "Connections",
    "EarlierUpload",
    "Edition",
    "Event",
    "Happening",
    "Holding",
    "Holdings",
    "Member",
    "Package",
    "Packages",
    "Page",
    "People",
    "PhotoReader",
    "PhotoStore",
    "PhotoUnit",
    "PhotoVolume",
    "Project",
    "Purged",
    "Reader",
    "Revision",
    "SentDelta",
    "Sought",
    "Store",
    "Sync",
    "Unit",
    "Upload",
    "Uploads",
    "Usage",
    "Version",
    "WatchedStore",
]
