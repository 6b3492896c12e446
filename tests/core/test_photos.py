"""Photos: what is taken for one, what it is called, who may send it for which row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiberq_core.errors import BadPhoto, Conflict, Forbidden, Invalid
from fiberq_core.geojson import to_geojson
from fiberq_core.photos import (
    HEIC,
    JPEG,
    LONGEST_PATH,
    MAX_PIXELS,
    MEDIA,
    PHOTO_LAYERS,
    PNG,
    WEBP,
    KnownName,
    Media,
    check_size,
    demand_name,
    demand_record,
    device_path,
    looks_whole,
    media_in,
    media_of,
    name_of,
    place,
    related_layer,
    shelf,
    shown_name,
)
from fiberq_core.policy import Actor, Role
from fiberq_core.rows import Key, Row, Stored

DIGEST = "0123456789abcdef" * 4
HEADS = [
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", JPEG),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", PNG),
    (b"RIFF\x10\0\0\0WEBPVP8 ", WEBP),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1", HEIC),
    (b"\0\0\0\x18ftypmif1\0\0\0\0heic", HEIC),
    (b"", None),
    (b"\xff\xd8", None),
    (b"<!DOCTYPE html><html>", None),
    (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
    (b"GIF89a", None),
    (b"RIFF\x10\0\0\0WAVEfmt ", None),
    (b"\0\0\0\x18ftypavif", None),
    (b"\0\0\0\x18ftypisom", None),
    (b"%PDF-1.7", None),
    (b"MZ\x90", None),
]


@pytest.mark.parametrize("head, media", HEADS)
def test_a_file_is_what_its_content_says(head: bytes, media: Media | None) -> None:
    """Four kinds are known by their first bytes; a page, a program or another kind of picture is none of them."""
    assert media == media_of(head)


@pytest.mark.parametrize("media", MEDIA, ids=lambda m: m.extension)
def test_names_say_what_a_photo_is(media: Media) -> None:
    name = name_of(DIGEST, media)

    assert (media, f"01/{name}") == (media_in(name), shelf(name))
    assert media_in(name.upper()) is None


@given(st.text())
def test_no_other_text_is_a_name_of_ours(text: str) -> None:
    """Whatever a sender writes, only 64 digits of a digest and a known extension are taken for a name."""
    assert media_in(text) is None
    assert media_in(f"{text}/{DIGEST}.jpg") is None
    assert media_in(f"{DIGEST}.jpg{text}") is (JPEG if not text else None)


SCAN = b"\xff\xd8\xff\xe1EXIF\xff\xda..\xff\xd9\xff\xda......"
BOX = (16).to_bytes(4, "big") + b"ftypheic" + bytes(4)
LARGE_BOX = (1).to_bytes(4, "big") + b"mdat" + (20).to_bytes(8, "big") + bytes(4)
ENDS = [
    (JPEG, SCAN + b"\xff\xd9", True),
    (JPEG, SCAN + b"\xff\xd9MOTION PHOTO", True),
    (JPEG, SCAN, False),  # only the small picture inside the EXIF data ends
    (JPEG, b"\xff\xd8\xff", False),
    (PNG, b"\x89PNG....IEND....", True),
    (PNG, b"\x89PNG....IDAT", False),
    (WEBP, b"RIFF\x08\0\0\0WEBP....", True),
    (WEBP, b"RIFF\x09\0\0\0WEBP....", False),
    (HEIC, BOX + LARGE_BOX, True),
    (HEIC, BOX + bytes(4) + b"mdat...", True),
    (HEIC, (BOX + LARGE_BOX)[:-1], False),
    (HEIC, BOX + b"\0\0\0\x02mdat", False),
    (HEIC, BOX + b"\0\0\0\x01mdat" + bytes(8), False),
]


@pytest.mark.parametrize("media, content, whole", ENDS)
def test_an_end_that_is_missing_is_seen(media: Media, content: bytes, whole: bool) -> None:
    assert whole == looks_whole(media, content)


@pytest.mark.parametrize("media", MEDIA, ids=lambda m: m.extension)
@given(content=st.binary())
def test_looking_at_an_end_always_ends(media: Media, content: bytes) -> None:
    """Nothing in a file makes it go wrong or go on for ever."""
    assert looks_whole(media, content) in (True, False)


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (40_000, 1), (12_000, 10_001), (MAX_PIXELS, 1)])
def test_what_would_burst_is_refused(size: tuple[int, int]) -> None:
    """More pixels than a camera makes, or none, are an attack."""
    with pytest.raises(BadPhoto):
        check_size(*size)


def test_a_large_camera_is_fine() -> None:
    check_size(12_000, 9_000)


@pytest.mark.parametrize("path", ["DCIM/a.jpg", "a", "/storage/emulated/0/DCIM/š č.jpg", "DCIM\\a.jpg", "x..y/z"])
def test_paths_of_devices_stay_as_they_are(path: str) -> None:
    assert path == device_path(path)


@pytest.mark.parametrize("path", ["", "../a", "a/../b", "a\\..\\b", "..", "a\0b", "a\nb", "x" * (LONGEST_PATH + 1)])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(Invalid):
        device_path(path)


def test_what_a_sender_calls_a_file_is_shown_without_folders() -> None:
    assert ["x.jpg", "x.jpg", 'a"b.jpg', "", "ab"] == [
        shown_name(text) for text in ("../../x.jpg", "C:\\tmp\\x.jpg", 'a"b.jpg', None, "a\r\nb")
    ]


@pytest.mark.parametrize(
    "said, layer",
    [
        ("work_order", "Work_orders"),
        ("work_order_item", "work_order_items"),
        ("smr_report", "SMR_reports"),
        ("splice", "fiber_splices"),
        ("closure", "Splice_closures"),
        ("Poles", "Stubovi"),
        ("Stubovi", "Stubovi"),
    ],
)
def test_what_a_photo_shows_may_be_called_by_any_name(said: str, layer: str) -> None:
    assert layer in (related_layer(said).name, related_layer(said).table)


@pytest.mark.parametrize("said", ["", "../../etc", "field_photos", "members", "x" * 10_000])
def test_a_photo_shows_nothing_else(said: str) -> None:
    with pytest.raises(Invalid):
        related_layer(said)


def test_places() -> None:
    """Both numbers or none, in degrees."""
    made = place(20.5, -44.25)

    assert made is not None and [20.5, -44.25] == to_geojson(made)["coordinates"]
    assert place(None, None) is None
    for wrong in ((20.0, 999.0), (181.0, 1.0), (None, 1.0), (1.0, None)):
        with pytest.raises(Invalid):
            place(*wrong)


def actor(sub: str, role: Role = Role.FIELD_WORKER) -> Actor:
    return Actor(sub, frozenset({role}))


def photo(owner: str | None, number: int = 1) -> Stored:
    values = {"photo_path": "DCIM/a.jpg", **({"taken_by_sub": owner} if owner else {})}
    return Stored(Key("field_photos", str(number)), Row(values), number, number, 1)


NEW, OLD = name_of("f" * 64, JPEG), name_of("0" * 64, JPEG)
NAMINGS = [
    # sender, owners of the rows, who sent the photo that is there, what becomes of it
    ("vuk", [], None, None),
    ("vuk", ["vuk"], None, None),
    ("vuk", ["ana"], None, Forbidden),
    ("vuk", [None], None, Forbidden),
    ("vuk", ["ana", "vuk"], None, None),
    ("vuk", [], "vuk", None),
    ("vuk", [], "ana", Conflict),
    ("vuk", ["vuk"], "ana", None),  # it came from somebody without a row of this name
    ("vuk", ["ana", "vuk"], "ana", Conflict),
    ("vuk", ["ana"], "vuk", Forbidden),
    ("ema", [], "ana", None),
    ("ema", ["ana", "vuk"], "ana", None),
]


@pytest.mark.parametrize("sender, owners, there, refused", NAMINGS)
def test_who_may_send_a_photo_by_its_path(
    sender: str, owners: list[str | None], there: str | None, refused: type[Exception] | None
) -> None:
    """Ema is an engineer, the others are crew."""
    me = actor(sender, Role.ENGINEER if sender == "ema" else Role.FIELD_WORKER)
    rows = [photo(owner, n) for n, owner in enumerate(owners)]
    known = KnownName("DCIM/a.jpg", OLD, there) if there else None

    if refused is None:
        demand_name(me, rows, known, NEW)
    else:
        with pytest.raises(refused):
            demand_name(me, rows, known, NEW)
    if refused is not Forbidden:
        demand_name(me, rows, known, OLD)  # the very same photo is always welcome


def test_who_may_photograph_what() -> None:
    """A pole belongs to nobody; an order to whom it is assigned; an item to whoever has its order."""
    pole, order, item = (
        Stored(Key(layer, "u"), Row(), 1, 1, 1) for layer in ("Stubovi", "Work_orders", "work_order_items")
    )
    demand_record(actor("vuk"), pole, None)
    demand_record(actor("vuk"), order, "vuk")
    demand_record(actor("ema", Role.ENGINEER), item, None)
    for record, owner in ((order, "ana"), (order, None), (item, "ana")):
        with pytest.raises(Forbidden):
            demand_record(actor("vuk"), record, owner)
    with pytest.raises(Invalid):
        demand_record(actor("ema", Role.ENGINEER), photo("ema"), "ema")


def test_the_layers_that_name_photos() -> None:
    assert {"field_photos", "fiber_splices"} == {layer.table for layer in PHOTO_LAYERS}
