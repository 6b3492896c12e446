"""What a record says: a layer of the registry as old clients know it, with their paths, names and defaults.

Facts are in the sibling modules, one row per field; reading bodies, showing rows, the routes and the description of
the interface are derived from them.
"""

from enum import Enum

from attrs import frozen

from fiberq_core.registry import LAYER
from fiberq_core.registry.model import Column, Kind, Layer
from fiberq_core.rows import Value


class Form(Enum):
    """How a field looks in JSON."""

    PLAIN = "plain"  # as the registry has it
    NUMBER = "number"  # the `id` of the row whose uuid the column holds
    LIST = "list"  # sent as text, texts or objects; always shown as a list


class Filled(Enum):
    """What the server says of a new record that does not."""

    TODAY = "today"  # UTC
    NOW = "now"
    ACTOR = "actor"  # the subject of whoever sends it


@frozen
class Field:
    """One field. *name* is the client's, *column* the registry's, *aliases* are read too.

    *default* is what old clients expect of a new record that does not name the field; where the server fills it in, null
    stands for that as well. What is not *writable* is shown, and ignored where it is sent.
    """

    name: str
    column: str
    aliases: tuple[str, ...] = ()
    form: Form = Form.PLAIN
    default: Value | Filled | None = None
    writable: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which it is read; the first is the one under which faults are reported."""
        return (self.name, *self.aliases)


def field(name: str, *aliases: str, default: Value | Filled | None = None, writable: bool = True) -> Field:
    """A field that is called as its column is."""
    return Field(name, name, aliases, Form.PLAIN, default, writable)


def numbered(name: str, column: str) -> Field:
    """A reference as the `id` of the row that is meant."""
    return Field(name, column, form=Form.NUMBER)


@frozen
class Place:
    """Where a record is: GeoJSON under *name*. Of a point, *pair* are the names of longitude and latitude, in degrees."""

    name: str
    aliases: tuple[str, ...] = ()
    pair: tuple[str, str] | None = None


PAIRS = (("longitude", "latitude"), ("lon", "lat"))  # under either, a point is read


@frozen
class Parent:
    """What a record is a part of: the row of *layer* whose `id` is in the path before it, in the reference *column*."""

    layer: str
    path: str
    column: str


@frozen
class Filter:
    """What a list can be asked by: the query's *name* (or *alias*), and the column that must hold it."""

    name: str
    column: str
    alias: str | None = None
    form: Form = Form.PLAIN


@frozen
class Span:
    """A date by which a list can be asked: the *first* and the *last* day, both optional, are names of the query."""

    column: str
    first: str
    last: str


@frozen
class Record:
    """One kind of record.

    *singular* names one for people. *paths* are those of the list, below `/api/`; each is served. With a *parent*, they
    come after its path and number. *same_by*: rows of one parent that agree in these columns are one record sent twice.
    """

    singular: str
    layer_name: str
    paths: tuple[str, ...]
    fields: tuple[Field, ...]
    place: Place | None = None
    parent: Parent | None = None
    filters: tuple[Filter, ...] = ()
    span: Span | None = None
    newest_first: bool = True
    same_by: tuple[str, ...] = ()

    @property
    def layer(self) -> Layer:
        """The layer that holds the rows."""
        return LAYER[self.layer_name]

    @property
    def absent(self) -> str:
        """What is said of a record that is not there, or not for the caller to know about."""
        return f"There is no such {self.singular}, or you are not a member of its project"

    def column(self, name: str) -> Column:
        """The column of the registry, or that of a reference which the registry does not list. Raises: KeyError."""
        known = self.layer.column(name)
        if known is not None:
            return known
        if self.layer.reference(name) is None:
            raise KeyError(name)
        return Column(name, Kind.UUID, self.layer.labels)

    def targets(self, name: str) -> tuple[str, ...]:
        """The layers of the rows that the reference in this column may mean. Raises: KeyError."""
        reference = self.layer.reference(name)
        if reference is None:
            raise KeyError(name)
        return reference.targets

    @property
    def numbers(self) -> tuple[Field, ...]:
        """The fields that are numbers of other rows."""
        return tuple(f for f in self.fields if f.form is Form.NUMBER)
