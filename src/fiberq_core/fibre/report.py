"""A trace as JSON: what the trade reads, under new names and under those that old clients know.

Lengths are metres, losses dB. Steps have one list per leg; `segments` and `path_segments` are that of the only
leg, or of the trunk before the first splitter with more than one output. `loss_db` of a step and `total_loss_db`
are at the first of the wavelengths; the others stand beside them under `loss`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from fiberq_core.fibre.budget import Total, breaks_of, loss_of, status_of, totals, warnings_of, wavelengths_for
from fiberq_core.fibre.losses import TYPICAL, Losses, measured
from fiberq_core.fibre.network import Network, port_of
from fiberq_core.fibre.showing import Json, fibre_json, title
from fiberq_core.fibre.steps import CableRun, Jumper, Port, SplicePoint, Split, Step, Trace
from fiberq_core.registry import LAYER
from fiberq_core.rows import Stored, Value

ROUND_DB, ROUND_M = 6, 3
DIRECTIONS = {"from": "from_to", "to": "to_from", None: None}
SIDES = ("a", "b")


@frozen
class Reckoning:
    """How a trace is reckoned: *losses*, and the wavelengths (nm), or none for those that its cables are made for."""

    losses: Losses = TYPICAL
    wavelengths: tuple[int, ...] = ()


def trace_json(network: Network, made: Trace, how: Reckoning) -> Json:
    """A whole trace."""
    waves = how.wavelengths or wavelengths_for(made)
    sums = totals(made, waves, how.losses)
    legs = [_leg_json(network, made, n, sums[n], waves, how.losses) for n in range(len(made.legs))]
    ends = made.ends
    far = _last_port(made.legs[0].steps) if len(ends) == 1 else None
    start, end = _port_names(made.start, network), _port_names(far, network) if far else {}
    trunk = legs[0]
    return {
        "id": 0,
        "path_name": f"{start['name']} → {end['name']}" if end else start["name"],
        "status": status_of(made).value,
        "reason": made.legs[ends[0]].reason if len(ends) == 1 else None,
        "olt_element_fid": start["element_fid"],
        "olt_port_number": start["port"],
        "onu_element_fid": end.get("element_fid"),
        "onu_port_number": end.get("port"),
        "start": start,
        "end": end or None,
        "wavelengths_nm": list(waves),
        **{name: trunk[name] for name in ("total_loss_db", "total_length_m", "totals", "breaks")},
        "segments": trunk["segments"],
        "path_segments": trunk["segments"],
        "legs": legs if len(ends) > 1 else [],
        "warnings": warnings_of(made, network),
    }


def path_json(network: Network, made: Trace, how: Reckoning) -> Json:
    """A trace in a list of them: its ends and totals, with steps under the old name only."""
    whole = trace_json(network, made, how)
    return {name: value for name, value in whole.items() if name not in ("segments", "legs")}


def _leg_json(network: Network, made: Trace, n: int, total: Total, waves: Sequence[int], losses: Losses) -> Json:
    leg = made.legs[n]
    end = _last_port(leg.steps)
    breaks = [
        {**_of(run.breaks[at].row), "cable_uuid": run.fibre.cable, "from_start_m": _metres(metres)}
        for run, at, metres in breaks_of(made, n)
    ]
    return {
        "leg": n,
        "parent": leg.parent,
        "status": leg.status.value,
        "reason": leg.reason,
        "end": _port_names(end, network) if end else None,
        "total_length_m": _metres(total.length_m),
        "total_loss_db": _db(total.loss_db[waves[0]]),
        "totals": _totals(total, waves),
        "breaks": breaks,
        "segments": [_step_json(step, network, waves, losses) for step in leg.steps],
    }


def _totals(total: Total, waves: Sequence[int]) -> Json:
    """Length and loss; `complete` says that nothing on the way was unknown."""
    return {
        "length_m": {"value": _metres(total.length_m), "complete": total.length_known},
        "loss_db": {str(w): {"value": _db(total.loss_db[w]), "complete": total.loss_known[w]} for w in waves},
    }


def _step_json(step: Step, network: Network, waves: Sequence[int], losses: Losses) -> Json:
    found = {w: loss_of(step, w, losses) for w in waves}
    per_wave = {str(w): {"loss_db": _db(x.db), "loss_source": x.known.value} for w, x in found.items() if x is not None}
    first = per_wave.get(str(waves[0]), {"loss_db": None, "loss_source": None})
    return {**STEPS[type(step)](step, network), **first, "loss": per_wave}


def _port(step: Port, network: Network) -> Json:
    row = step.patch.row
    return {
        "type": "patch",
        **_of(step.patch),
        **_port_names(step.patch, network),
        "port_number": port_of(step.patch),
        "connector_type": row.get("connector_type"),
        "status": row.get("status"),
        "faulty": row.get("status") == "faulty",
        "length_m": 0.0,
    }


def _cable(step: CableRun, network: Network) -> Json:
    cable, number = step.cable, step.fibre.number
    return {
        "type": "cable",
        **(_of(cable) if cable else {"uuid": None, "id": None}),
        **fibre_json(step.fibre, network),
        "layer": cable.key.layer if cable else None,
        "cable_layer_id": cable.key.layer if cable else step.fibre.cable.partition(":")[0],
        "name": title(cable),
        "fiber_num": number,
        "direction": DIRECTIONS[step.entered],
        "length_m": _metres(step.length.metres),
        "length_source": step.length.source.value,
        "broken": bool(step.breaks),
    }


def _splice(step: SplicePoint, _: Network) -> Json:
    row, sides = step.splice.row, SIDES if step.entered == 0 else SIDES[::-1]
    return {
        "type": "splice",
        **_of(step.splice),
        "splice_id": step.splice.id,
        "closure_uuid": step.closure.key.uuid if step.closure else None,
        "closure": title(step.closure),
        "tray_number": step.tray.row.get("tray_number") if step.tray else None,
        "position_in_tray": row.get("position_in_tray"),
        **{f"{name}_side": side for name, side in zip(("from", "to"), sides, strict=True)},
        "splice_type": row.get("splice_type"),
        "status": row.get("status"),
        "faulty": row.get("status") == "faulty",
        "measured": measured(row),
        "length_m": 0.0,
    }


def _jumper(step: Jumper, network: Network) -> Json:
    ends = {"from": _port_names(step.start, network), "to": _port_names(step.end, network)}
    return {"type": "jumper", "from_id": step.start.id, "to_id": step.end.id, **ends, "length_m": None}


def _split(step: Split, _: Network) -> Json:
    return {
        "type": "splitter",
        **_of(step.element),
        "name": title(step.element),
        "ways": step.ways,
        "from_port": port_of(step.start),
        "to_port": port_of(step.end),
        "from_id": step.start.id,
        "to_id": step.end.id,
        "length_m": 0.0,
    }


STEPS: dict[type, Callable[[Any, Network], Json]] = {
    Port: _port, CableRun: _cable, SplicePoint: _splice, Jumper: _jumper, Split: _split,
}  # fmt: skip


def _last_port(steps: Sequence[Step]) -> Stored | None:
    last = steps[-1] if steps else None
    return last.patch if isinstance(last, Port) and len(steps) > 1 else None


def _port_names(patch: Stored, network: Network) -> Json:
    element = network.element(patch)
    raw = patch.row.get
    return {
        "patch_uuid": patch.key.uuid,
        "patch_id": patch.id,
        "element_uuid": element.key.uuid if element else None,
        "element_id": element.id if element else None,
        "element_fid": element.fid if element else raw("element_fid"),
        "element_layer": _layer_of(element) if element else raw("element_layer_id"),
        "name": f"{title(element) or 'unknown element'} : {port_of(patch)}",
        "port": port_of(patch),
    }


def _layer_of(element: Stored) -> Value:
    """The plugin's layer of an element: it has one for each type."""
    layer = LAYER[element.key.layer]
    kind = element.row.get(layer.variant_column or "")
    return kind if kind in layer.variants else layer.name


def _of(stored: Stored) -> Json:
    return {"uuid": stored.key.uuid, "id": stored.id, "from_id": stored.id, "to_id": stored.id}


def _metres(value: float | None) -> float | None:
    return None if value is None else round(value, ROUND_M)


def _db(value: float | None) -> float | None:
    return None if value is None else round(value, ROUND_DB)
