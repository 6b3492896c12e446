"""Databases as the original server left them."""

from pathlib import Path

from tests.postgis.cluster import psql

VILLAGE, TOWN, EMPTY = 1, 2, 7  # the projects in it
NOBODYS = "Rows without a project"
FOLDER = Path(__file__).parent
FIRST, LATER = ("original", "original_data"), ("original", "original_later", "original_data", "original_later_data")


def fill(dsn: str, files: tuple[str, ...] = LATER, schema: str = "fiberq") -> str:
    """Put the original server's tables with their data into a schema of a database; its DSN."""
    parts = [(FOLDER / f"{name}.sql").read_text() for name in files]
    psql(dsn, "\n".join((f"CREATE SCHEMA {schema};", f"SET search_path = {schema}, public;", *parts)))
    return dsn
