"""What a trace and a closure look like in JSON: new names, and those that old clients read."""

import json

import pytest

from fiberq_core.fibre.losses import configured
from fiberq_core.fibre.matrix import matrix
from fiberq_core.fibre.report import Reckoning, path_json, trace_json
from fiberq_core.fibre.tracing import trace
from tests.core.plant import BREAKS, Plant, chain
from tests.core.test_tracing import a_splitter


def reported(plant: Plant, port: str = "ODF:1", how: Reckoning | None = None) -> dict[str, object]:
    """The JSON of a trace."""
    shown = trace_json(plant.network, trace(plant.network, plant.rows[port]), how or Reckoning())
    assert shown == json.loads(json.dumps(shown, allow_nan=False))
    return shown


def test_a_complete_trace():
    """Ordered steps with lengths and losses that add up to the totals, ends, and nothing to warn of."""
    plant = chain(2)
    for name in ("S0", "S1"):
        plant.add("fiber_splices", name, **{**plant.rows[name].row.values, "status": "tested"})
    shown = reported(plant)
    segments = shown["segments"]
    assert isinstance(segments, list)

    assert ["patch", "cable", "splice", "cable", "splice", "cable", "patch"] == [s["type"] for s in segments]
    assert segments == shown["path_segments"]
    assert ("complete", "ODF : 1 → TO : 1", []) == (shown["status"], shown["path_name"], shown["warnings"])
    assert shown["total_length_m"] == 303 == sum(s["length_m"] for s in segments)
    assert shown["total_loss_db"] == pytest.approx(sum(s["loss_db"] for s in segments))
    assert shown["total_loss_db"] == pytest.approx(0.303 * 0.35 + 0.1 + 0.02 + 2 * 0.3)
    assert [1310, 1490, 1550, 1625] == shown["wavelengths_nm"]
    ends = (shown["start"], shown["end"])
    assert [("ODF", 1), ("TO", 1)] == [(e["element_uuid"], e["port"]) for e in ends if isinstance(e, dict)]
    fids = [plant.rows[name].fid for name in ("ODF", "TO")]
    assert [*fids, 1, 1] == [
        shown[name] for name in ("olt_element_fid", "onu_element_fid", "olt_port_number", "onu_port_number")
    ]


def test_what_old_clients_read_of_a_step():
    """Type, from_id, to_id, cable_fid, fiber_num, loss_db, length_m; and both spellings of the fibre's number."""
    plant = chain(1)
    shown = reported(plant)["segments"]
    assert isinstance(shown, list)
    port, cable, splice = shown[:3]

    assert all({"type", "from_id", "to_id", "loss_db", "length_m"} <= set(step) for step in shown)
    assert (plant.rows["K0"].fid, 1, 1, 100.0) == tuple(
        cable[name] for name in ("cable_fid", "fiber_num", "fiber_number", "length_m")
    )
    assert (plant.rows["ODF:1"].id, 1, "ODF : 1") == (port["from_id"], port["port_number"], port["name"])
    assert (plant.rows["S0"].id, "a", "b", "closure of S0", 1) == (
        splice["splice_id"], splice["from_side"], splice["to_side"], splice["closure"], splice["tray_number"],
    )  # fmt: skip


def test_colours_are_derived():
    """Fibre 14 of a cable with twelve to a tube lies in the orange tube, and is orange."""
    plant = Plant()
    plant.cable("K")
    plant.patch("ODF", 1, ("K", 14))
    cable = reported(plant)["segments"][1]  # type: ignore[index]

    assert (2, "Orange", 2, "Orange") == tuple(
        cable[name] for name in ("tube_number", "tube_color", "position_in_tube", "fiber_color")
    )


def test_how_losses_are_known():
    """Each loss says whether it was measured, given with the cable, a default or unknown; totals say what they lack."""
    plant = chain(2)
    plant.cable("K1", total_len_m=None)
    plant.cable("K2", slabljenje_dbkm=0.5)
    shown = reported(plant)
    segments = shown["segments"]
    assert isinstance(segments, list)

    assert ["default", "default", "default", "unknown", "measured", "given", "default"] == [
        s["loss_source"] for s in segments
    ]
    assert segments[3]["loss_db"] is None is segments[3]["length_m"]
    totals = shown["totals"]
    assert isinstance(totals, dict)
    assert (False, False) == (totals["length_m"]["complete"], totals["loss_db"]["1310"]["complete"])
    assert isinstance(shown["warnings"], list)
    assert "the length of underground cable K1 is not known" in shown["warnings"]
    assert "2 of the splices on the way are planned, not made" in shown["warnings"]


def test_other_figures_and_wavelengths():
    """Losses are reckoned as asked for, at the wavelengths that are asked for; the first is the total."""
    shown = reported(chain(0), how=Reckoning(configured({"connector": "1", "fibre_1550": "10"}), (1550, 1310)))

    assert ([1550, 1310], pytest.approx(3.0)) == (shown["wavelengths_nm"], shown["total_loss_db"])


def test_a_multimode_cable():
    """It is reckoned at its own wavelengths."""
    plant = chain(0)
    plant.cable("K0", vrsta_vlakana="MM", total_len_m=1000.0)
    shown = reported(plant)

    assert ([850, 1300], pytest.approx(3.6)) == (shown["wavelengths_nm"], shown["total_loss_db"])


def test_warnings():
    """Faulty splices, broken cables, fibres that a cable does not have: listed, and said."""
    plant = chain(1)
    plant.splice("S0", ("K0", 1), ("K1", 2), status="faulty")
    plant.cable("K1", total_fibers=1)
    plant.add(BREAKS, "B", kabl_uuid="K0", distance_m=3.0)
    plant.patch("OLT", 1, connected_to_uuid="ODF:1")
    shown = reported(plant)
    segments, warnings = shown["segments"], shown["warnings"]
    assert isinstance(segments, list)
    assert isinstance(warnings, list)

    assert ("broken", True, True) == (shown["status"], segments[2]["faulty"], segments[1]["broken"])
    assert {
        "underground cable K0 is broken",
        "position 1 in tray 1 of splice closure closure of S0 is faulty",
        "underground cable K1 has 1 fibres, so it has no fibre 2",
    } <= set(warnings)
    assert any("jumper to element OLT, port 1" in w for w in warnings)
    assert ["B"] == [b["uuid"] for b in shown["breaks"]]  # type: ignore[attr-defined]


def test_a_tree():
    """From a splitter's input every way is a leg with its own totals; the segments are the trunk's."""
    shown = reported(a_splitter(3))
    legs = shown["legs"]
    assert isinstance(legs, list)

    assert ["patch", "cable", "patch"] == [s["type"] for s in shown["segments"]]  # type: ignore[attr-defined]
    assert (None, "ODF : 1") == (shown["end"], shown["path_name"])
    assert [(0, "TO0 : 1", 2000.0), (0, "TO1 : 1", 2000.0), (0, "TO2 : 1", 2000.0)] == [
        (leg["parent"], leg["end"]["name"], leg["total_length_m"]) for leg in legs[1:]
    ]
    assert ("splitter", 8) == (legs[1]["segments"][0]["type"], legs[1]["segments"][0]["ways"])


def test_a_path_in_a_list():
    """Without what a list need not repeat."""
    plant = chain(1)
    shown = path_json(plant.network, trace(plant.network, plant.rows["ODF:1"]), Reckoning())

    assert "path_segments" in shown and not {"segments", "legs"} & shown.keys()


def test_a_closure():
    """Every position of every tray in order, free ones too, and those beyond the tray; with colours of both sides."""
    plant = Plant()
    plant.cable("K")
    second, first = plant.tray("N", 2, capacity=2), plant.tray("N", 1, tray_type="6F")
    plant.splice("S", ("K", 13), ("K", 2), tray=second, loss_db=0.0, status="spliced")
    plant.add("fiber_splices", "far", tray_uuid=second, position_in_tray=9)
    shown = matrix(plant.network, plant.rows["N"])

    assert [(1, 6, 0), (2, 2, 2)] == [(t["tray_number"], t["capacity"], t["splices"]) for t in shown["trays"]]
    assert first in [t["uuid"] for t in shown["trays"]]
    rows = shown["trays"][1]["positions"]
    assert [(1, False), (2, True), (9, False)] == [(r["position"], r["free"]) for r in rows]
    assert ("K", 2, "Orange", "Blue") == tuple(
        rows[0]["a"][name] for name in ("cable_name", "tube_number", "tube_color", "fiber_color")
    )
    assert (False, "spliced", None) == (rows[0]["measured"], rows[0]["status"], rows[2]["a"]["cable"])
