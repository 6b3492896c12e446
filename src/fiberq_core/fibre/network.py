"""A project's fibre tables in memory: what is at each fibre's ends and at each port, and what belongs to what.

Built once from the rows of `LAYERS`; nothing is asked of a store afterwards, however many splices there are.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TypeVar

from attrs import field, frozen

from fiberq_core.errors import Invalid
from fiberq_core.fibre.colours import TIA_598_C, palettes
from fiberq_core.fibre.lengths import Length, LengthOf, distance, optical_length
from fiberq_core.fibre.limits import CLOSURES, ELEMENTS
from fiberq_core.fibre.places import PATCHES, SIDES, SPLICES, TRAYS
from fiberq_core.fibre.splitters import INPUT
from fiberq_core.registry.network import FIBER_BREAKS, OPTICAL_SLACK
from fiberq_core.registry.shared import CABLES
from fiberq_core.registry.special import METADATA
from fiberq_core.rows import Row, Stored
from fiberq_core.wkb import parse
from fiberq_core.words import Words

BREAKS, SLACK, SETTINGS = FIBER_BREAKS.name, OPTICAL_SLACK.name, METADATA.name
LAYERS = (*CABLES, ELEMENTS, BREAKS, SLACK, CLOSURES, TRAYS, SPLICES, PATCHES, SETTINGS)
NO_CABLE = (None, 0, -1)  # the plugin writes -1 where it does not know
OTHER_SIDE = {0: 1, 1: 0}
OTHER_END = {"from": "to", "to": "from"}

Point = tuple[float, float]
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@frozen
class Fibre:
    """One fibre: of the cable with that uuid, or of one that is only known as `layer id:fid` in somebody's file."""

    cable: str
    number: int


@frozen
class Joint:
    """One end of a fibre in a splice or a patch. *side*: which of the row's sides, 0 or 1; *end*: from, to or not said."""

    row: Stored = field(eq=False)
    side: int
    fibre: Fibre
    end: str | None
    uuid: str = field(init=False)

    @uuid.default
    def _of_row(self) -> str:
        return self.row.key.uuid


@frozen
class Network:
    """What the fibre tables say."""

    rows: Mapping[str, Stored]  # by uuid
    joints: Mapping[Fibre, tuple[Joint, ...]]
    inputs: Mapping[str, tuple[Stored, ...]]  # by the element's uuid: its patches where a splitter has its input,
    outputs: Mapping[str, tuple[Stored, ...]]  # and its others, by port
    jumpers: Mapping[str, tuple[str, ...]]  # by a patch's uuid: the patches that it is connected to
    on_cable: Mapping[str | None, tuple[Stored, ...]]  # by the cable of a `Fibre`: breaks and coils of slack
    colours: Mapping[str, tuple[str, ...]]  # by the name of a catalogue
    _lengths: dict[str, Length] = field(init=False, factory=dict, repr=False)  # by the cable's uuid, once reckoned

    @classmethod
    def of(cls, stored: Iterable[Stored]) -> "Network":
        """The network of a project's rows, in whatever order."""
        rows = {s.key.uuid: s for s in stored}
        by_layer: dict[str, list[Stored]] = defaultdict(list)
        for s in rows.values():
            by_layer[s.key.layer].append(s)
        patches = sorted(by_layer[PATCHES], key=_by_port)
        return cls(
            rows,
            _grouped((j.fibre, j) for layer in (SPLICES, PATCHES) for s in by_layer[layer] for j in joints_of(s)),
            _by_element(s for s in patches if port_of(s) == INPUT),
            _by_element(s for s in patches if port_of(s) != INPUT),
            _jumpers(patches, rows),
            _grouped((_cable_of(s.row, "kabl_uuid"), s) for layer in (BREAKS, SLACK) for s in by_layer[layer]),
            _colours(by_layer[SETTINGS]),
        )

    def row(self, uuid: object, *layers: str) -> Stored | None:
        """The row with that uuid, if it is there and of one of *layers*."""
        found = self.rows.get(uuid) if isinstance(uuid, str) else None
        return found if found is not None and found.key.layer in layers else None

    def cable(self, fibre: Fibre) -> Stored | None:
        """The cable of a fibre."""
        return self.row(fibre.cable, *CABLES)

    def element(self, patch: Stored) -> Stored | None:
        """The element whose port a patch is."""
        return self.row(patch.row.get("element_uuid"), ELEMENTS)

    def tray(self, splice: Stored) -> Stored | None:
        """The tray that a splice lies in."""
        return self.row(splice.row.get("tray_uuid"), TRAYS)

    def closure(self, splice: Stored) -> Stored | None:
        """The closure that a splice is in."""
        tray = self.tray(splice)
        return self.row(tray.row.get("closure_uuid"), CLOSURES) if tray else None

    def length(self, fibre: Fibre) -> Length:
        """How long a fibre is: its cable, and the coils that lie on it."""
        cable = self.cable(fibre)
        if cable is None:
            return Length(None, LengthOf.UNKNOWN)
        if fibre.cable not in self._lengths:
            slack = [s.row for s in self.on_cable.get(fibre.cable, ()) if s.key.layer == SLACK]
            self._lengths[fibre.cable] = optical_length(cable.row, slack)
        return self._lengths[fibre.cable]

    def breaks(self, fibre: Fibre) -> list[Stored]:
        """The breaks of a fibre's cable, along it."""
        found = [s for s in self.on_cable.get(fibre.cable, ()) if s.key.layer == BREAKS]
        return sorted(found, key=lambda s: (_number(s.row.get("distance_m")), s.key.uuid))

    def palette(self, cable: Row) -> tuple[str, ...]:
        """The colours in which a cable's fibres are counted."""
        named = (cable.get("color_code"), cable.get("color_standard"))
        return next((self.colours[str(n)] for n in named if n in self.colours), TIA_598_C)

    def end_of(self, joint: Joint) -> str | None:
        """At which end of its cable a joint is: as the row says, or else by which end is nearer to where it sits."""
        if joint.end is not None:
            return joint.end
        cable, place = self.cable(joint.fibre), self._place(joint.row)
        ends = _ends(cable.row.geometry) if cable else None
        if ends is None or place is None:
            return None
        first, last = (distance(*place, *end) for end in ends)
        return None if first == last else "from" if first < last else "to"

    def _place(self, row: Stored) -> Point | None:
        where = self.closure(row) if row.key.layer == SPLICES else self.element(row)
        ends = _ends(where.row.geometry) if where else None
        return ends[0] if ends else None

    @cached_property
    def words(self) -> Words:
        """Names for the rows."""
        return Words({s.key: s.row for s in self.rows.values()})


def joints_of(stored: Stored) -> Iterator[Joint]:
    """The fibre ends in a splice or a patch."""
    for side, columns in enumerate(SIDES.get(stored.key.layer, ())):
        fibre = _fibre(stored.row, *columns[:2])
        end = stored.row.get(columns[2])
        if fibre is not None:
            yield Joint(stored, side, fibre, end if isinstance(end, str) and end in OTHER_END else None)


def joint_of(stored: Stored, side: int) -> Joint | None:
    """The fibre end on one side of a splice (0 is a, 1 is b) or in a patch (0), if there is one."""
    return next((joint for joint in joints_of(stored) if joint.side == side), None)


def port_of(patch: Stored) -> int:
    """The port that a patch is about; 0 where it does not say."""
    port = patch.row.get("port_number")
    return port if isinstance(port, int) else 0


def _fibre(row: Row, cable_column: str, fibre_column: str) -> Fibre | None:
    cable, number = _cable_of(row, cable_column), row.get(fibre_column)
    return Fibre(cable, number) if cable is not None and isinstance(number, int) and number > 0 else None


def _cable_of(row: Row, column: str) -> str | None:
    """The cable that a row names by uuid, or as in somebody's file."""
    uuid, stem = row.get(column), column.removesuffix("_uuid")
    layer, fid = row.get(f"{stem}_layer_id"), row.get(f"{stem}_fid")
    if isinstance(uuid, str):
        return uuid
    return None if fid in NO_CABLE else f"{layer if isinstance(layer, str) else ''}:{fid!r}"


def _jumpers(patches: Iterable[Stored], rows: Mapping[str, Stored]) -> Mapping[str, tuple[str, ...]]:
    """Who is connected to whom; a jumper has two ends, whichever of them says so."""
    found: dict[str, set[str]] = defaultdict(set)
    for patch in patches:
        me, other = patch.key.uuid, patch.row.get("connected_to_uuid")
        if isinstance(other, str) and other != me and other in rows and rows[other].key.layer == PATCHES:
            found[me].add(other)
            found[other].add(me)
    return {uuid: tuple(sorted(others)) for uuid, others in found.items()}


def _by_element(patches: Iterable[Stored]) -> Mapping[str, tuple[Stored, ...]]:
    return _grouped((str(s.row.get("element_uuid")), s) for s in patches if s.row.get("element_uuid"))


def _grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, tuple[V, ...]]:
    found: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}


def _colours(settings: Iterable[Stored]) -> Mapping[str, tuple[str, ...]]:
    catalogues = (s.row.get("value") for s in settings if s.row.get("key") == "color_catalog_json")
    return palettes(next(catalogues, None))


def _by_port(patch: Stored) -> tuple[int, str]:
    return port_of(patch), patch.key.uuid


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _ends(wkb: bytes | None) -> tuple[Point, Point] | None:
    """The first and the last position of a geometry."""
    try:
        runs = [(width, run) for width, run in parse(wkb).all_runs() if run] if wkb else []
    except Invalid:
        return None
    if not runs:
        return None
    (_, first), (width, last) = runs[0], runs[-1]
    at = len(last) - width
    return (first[0], first[1]), (last[at], last[at + 1])
