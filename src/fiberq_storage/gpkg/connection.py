"""Open a file that a stranger sent (S39). Nothing in it is executed, and nothing in it is believed.

The advice is SQLite's own, from its page on defence against malicious files: look at the header
before SQLite does; open read-only and defensive; lower all limits; let an authoriser pass nothing
but reads of tables that we name; stop by the clock.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import apsw
from attrs import define, field, frozen

from fiberq_core.errors import BadPackage, TooLarge

HEADER_BYTES = 100
MAGIC = b"SQLite format 3\0"
APPLICATION_IDS = frozenset({b"GPKG", b"GP10", b"GP11"})
MAX_COLUMNS = 500
MAX_ROWS = 3_000_000
MAX_VALUE_BYTES = 64 << 20
TOO_LONG = "The file takes too long to read; it may be damaged on purpose"
_STEPS = 20_000  # virtual machine instructions between two looks at the clock; some milliseconds
_WAL = 2
WAL_NOTE = (
    "The file is in WAL mode, as QGIS often leaves it, and no -wal file came with it. If a file of the same name that "
    "ends in -wal lies beside it, the newest edits are in that one: close the project there, or send both files."
)

LIMITS = {
    apsw.SQLITE_LIMIT_LENGTH: MAX_VALUE_BYTES,
    apsw.SQLITE_LIMIT_SQL_LENGTH: 1_000_000,
    apsw.SQLITE_LIMIT_COLUMN: 2 * MAX_COLUMNS,  # a row of ours beside a row of theirs
    apsw.SQLITE_LIMIT_EXPR_DEPTH: 1_000,
    apsw.SQLITE_LIMIT_COMPOUND_SELECT: 5,
    apsw.SQLITE_LIMIT_VDBE_OP: 50_000,
    apsw.SQLITE_LIMIT_FUNCTION_ARG: 8,
    apsw.SQLITE_LIMIT_ATTACHED: 1,
    apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 50,
    apsw.SQLITE_LIMIT_VARIABLE_NUMBER: 1_000,
    apsw.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    apsw.SQLITE_LIMIT_WORKER_THREADS: 0,
}
SWITCHES = {
    apsw.SQLITE_DBCONFIG_DEFENSIVE: 1,
    apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_VIEW: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION: 0,
    apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA: 0,
    apsw.SQLITE_DBCONFIG_DQS_DML: 0,
}
PRAGMAS = {"cell_size_check": 1, "mmap_size": 0, "query_only": 1, "ignore_check_constraints": 1, "temp_store": 2}

_FUNCTIONS = frozenset(
    "count typeof strftime datetime date time julianday current_timestamp current_date current_time "
    "hex lower upper random randomblob abs substr ifnull coalesce".split()
)
_READ_PRAGMAS = frozenset({*PRAGMAS, "table_xinfo", "quick_check"})
_SCHEMA_TABLES = frozenset({"sqlite_master", "sqlite_schema"})


@frozen
class Header:
    """What the first hundred bytes say; *writes* is the file change counter."""

    page_bytes: int
    pages: int
    wal: bool
    writes: int


@define
class Allowance:
    """What reading one file may cost: *deadline* on the monotonic clock, *rows* that are looked at one by one."""

    deadline: float
    rows: int

    @classmethod
    def of(cls, seconds: float, rows: int) -> "Allowance":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds, rows)

    @property
    def over(self) -> bool:
        """Whether time is up."""
        return time.monotonic() > self.deadline

    def spend(self, rows: int) -> None:
        """Take *rows* off. Raises: BadPackage, TooLarge."""
        self.rows -= rows
        if self.rows < 0:
            raise TooLarge("The file has too many rows", MAX_ROWS)
        if self.over:
            raise BadPackage(TOO_LONG)


@define
class Untrusted:
    """An open file of a stranger. *tables* are those that may be read, in lower case."""

    connection: apsw.Connection
    header: Header
    allowance: Allowance
    has_wal: bool
    notes: tuple[str, ...] = ()
    tables: set[str] = field(factory=set)

    def rows(self, query: str, bindings: Sequence[str | int] = ()) -> Iterator[tuple[object, ...]]:
        """The rows of a query."""
        return iter(self.connection.execute(query, tuple(bindings)))


@contextmanager
def open_untrusted(path: str, allowance: Allowance, *, base: str | None = None) -> Iterator[Untrusted]:
    """Open *path* for reading, within *allowance*; *base*, a package of our own, is attached as `base`.

    Raises: BadPackage, also out of the block, for whatever is wrong with the file.
    """
    header = read_header(path)
    with believing():
        has_wal = header.wal and _size(path + "-wal") > 0
        connection = apsw.Connection(
            _uri(path, immutable=not has_wal), apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        )
        try:
            opened = Untrusted(connection, header, allowance, has_wal, _notes(header, has_wal=has_wal))
            _defend(opened, base)
            yield opened
        finally:
            connection.close(True)


def read_header(path: str) -> Header:
    """Check what can be checked before SQLite sees the file. Raises: BadPackage."""
    with Path(path).open("rb") as file:
        head = file.read(HEADER_BYTES)
    size = _size(path)
    if len(head) < HEADER_BYTES:
        raise BadPackage("The file is empty or too short to be a GeoPackage")
    if not head.startswith(MAGIC):
        raise BadPackage("The file is not a GeoPackage (it is no SQLite database)")
    if head[68:72] not in APPLICATION_IDS:
        raise BadPackage("The file is an SQLite database, but not a GeoPackage")
    page_bytes = int.from_bytes(head[16:18], "big")
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    if page_bytes < 512 or page_bytes & (page_bytes - 1):
        raise BadPackage("The file is damaged: its page size is impossible")
    pages, counted = int.from_bytes(head[28:32], "big"), head[24:28] == head[92:96]
    wal = max(head[18], head[19]) == _WAL
    if counted and pages * page_bytes > size:
        raise BadPackage("The file is incomplete: it ends before the last of its pages")
    return Header(page_bytes, pages, wal, int.from_bytes(head[24:28], "big"))


@contextmanager
def believing() -> Iterator[None]:
    """Turn whatever SQLite says about a file into words for a person. Raises: BadPackage, TooLarge."""
    try:
        yield
    except apsw.InterruptError:
        raise BadPackage(TOO_LONG) from None
    except apsw.TooBigError:
        raise TooLarge("A value in the file is too large", MAX_VALUE_BYTES) from None
    except (apsw.IOError, apsw.FullError, apsw.NoMemError, apsw.CantOpenError):
        raise
    except apsw.Error as error:
        raise BadPackage(_words(error)) from error
    except UnicodeDecodeError:
        raise BadPackage("The file has names that are not text") from None


def _words(error: apsw.Error) -> str:
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return words
    return "The file defines something that cannot be read (a table, an index, a default value). Save it anew and send that"


_WORDS: dict[type[apsw.Error], str] = {
    apsw.CorruptError: "The file is damaged",
    apsw.NotADBError: "The file is not a GeoPackage (it is no SQLite database, or an encrypted one)",
    apsw.AuthError: "The file asks for more than to be read",
}


def _defend(opened: Untrusted, base: str | None) -> None:
    connection = opened.connection
    for limit, value in LIMITS.items():
        connection.limit(limit, value)
    for switch, state in SWITCHES.items():
        connection.config(switch, state)
    for pragma, setting in PRAGMAS.items():
        connection.execute(f"PRAGMA {pragma}={setting}").fetchall()
    if base is not None:
        connection.execute("ATTACH ? AS base", (_uri(base, immutable=True),))
    connection.set_progress_handler(lambda: opened.allowance.over, _STEPS)
    connection.authorizer = _authoriser(opened.tables)


def _authoriser(tables: set[str]) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    """Reads of *tables* pass, and the functions that honest files have in their defaults; nothing else does."""

    def allowed(code: int, first: str | None, second: str | None, _: str | None, inner: str | None) -> int:
        if inner is not None:
            return apsw.SQLITE_DENY
        if code == apsw.SQLITE_READ:  # once for every column of every statement
            name = (first or "").casefold()
            return apsw.SQLITE_OK if name in tables or name in _SCHEMA_TABLES else apsw.SQLITE_DENY
        good = {
            apsw.SQLITE_SELECT: True,
            apsw.SQLITE_FUNCTION: (second or "").casefold() in _FUNCTIONS,
            apsw.SQLITE_PRAGMA: (first or "").casefold() in _READ_PRAGMAS,
        }
        return apsw.SQLITE_OK if good.get(code, False) else apsw.SQLITE_DENY

    return allowed


def _notes(header: Header, *, has_wal: bool) -> tuple[str, ...]:
    if not header.wal or has_wal:
        return ()
    return (WAL_NOTE,)


def _uri(path: str, *, immutable: bool) -> str:
    return f"file:{quote(str(Path(path).absolute()))}?mode=ro{'&immutable=1' if immutable else ''}"


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
