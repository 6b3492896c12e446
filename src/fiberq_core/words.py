"""Rows in the words of the trade, for the sentences that people read."""

from collections.abc import Mapping

from attrs import field, frozen

from fiberq_core import fibre
from fiberq_core.registry import LAYER, Layer
from fiberq_core.rows import Key, Row

NOUNS = {"tray": "tray {} of {}", "position": "position {} in {}", "port": "port {} of {}", "fibre": "fibre {} of {}"}


def noun(layer: Layer) -> str:
    """What one row of *layer* is called in a sentence: `manhole`, `PE pipe`."""
    plural = layer.labels.en
    one = plural.removesuffix("es") if plural.endswith("ches") else plural.removesuffix("s")
    return one if one[:2].isupper() else f"{one[:1].lower()}{one[1:]}"


@frozen
class Words:
    """Names for the rows that are known."""

    rows: Mapping[Key, Row]
    _by_uuid: Mapping[str, Key] = field(init=False)

    @_by_uuid.default
    def _index(self) -> Mapping[str, Key]:
        return {key.uuid: key for key in self.rows}

    def name(self, key: Key, row: Row) -> str:
        """A row with what it is: `closure N-4`, `tray 2 of closure N-4`."""
        place = fibre.place_of(key.layer, row)
        if place is not None:
            holder = self._holder(key.layer, place)
            outer = self.name(holder, self.rows[holder]) if holder else place.owner[:8]
            return NOUNS[place.what].format(place.number, outer)
        layer = LAYER[key.layer]
        title = row.get(layer.title) if layer.title else None
        return f"{noun(layer)} {str(title) if title else key.uuid[:8]}"

    def title(self, otherwise: str, uuid: str) -> str:
        """The name of the row with that uuid, if it is known."""
        key = self._by_uuid.get(uuid)
        return self.name(key, self.rows[key]) if key else otherwise or uuid[:8]

    def whereabouts(self, key: Key) -> str:
        """Where a row that takes a place sits, outermost first: `closure N-4, tray 2, position 5`."""
        row = self.rows.get(key)
        place = fibre.place_of(key.layer, row) if row else None
        if place is None:
            return self.title("", key.uuid)
        holder = self._holder(key.layer, place)
        outer = self.whereabouts(holder) if holder else place.owner[:8]
        return f"{outer}, {place.what} {place.number}"

    def _holder(self, layer: str, place: fibre.Place) -> Key | None:
        """The row that a place of a row of *layer* is in, if it is known and can have such places: none is in itself."""
        reference = LAYER[layer].reference(fibre.PLACES[layer][1])
        key = self._by_uuid.get(place.owner)
        return key if key is not None and reference is not None and key.layer in reference.targets else None

    def claim(self, claim: str) -> str:
        """A claim (see `fibre.claims_of`) as people say it."""
        what, owner, number, *_ = claim.split("|")
        return NOUNS[what].format(number, self.title("", owner))

    def closure_of(self, at: str | None) -> str | None:
        """The closure that a tray is in; anything else is its own place."""
        key = self._by_uuid.get(at or "")
        closure = self.rows[key].get("closure_uuid") if key and key.layer == fibre.TRAYS else None
        return str(closure) if closure else at
