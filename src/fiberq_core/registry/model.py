"""What a registry entry says: columns, vocabularies, references, layers. Facts are in the sibling modules.

Every dialect (embedded DDL, PostGIS DDL, GeoPackage, JSON, documentation) is derived from these
values; see `registry/__init__.py` for the list of all layers.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from attrs import field, frozen

from fiberq_core.policy import Action

GEOMETRY = "geometry"  # the name under which a row's geometry travels beside its columns


class Kind(Enum):
    """What a column holds. Canonical Python values in brackets."""

    TEXT = "text"  # [str] as typed
    INTEGER = "integer"  # [int] 64 bit
    REAL = "real"  # [float] finite, double precision
    BOOLEAN = "boolean"  # [bool]
    DATE = "date"  # [str] YYYY-MM-DD
    DATETIME = "datetime"  # [str] UTC, YYYY-MM-DDTHH:MM:SS.mmmZ
    JSON = "json"  # [str] text, lists or objects as JSON text; free text stays as typed
    UUID = "uuid"  # [str] the fiberq_uuid of another row


class Shape(Enum):
    """The kind of geometry that a layer holds; Multi, Z and M variants of it are welcome."""

    NONE = "none"
    POINT = "Point"
    LINE = "LineString"
    POLYGON = "Polygon"
    ANY = "Geometry"


@frozen
class Labels:
    """One text in the languages of the field: English, Serbian (Latin script), Bulgarian."""

    en: str
    sr: str
    bg: str


@frozen
class Term:
    """One value of a vocabulary: *code* is stored, *labels* are shown, *aliases* are also met in files."""

    code: str
    labels: Labels
    aliases: tuple[str, ...] = ()


@frozen
class Vocabulary:
    """Known values of a column.

    A *closed* one is what the system itself works by (a work order's state): other values are held.
    An open one describes: what a crew types is stored as typed, and flagged.
    """

    name: str
    terms: tuple[Term, ...]
    closed: bool = False

    def term(self, value: str) -> Term | None:
        """The term that *value* stands for, by code, label or alias; None for something else."""
        for term in self.terms:
            if value in (term.code, term.labels.en, term.labels.sr, term.labels.bg, *term.aliases):
                return term
        return None


@frozen
class Column:
    """One column. *name* is the server's; *aliases* are the names it has in other files.

    *unit* is the SI symbol of numbers. *required* means that a row cannot stand without it.
    *default* is filled in for new rows that do not say. *action*, where given, is the right that
    changing this column takes instead of the layer's own.
    """

    name: str
    kind: Kind
    labels: Labels
    unit: str = ""
    vocabulary: Vocabulary | None = None
    default: str | int | float | bool | None = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    aliases: tuple[str, ...] = ()
    action: Action | None = None


@frozen
class Reference:
    """A row of this layer points at a row of one of *targets* (layer names).

    *column* holds the target's `fiberq_uuid` and is the truth. Files also carry *local_fid*: the
    target's `fid` inside that very file, with *local_layer* naming the layer where several are
    possible. Local numbers are resolved inside the file that they came from, written anew for
    each export, and stored only while they cannot be resolved. *legacy_id* is an old server's
    foreign key to the target's `id`, accepted on reading.
    *owned*: the row is a part of its target and goes with it. *required*: it cannot stand alone.
    """

    column: str
    targets: tuple[str, ...]
    local_fid: str | None = None
    local_layer: str | None = None
    legacy_id: str | None = None
    owned: bool = False
    required: bool = False


@frozen
class Rights:
    """The rights that creating or editing, and deleting, a row of a layer take."""

    write: Action
    delete: Action


@frozen
class Layer:
    """One kind of record.

    *name* is the layer's name in GeoPackages, JSON and URLs (the legacy name where there is one);
    *table* the one in databases; *plugin* the FiberQ plugin's; *aliases* all others that are met.
    *variants* are plugin layers that are this layer with one column fixed: {layer name: value of
    *variant_column*}. *owner* is the column that holds the subject whose "own work" a row is;
    where *owner_via* is given, it is that reference's target which is asked.
    *natural_key*: rows are identified by this column, and carry none of the system's columns.
    *by_number*: old clients list its rows in the order of their numbers.
    """

    name: str
    table: str
    labels: Labels
    shape: Shape
    columns: tuple[Column, ...]
    rights: Rights
    plugin: str | None = None
    aliases: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    variant_column: str | None = None
    references: tuple[Reference, ...] = ()
    owner: str | None = None
    owner_via: str | None = None
    title: str | None = None  # the column that names a row for people
    kind_column: str | None = None  # the column that says what type of thing it is ("same type" of S44)
    geometry_required: bool = False
    natural_key: str | None = None
    by_number: bool = False
    _by_name: Mapping[str, Column] = field(init=False, eq=False, repr=False)

    @_by_name.default
    def _index(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}

    def column(self, name: str) -> Column | None:
        """The registered column of that name; None for an unregistered one or the geometry."""
        return self._by_name.get(name)

    @property
    def spatial(self) -> bool:
        """Whether rows have a place."""
        return self.shape is not Shape.NONE

    def reference(self, column: str) -> Reference | None:
        """The reference whose uuid *column* is, if any."""
        return next((r for r in self.references if r.column == column), None)


def by_name(layers: Iterable[Layer]) -> Mapping[str, Layer]:
    """Layers by their name."""
    return {layer.name: layer for layer in layers}
