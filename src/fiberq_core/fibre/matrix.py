"""What is in a closure: every position of every tray, with what is spliced there."""

from collections.abc import Iterator

from fiberq_core.fibre.limits import places_of, splices_of, trays_of
from fiberq_core.fibre.losses import measured
from fiberq_core.fibre.network import Network, joint_of
from fiberq_core.fibre.places import SPLICES, TRAYS
from fiberq_core.fibre.showing import Json, fibre_json, title
from fiberq_core.rows import Stored

SIDES = ("a", "b")
PLAIN = ("splice_type", "loss_db", "status", "spliced_by_sub", "spliced_at", "notes")


def matrix(network: Network, closure: Stored) -> Json:
    """A closure's splices by tray and position; *network* has them, their trays and their cables. Losses are dB."""
    trays = [s for s in network.rows.values() if s.key.layer == TRAYS and s.row.get("closure_uuid") == closure.key.uuid]
    trays.sort(key=lambda tray: (_number(tray, "tray_number"), tray.id))
    shown = [_tray(network, tray) for tray in trays]
    return {
        "id": closure.id,
        "uuid": closure.key.uuid,
        "name": title(closure),
        "closure_type": closure.row.get("closure_type"),
        "tray_count": trays_of(closure.row) or None,
        "max_splices": splices_of(closure.row) or None,
        "splices": sum(tray["splices"] for tray in shown),
        "trays": shown,
    }


def _tray(network: Network, tray: Stored) -> Json:
    splices = [s for s in network.rows.values() if s.key.layer == SPLICES and s.row.get("tray_uuid") == tray.key.uuid]
    return {
        "id": tray.id,
        "uuid": tray.key.uuid,
        "tray_number": tray.row.get("tray_number"),
        "tray_type": tray.row.get("tray_type"),
        "capacity": places_of(tray.row) or None,
        "splices": len(splices),
        "positions": list(_positions(network, splices, places_of(tray.row))),
    }


def _positions(network: Network, splices: list[Stored], capacity: int) -> Iterator[Json]:
    """Every position from 1 on, free ones too, and then those beyond the tray, where an old server has some."""
    by_position: dict[int, list[Stored]] = {}
    for splice in sorted(splices, key=lambda s: s.id):
        by_position.setdefault(_number(splice, "position_in_tray"), []).append(splice)
    for position in sorted({*range(1, capacity + 1), *by_position}):
        for splice in by_position.get(position, []):
            yield {"position": position, "free": False, **_splice(network, splice)}
        if position not in by_position:
            yield {"position": position, "free": True}


def _splice(network: Network, splice: Stored) -> Json:
    joints = (joint_of(splice, side) for side in range(2))
    sides = {
        name: fibre_json(joint.fibre if joint else None, network) for name, joint in zip(SIDES, joints, strict=True)
    }
    return {
        "id": splice.id,
        "uuid": splice.key.uuid,
        **sides,
        **{name: splice.row.get(name) for name in PLAIN},
        "measured": measured(splice.row),
    }


def _number(stored: Stored, name: str) -> int:
    value = stored.row.get(name)
    return value if isinstance(value, int) else 0
