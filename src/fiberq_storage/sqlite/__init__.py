"""The embedded store: one SQLite file in WAL mode beside the photos."""

from fiberq_storage.sqlite.connection import lock_folder
from fiberq_storage.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "lock_folder", "open_store"]
