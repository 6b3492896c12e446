"""The project as it would be if a change set were written: who has which place, who refers to whom."""

from collections.abc import Iterable, Mapping

from attrs import field, frozen

from fiberq_core import fibre
from fiberq_core.planning import Candidate, World
from fiberq_core.registry import LAYER
from fiberq_core.rows import Key, Row, Stored
from fiberq_core.words import Words


def row_of(stored: Stored | None) -> Row | None:
    """The data of a row that may not be there."""
    return stored.row if stored else None


@frozen
class View:
    """The project as it would be if all candidates were written. *waiting* are rows that wait in the inbox instead."""

    candidates: tuple[Candidate, ...]
    world: World
    waiting: Mapping[str, tuple[Key, Row]] = field(factory=dict)  # by uuid
    written: dict[Key, Row | None] = field(init=False)
    rank: dict[Key, int] = field(init=False)
    holders: dict[str, Key] = field(init=False)
    referrers: dict[str, list[tuple[Key, Row]]] = field(init=False)
    uses: dict[tuple[str, int], list[tuple[Key, fibre.Use]]] = field(init=False)
    words: Words = field(init=False)
    _in_closure: dict[str, dict[Key | None, int]] = field(init=False, factory=dict)

    @written.default
    def _written(self) -> dict[Key, Row | None]:
        return {c.key: c.write.after for c in self.candidates}

    @rank.default
    def _rank(self) -> dict[Key, int]:
        return {c.key: n for n, c in enumerate(self.candidates)}

    @holders.default
    def _holders(self) -> dict[str, Key]:
        """Who has each place: those who keep theirs, then those who take one, in order."""
        holders = {claim: key for claim, key in self.world.claimants.items() if key not in self.written}
        wanted = [
            (c.key, _claims(c.key, c.write.after), _claims(c.key, row_of(c.write.before))) for c in self.candidates
        ]
        keeping = [(claim, key) for key, after, before in wanted for claim in after & before]
        taking = [(claim, key) for key, after, before in wanted for claim in after - before]
        for claim, key in (*keeping, *taking):
            holders.setdefault(claim, key)
        return holders

    @referrers.default
    def _referrers(self) -> dict[str, list[tuple[Key, Row]]]:
        """The rows that would refer to each uuid."""
        found: dict[str, list[tuple[Key, Row]]] = {}
        for key, row in {**{s.key: s.row for s in self.world.referring}, **self.written}.items():
            targets = {row.get(r.column) for r in LAYER[key.layer].references} if row is not None else set()
            for uuid in targets - {None}:
                found.setdefault(str(uuid), []).append((key, row or Row()))
        return found

    @uses.default
    def _uses(self) -> dict[tuple[str, int], list[tuple[Key, fibre.Use]]]:
        """Who would use each fibre, by cable and number."""
        found: dict[tuple[str, int], list[tuple[Key, fibre.Use]]] = {}
        for key, row in {**{s.key: s.row for s in self.world.referring}, **self.written}.items():
            for use in fibre.uses_of(key.layer, row) if row is not None else ():
                found.setdefault((use.cable, use.fibre), []).append((key, use))
        return found

    @words.default
    def _words(self) -> Words:
        known = {key: stored.row for key, stored in self.world.rows.items()}
        return Words({**known, **{k: row for k, row in self.written.items() if row is not None}})

    def stands(self, layers: Iterable[str], uuid: str) -> bool:
        """Whether a row of one of *layers* with that uuid would be there."""
        keys = [Key(layer, uuid) for layer in layers]
        return any(self.written[k] is not None if k in self.written else k in self.world.rows for k in keys)

    def standing(self, uuid: str, *layers: str) -> tuple[Key, Row] | None:
        """The row with that uuid in one of *layers*, as it would be."""
        for key in (Key(layer, uuid) for layer in layers):
            row = self.written[key] if key in self.written else row_of(self.world.rows.get(key))
            if row is not None:
                return key, row
        return None

    def closure(self, splice: Row | None) -> str | None:
        """The closure that a splice would be in, by its tray."""
        tray = self.standing(str(splice.get("tray_uuid")), fibre.TRAYS) if splice is not None else None
        closure = tray[1].get("closure_uuid") if tray else None
        return closure if isinstance(closure, str) else None

    def splices_in(self, closure: str) -> Mapping[Key | None, int]:
        """How many splices would be in a closure when each row that brings some has come, in turn.

        None: those that are in it already; then splices that come, then trays that come with theirs.
        """
        if closure not in self._in_closure:
            trays = [key for key, _ in self.referrers.get(closure, ()) if key.layer == fibre.TRAYS]
            bringing = [
                self._bringing(key, row, tray, closure)
                for tray in trays
                for key, row in self.referrers.get(tray.uuid, ())
                if key.layer == fibre.SPLICES
            ]
            in_turn = sorted(bringing, key=lambda by: (by is not None and by.layer == fibre.TRAYS, self._rank_of(by)))
            self._in_closure[closure] = {by: turn for turn, by in enumerate(in_turn, 1)}
        return self._in_closure[closure]

    def _bringing(self, splice: Key, row: Row, tray: Key, closure: str) -> Key | None:
        """What brings a splice into a closure, itself or the *tray* that it would be in; None if it was there before."""
        before = self.before(splice) if splice in self.rank else row
        was_in = Key(fibre.TRAYS, str(before.get("tray_uuid"))) if before else None
        if was_in == tray and tray not in self.rank:
            return None
        old = (self.before(was_in) or row_of(self.world.rows.get(was_in))) if was_in else None
        if old is not None and old.get("closure_uuid") == closure:
            return None
        return tray if was_in == tray else splice

    def _rank_of(self, key: Key | None) -> int:
        return -1 if key is None else self.rank[key]

    def absent(self, uuid: str) -> str:
        """A row that is not there, with why, for a sentence."""
        if uuid in self.waiting:
            return f"{self.words.name(*self.waiting[uuid])}, which waits itself"
        was = self.world.located.get(uuid)
        return (
            f"{self.words.name(was.key, was.row)}, which is no longer there"
            if was
            else f"row {uuid}, which is not known here"
        )

    def author(self, key: Key) -> str:
        """By whom the current version of a row is, for a sentence; empty where that is not known."""
        stored = self.world.rows.get(key)
        author = self.world.authors.get(stored.rev) if stored else None
        return f", by {author.name or author.sub}" if author and (author.name or author.sub) else ""

    def before(self, key: Key) -> Row | None:
        """A row as it is now, where it is to be written."""
        at = self.rank.get(key)
        return row_of(self.candidates[at].write.before) if at is not None else None


def _claims(key: Key, row: Row | None) -> frozenset[str]:
    return frozenset(fibre.claims_of(key.layer, row)) if row is not None else frozenset()
