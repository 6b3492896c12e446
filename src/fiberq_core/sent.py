"""What a device sent, as a value: the rows of a file that may differ from what its export delivered.

A reader of files (`fiberq_storage.gpkg.reader`) produces these; `fiberq_core.proposals` turns them into
a change set. Rows that are in the file exactly as the export delivered them do not appear.
"""

from collections.abc import Mapping

from attrs import field, frozen

from fiberq_core.rows import Row


@frozen
class Provenance:
    """Which export a file is: what we wrote into its `gpkg_metadata`."""

    export_id: str
    project: str  # the project's uuid
    revision: int


@frozen
class BadValue:
    """A value that does not fit. *raw* is what was typed, as JSON can say it.

    *whole_row*: nothing of the row can be applied (S23, S46), not only this field.
    """

    field: str
    raw: object
    reason: str
    whole_row: bool = False


@frozen
class SentRow:
    """One row as it came, brought to canonical values and EPSG:4326.

    *fid* is the row's number in *source*, its table in the file. *uuid* and *rev* are what the row
    says of itself; None where it says nothing. *row* has no system columns and no bad values.
    *seconds* names date-times that carried no fraction of a second.
    """

    source: str
    fid: int
    uuid: str | None
    rev: int | None
    row: Row
    bad: tuple[BadValue, ...] = ()
    seconds: frozenset[str] = frozenset()


@frozen
class SentLayer:
    """One table of the file that is a layer of ours.

    *columns*: the fields that the table has (with `GEOMETRY` where it has one); others are
    untouched, not NULL. *rows*: those that may differ from the export. *duplicates*: every uuid
    that several rows of the table carry, with their fids. *delivered*: for the fids of *rows*
    that the export delivered, the uuid it gave them. *gone*: the uuids that were delivered and
    are no longer there. *received*: how many rows were delivered. *reprojected*: coordinates were
    brought to EPSG:4326, so equal means equal to 0.1 mm.
    """

    layer: str
    source: str
    columns: frozenset[str]
    rows: tuple[SentRow, ...]
    duplicates: Mapping[str, tuple[int, ...]] = field(factory=dict)
    delivered: Mapping[int, str] = field(factory=dict)
    gone: tuple[str, ...] = ()
    received: int = 0
    total: int = 0
    reprojected: bool = False


@frozen
class RefusedLayer:
    """A table that is a layer of ours but cannot be read as one (S22, S46): *rows* rows wait, *reason* says why."""

    layer: str
    source: str
    rows: int
    reason: str


@frozen
class LocalTarget:
    """The row that a local fid points at: its table, its fid and the uuid that it carries (None: blank)."""

    layer: str
    source: str
    fid: int
    uuid: str | None


@frozen
class SentFile:
    """A whole file. *writes* is how often it was written to (SQLite's file change counter; 0: not told). *targets* resolves the local references of *rows*: (source table or layer id, fid) → row.

    *unknown* names tables that are no layer of ours, *notes* says what else a person should know
    (a WAL header without its WAL). *extra_types* are the declared types of unregistered columns,
    by (layer, column).
    """

    provenance: Provenance | None
    layers: tuple[SentLayer, ...]
    refused: tuple[RefusedLayer, ...] = ()
    targets: Mapping[tuple[str, int], LocalTarget] = field(factory=dict)
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    extra_types: Mapping[tuple[str, str], str] = field(factory=dict)
    writes: int = 0
