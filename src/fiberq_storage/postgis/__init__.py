"""The PostGIS store: a schema of a database that QGIS and SQL work on as well."""

from fiberq_storage.postgis.connection import Settings
from fiberq_storage.postgis.store import PostgisStore, open_store

__all__ = ["PostgisStore", "Settings", "open_store"]
