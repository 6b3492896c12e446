"""Databases of the tests: each is a copy of a template, so that a fresh one costs a fraction of a second."""

import asyncio
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from attrs import field, frozen

from tests.postgis.cluster import psql


@frozen
class Databases:
    """Databases on the server at *server*, the DSN of somebody who may make them."""

    server: str
    name: str = field(factory=lambda: f"fiberq_test_{secrets.token_hex(6)}")

    @property
    def bare(self) -> str:
        """The template that has PostGIS, and nothing of FiberQ."""
        return f"{self.name}_bare"

    @property
    def migrated(self) -> str:
        """The template that has an empty store."""
        return f"{self.name}_migrated"

    def prepare(self) -> None:
        """Make the templates."""
        psql(self.server, f"CREATE DATABASE {self.bare}")
        psql(self.at(self.bare), "CREATE EXTENSION postgis")
        psql(self.server, f"CREATE DATABASE {self.migrated} TEMPLATE {self.bare}")
        with ThreadPoolExecutor(1) as apart:  # whoever asks for the fixture may be in an event loop already
            apart.submit(asyncio.run, migrate(self.at(self.migrated))).result()

    def create(self, template: str | None = None) -> str:
        """A new database, a copy of *template* (the migrated one); its DSN."""
        made = f"{self.name}_{secrets.token_hex(6)}"
        psql(self.server, f"CREATE DATABASE {made} TEMPLATE {template or self.migrated}")
        return self.at(made)

    def drop(self, dsn: str) -> None:
        """Remove a database, whoever is connected to it."""
        psql(self.server, f"DROP DATABASE IF EXISTS {urlsplit(dsn).path[1:]} WITH (FORCE)")

    def at(self, database: str) -> str:
        """The DSN of a database."""
        return urlunsplit(urlsplit(self.server)._replace(path=f"/{database}"))


async def migrate(dsn: str) -> None:
    """Make an empty store in a database."""
    from fiberq_storage import postgis  # the core's own environment has no such thing

    await (await postgis.open_store(postgis.Settings(dsn))).close()


@contextmanager
def prepared(server: str) -> Iterator[Databases]:
    """Databases on a server, until the block ends."""
    databases = Databases(server)
    try:
        databases.prepare()
        yield databases
    finally:
        for template in (databases.migrated, databases.bare):
            databases.drop(databases.at(template))
