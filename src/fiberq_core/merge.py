"""Three-way merge of one row. A total function: no clock, no order of arrival beyond "server".

*base* is what the device received, *sent* what it gives back, *server* what is current; None
means "not there". Only fields in which *base* and *sent* differ were edited, so both may be partial
where *sent* is an edit of *base*. Two values for one field are never reconciled here: the field
stays as the server has it and is named as contested.
"""

from attrs import frozen

from fiberq_core.rows import Row, differing


@frozen
class Merged:
    """What becomes of a row: *after* is the row that results (None: none).

    *contested* are the fields that both sides changed, *whole* says that one side deleted what
    the other changed; in both cases *after* has the server's side of it.
    """

    after: Row | None
    contested: frozenset[str] = frozenset()
    whole: bool = False


def merge(base: Row | None, sent: Row | None, server: Row | None) -> Merged:
    """Merge one row; see the module. Never raises."""
    if sent is None:
        return _deletion(base, server)
    if server is None:
        return Merged(sent) if base is None else Merged(None, whole=bool(differing(base, sent)))
    return _edit(base or Row(), sent, server)


def _deletion(base: Row | None, server: Row | None) -> Merged:
    if server is None or base is None:
        return Merged(server)
    return Merged(None) if server == base else Merged(server, whole=True)


def _edit(base: Row, sent: Row, server: Row) -> Merged:
    edited = differing(base, sent)
    contested = frozenset(n for n in edited if server.get(n) not in (base.get(n), sent.get(n)))
    return Merged(server.with_values({n: sent.get(n) for n in edited - contested}), contested)
