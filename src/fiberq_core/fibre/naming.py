"""Splices and patches as clients see them: colours that follow from numbers, cables by every name that they have."""

from collections.abc import Iterable, Mapping

from fiberq_core.fibre.colours import layout_of, strand
from fiberq_core.fibre.losses import measured
from fiberq_core.fibre.network import Fibre, Network
from fiberq_core.fibre.places import SPLICES
from fiberq_core.fibre.showing import Json
from fiberq_core.references import BLANK
from fiberq_core.rows import Key, Row

UNKNOWN = (*BLANK, -1)  # the plugin writes -1 where it does not know
Columns = tuple[str, ...]


def named(
    layer: str, shown: Json, network: Network, derived: Iterable[Columns], pairs: Iterable[tuple[str, str, str]]
) -> Json:
    """*shown*, a splice or patch, with what follows from its cables. *network* knows them, as far as anybody does.

    *derived* names cable, number, colour, tube and colour of the tube, *pairs* uuid, layer and number in a file.
    A pair that nobody could resolve stands under `unresolved`.
    """
    found = dict(shown)
    unresolved = []
    for uuid, layer_id, fid in pairs:
        target = network.rows.get(str(shown.get(uuid)))
        if target is not None and shown.get(fid) in UNKNOWN:
            found |= {layer_id: target.key.layer, fid: target.fid}
        elif target is None and shown.get(fid) not in UNKNOWN:
            unresolved.append(uuid.removesuffix("_uuid"))
    for cable, number, *places in derived:
        found |= _lies(network, shown.get(cable), shown.get(number), places)
    found["unresolved"] = unresolved
    return found | ({"measured": measured(Row({"loss_db": shown.get("loss_db") or 0.0}))} if layer == SPLICES else {})


def following(
    body: Mapping[str, object], now: Mapping[str, object], network: Network, derived: Iterable[Columns]
) -> Mapping[str, object]:
    """*body* of a splice or patch with the colours and tubes that follow from its cables, whatever it says of them.

    Of a fibre that stays as it is (*now*: what it is shown as) nothing is said.
    """
    found = dict(body)
    for cable, number, *places in derived:
        after, before = ((said.get(cable), said.get(number)) for said in ({**now, **body}, now))
        lies = _lies(network, after[0], after[1], places)
        if now and after == before:
            found = {name: value for name, value in found.items() if name not in lies}
        else:
            found |= lies
    return found


def _lies(network: Network, cable: object, number: object, places: Iterable[str]) -> Mapping[str, object]:
    """Colour, tube and colour of the tube, under the names *places*; nothing where the cable is not known."""
    row = network.cable(Fibre(str(cable), 1))
    if row is None or not isinstance(number, int) or number < 1:
        return {}
    at = strand(layout_of(row.row), number, network.palette(row.row))
    return dict(zip(places, (at.colour, at.tube, at.tube_colour), strict=False))


def keys_named(shown: Iterable[Json], pairs: Iterable[tuple[str, tuple[str, ...]]]) -> set[Key]:
    """The rows that `named` wants to know: by the column of a uuid, and the layers that it may be of."""
    wanted = list(pairs)
    return {
        Key(layer, str(one[column]))
        for one in shown
        for column, layers in wanted
        if one.get(column)
        for layer in layers
    }
