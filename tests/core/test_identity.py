"""Which row is which: S12, S13, S16, S29 (uuids), S52, natural keys, files of unknown origin."""

from uuid import UUID

import pytest
from attrs import evolve

from fiberq_core.identity import Naming, content_digest, derived, name_rows, natural_uuid
from fiberq_core.proposals import naming
from fiberq_core.registry import GEOMETRY
from fiberq_core.rows import Row
from fiberq_core.sent import SentFile, SentLayer, SentRow
from tests.core.offline import CABLES, OKNA, POLES, Device, Office, point, uuid_of

U, V, W, FRESH = (uuid_of(name) for name in ("u", "v", "w", "fresh"))
METADATA = "_fiberq_metadata"
PHONE = Naming("project", "phone")


def sent(fid: int, uuid: str | None = None, source: str = POLES, **values) -> SentRow:
    """A row of a file."""
    return SentRow(source, fid, uuid, None, Row(values))


def a_layer(*rows: SentRow, layer: str = POLES, source: str | None = None, **more) -> SentLayer:
    """A table of a file, with the uuids that several of its rows carry."""
    carried: dict[str, tuple[int, ...]] = {}
    for row in rows:
        if row.uuid:
            carried[row.uuid] = (*carried.get(row.uuid, ()), row.fid)
    duplicates = {uuid: fids for uuid, fids in carried.items() if len(fids) > 1}
    return evolve(SentLayer(layer, source or layer, frozenset(), rows, duplicates), **more)


def uuids(*layers: SentLayer, located: dict[str, str] | None = None, by: Naming = PHONE) -> dict[int, str]:
    """The uuids that the rows get, by fid."""
    named = name_rows(layers, by, located or {})
    return {n.sent.fid: n.key.uuid for rows in named.values() for n in rows}


def rekeyed(*layers: SentLayer, located: dict[str, str] | None = None) -> dict[int, str]:
    """The uuids that rows could not keep, by fid."""
    named = name_rows(layers, PHONE, located or {})
    return {n.sent.fid: n.rekeyed for rows in named.values() for n in rows if n.rekeyed}


def test_derived_uuids():
    """The same parts give the same uuid, other parts another; parts do not run into each other."""
    assert derived("a", 1) == derived("a", 1) == str(UUID(derived("a", 1)))
    assert 4 == len({derived("a", 1), derived("a", 2), derived("b", 1), derived("a1")})


def test_s12_a_fresh_uuid_is_kept():
    """S12: a new row that brings a uuid is known by it."""
    assert {7: FRESH} == uuids(a_layer(sent(7, FRESH)))


def test_s13_a_new_row_without_uuid_is_known_by_its_copy_layer_and_fid():
    """S13: a retry finds the row again; another copy's, another layer's and another fid's are other rows."""
    [first] = uuids(a_layer(sent(7))).values()
    others = [
        uuids(a_layer(sent(8)))[8],
        uuids(a_layer(sent(7, source=OKNA), layer=OKNA))[7],
        uuids(a_layer(sent(7)), by=Naming("project", "tablet"))[7],
    ]

    assert first == uuids(a_layer(sent(7, naziv="renamed")))[7]
    assert 4 == len({first, *others})


def test_s13_a_row_that_was_named_before_keeps_its_name():
    """S13, S50: a copy made after an upload knows the rows of that upload by the names that they got."""
    fork = Naming("project", "fork", {(POLES, 7): U})

    assert {7: U, 8: derived("copy", "fork", POLES, 8)} == uuids(a_layer(sent(7), sent(8)), by=fork)


@pytest.mark.parametrize("rows", [(3, 9), (9, 3)])
def test_s16_the_row_with_the_bases_fid_keeps_the_uuid(rows):
    """S16: of two rows with one uuid the one at the fid that the export gave keeps it; the other gets a new one."""
    layer = a_layer(*(sent(fid, U) for fid in rows), delivered={3: U}, duplicates={U: (3, 9)})

    assert {3: U, 9: derived("copy", "phone", POLES, 9)} == uuids(layer, located={U: POLES})
    assert {9: U} == rekeyed(layer, located={U: POLES})


def test_s16_an_unedited_original_keeps_the_uuid():
    """S16: a row that came back as it was delivered is not looked at, and keeps its uuid all the same."""
    layer = a_layer(sent(8, U), sent(9, U), duplicates={U: (3, 8, 9)})

    assert U not in uuids(layer, located={U: POLES}).values()
    assert {8: U, 9: U} == rekeyed(layer, located={U: POLES})


def test_s16_among_new_rows_the_first_keeps_it():
    """S16: a new row that was copied at once keeps its fresh uuid; the copy gets its own."""
    layer = a_layer(sent(9, FRESH), sent(8, FRESH))

    assert {8: FRESH, 9: derived("copy", "phone", POLES, 9)} == uuids(layer)
    assert {9: FRESH} == rekeyed(layer)


@pytest.mark.parametrize("rows", [(sent(3), sent(9, U)), (sent(9, U), sent(3))])
def test_s16_a_copy_that_kept_nothing_of_the_original(rows):
    """S16, S29: the original's uuid was blanked and only the copy shows it; the base's fid decides."""
    layer = a_layer(*rows, delivered={3: U})

    assert {3: U, 9: derived("copy", "phone", POLES, 9)} == uuids(layer, located={U: POLES})


@pytest.mark.parametrize("retyped", [None, FRESH])
def test_s29_a_uuid_that_was_blanked_or_overwritten_is_given_back(retyped):
    """S29: the server owns the column, so a row at its export's fid is still that row."""
    layer = a_layer(sent(3, retyped), delivered={3: U})

    assert {3: U} == uuids(layer, located={U: POLES})
    assert {} == rekeyed(layer, located={U: POLES})


def test_s29_a_uuid_overwritten_with_that_of_an_unedited_row():
    """S16, S29: another row has the uuid that was typed, so the row is what its export says."""
    layer = a_layer(sent(3, V), delivered={3: U}, duplicates={V: (3, 4)})

    assert {3: U} == uuids(layer, located={U: POLES, V: POLES})
    assert {3: V} == rekeyed(layer, located={U: POLES, V: POLES})


def test_a_table_that_was_numbered_anew():
    """Rows with known uuids keep *their* uuids at other rows' fids, and a new row at such a fid is new."""
    known = {U: POLES, V: POLES, W: POLES}
    swapped = a_layer(sent(1, V), sent(2, U), delivered={1: U, 2: V})
    moved_up = a_layer(sent(1, V), sent(2, W), sent(3, FRESH), sent(4), delivered={1: U, 2: V, 3: W})

    assert {1: V, 2: U} == uuids(swapped, located=known)
    assert {1: V, 2: W, 3: FRESH, 4: derived("copy", "phone", POLES, 4)} == uuids(moved_up, located=known)
    assert {} == rekeyed(swapped, located=known) == rekeyed(moved_up, located=known)


def test_a_uuid_of_another_layer_is_not_taken_over():
    """A pole pasted among the manholes is a new manhole, whether the pole is known, deleted or new itself."""
    pole, manhole = a_layer(sent(3, U)), a_layer(sent(7, U, OKNA), layer=OKNA)

    assert derived("copy", "phone", OKNA, 7) == uuids(manhole, located={U: POLES})[7]
    assert {3: U, 7: derived("copy", "phone", OKNA, 7)} == uuids(pole, manhole)
    assert {7: U} == rekeyed(pole, manhole)
    assert uuids(pole, manhole) == uuids(pole, manhole, located={U: POLES})


def test_rows_with_a_natural_key():
    """A row of the plugin's settings is known by its key, in whatever file it comes."""
    row = sent(1, None, METADATA, key="schema")
    expected = natural_uuid("project", METADATA, "schema")

    assert {1: expected} == uuids(a_layer(row, layer=METADATA))
    assert {1: expected} == uuids(a_layer(row, layer=METADATA), by=Naming("project", None))
    assert expected != natural_uuid("project", METADATA, "other")
    assert expected != natural_uuid("another", METADATA, "schema")


def test_a_file_of_unknown_origin_names_rows_by_their_place():
    """S31: importing the same file again duplicates nothing, though attributes were edited in the meantime."""
    foreign = Naming("project", None)
    here, renamed = sent(7, naziv="a", geometry=point(21)), sent(7, naziv="b", geometry=point(21))
    there, placeless = sent(7, naziv="a", geometry=point(22)), sent(7, naziv="a")

    names = [uuids(a_layer(row), by=foreign)[7] for row in (here, renamed, there, placeless)]

    assert names[0] == names[1] and 3 == len(set(names))
    assert names[0] != uuids(a_layer(here), by=Naming("another", None))[7]
    assert content_digest(Row({"b": 1, "a": 2})) == content_digest(Row({"a": 2, "b": 1}))


def test_only_files_of_ours_have_a_copy():
    """Where a file does not say which export it is, its rows are named by content."""
    assert Naming("project", None) == naming("project", "phone", SentFile(None, ()))


def test_every_row_gets_a_name_of_its_own():
    """Whatever uuids a file's rows carry, no two rows of it end up as one."""
    layers = [
        a_layer(
            *(sent(fid, uuid) for fid, uuid in enumerate((U, U, V, None, FRESH, FRESH), 1)), delivered={1: U, 3: W}
        ),
        a_layer(*(sent(fid, uuid, CABLES) for fid, uuid in enumerate((U, FRESH, None), 11)), layer=CABLES),
    ]
    found = uuids(*layers, located={U: POLES, V: POLES, W: POLES})

    assert 9 == len(found) == len(set(found.values()))


def test_s13_a_later_upload_of_the_same_copy_finds_its_rows():
    """S13: what the first upload inserted, the second edits."""
    office = Office()
    phone = Device.of(office)
    fid = phone.add(POLES, naziv="new", geometry=point(21))
    [inserted] = phone.send()["items"]
    phone.edit(POLES, fid, naziv="renamed")

    receipt = phone.send()

    assert (inserted["uuid"], "updated") == (receipt["items"][0]["uuid"], receipt["items"][0]["outcome"])
    assert [Row({"naziv": "renamed", GEOMETRY: point(21)})] == office.all(POLES)


def test_s52_a_fid_is_never_used_twice():
    """S52: a new row that was sent and deleted, and the next new one, are two rows."""
    office = Office()
    office.put(POLES, "p", naziv="P-1")
    phone = Device.of(office)
    phone.edit(POLES, uuid_of("p"), naziv="P-1a")
    first = phone.add(POLES, naziv="A", geometry=point(21))
    phone.send()
    phone.delete(POLES, first)
    second = phone.add(POLES, naziv="B", geometry=point(22))

    receipt = phone.send()

    assert first != second and (1, 1, 0) == (receipt["inserted"], receipt["deleted"], receipt["updated"])
    assert ["P-1a", "B"] == [row.get("naziv") for row in office.all(POLES)]


def test_the_receipt_maps_fids_and_says_what_was_renamed():
    """S12, S16: a line per new row, from the file's fid to id and uuid; a copy's says whose uuid it carried."""
    office = Office()
    pole = office.put(POLES, "p", naziv="P-1")
    phone = Device.of(office)
    fid = phone.add(POLES, pole, naziv="copy")

    [line] = phone.send()["items"]

    assert (fid, 2, "inserted") == (line["fid"], line["id"], line["outcome"])
    assert pole != line["uuid"] and pole in line["reason"]
    assert {"P-1", "copy"} == {row.get("naziv") for row in office.all(POLES)}
