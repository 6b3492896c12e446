"""People who work on a database directly, each by a name of their own."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from tests.postgis.cluster import psql

Newcomer = Callable[[str, str], str]


@contextmanager
def people(dsn: str) -> Iterator[Newcomer]:
    """Makes logins from a database role and a name; gives their DSNs. They are gone at the end of the block."""
    names: list[str] = []

    def make(role: str, name: str) -> str:
        names.append(f"{name}_{secrets.token_hex(4)}")
        return login(dsn, role, names[-1])

    try:
        yield make
    finally:
        for name in names:
            psql(dsn, f"DROP OWNED BY {name}; DROP ROLE {name}")


def login(dsn: str, role: str, name: str) -> str:
    """The DSN of somebody new who has a role."""
    password = secrets.token_hex(8)
    psql(dsn, f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE {role}")
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port}"))


def name_of(dsn: str) -> str:
    """The database user of a DSN."""
    return str(urlsplit(dsn).username)
