"""What PostgreSQL and the network report, as errors of our own: in words, and without secrets."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from fiberq_core.errors import Conflict, FiberqError, GaveWay, Invalid, StoreMismatch, StoreUnavailable

GONE = "The database does not answer. Nothing was changed; try again in a moment"
REFUSED = "The database lets nobody in with this user or password. See DATABASE_URL, or run fiberq doctor"
NO_DATABASE = "The database server has no database of this name. See DATABASE_URL, or run fiberq doctor"
READ_ONLY = "The database is read-only at the moment. Nothing was changed; try again later"
FULL = "The database's disk is full. Nothing was changed; free some space and try again"
SLOW = "The database took too long. Nothing was changed; try again in a moment"
CROWDED = "All connections to the database are in use. Nothing was changed; try again in a moment"
LOCKED = "Somebody else is changing the same rows in the database. Nothing was changed; try again in a moment"
COLLIDES = "The change collides with another row of the project. Nothing was changed"
UNSTORABLE = "A text is not valid Unicode, or a number has more than 64 bits. Nothing was changed"
FORBIDDEN = "The server's database role may not do this. Give it the role fiberq_server, or run fiberq doctor"
OTHER_FORM = "The database does not have the form that this FiberQ works with. Restart the server, or run fiberq doctor"

# the most telling first: what PostgreSQL says by SQLSTATE or its class, as our own errors
MEANING: tuple[tuple[str, type[FiberqError], str], ...] = (
    ("25006", StoreUnavailable, READ_ONLY),
    ("53100", StoreUnavailable, FULL),
    ("53", StoreUnavailable, CROWDED),
    ("57014", StoreUnavailable, SLOW),
    ("57", StoreUnavailable, GONE),
    ("08", StoreUnavailable, GONE),
    ("40", GaveWay, LOCKED),
    ("55P03", GaveWay, LOCKED),
    ("42501", StoreUnavailable, FORBIDDEN),
    ("42P01", StoreMismatch, OTHER_FORM),
    ("42703", StoreMismatch, OTHER_FORM),
    ("3F000", StoreMismatch, OTHER_FORM),
    ("23", Conflict, COLLIDES),
    ("22", Invalid, UNSTORABLE),
    ("28", StoreUnavailable, REFUSED),
    ("3D", StoreUnavailable, NO_DATABASE),
)

# what a database that is only starting, or is on its way through the network, answers
NOT_YET = (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)


@contextmanager
def translating() -> Iterator[None]:
    """Turn what PostgreSQL and the network report into our own errors."""
    try:
        yield
    except asyncpg.PostgresError as error:
        state = str(getattr(error, "sqlstate", "") or "")
        for prefix, ours, words in MEANING:
            if state.startswith(prefix):
                raise ours(words) from error
        raise
    except asyncpg.DataError as error:
        raise Invalid(UNSTORABLE) from error
    # InternalClientError: what asyncpg says of a connection that the database ends while nobody asks it anything
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise StoreUnavailable(GONE) from error
