"""S38 through HTTP: a device was away while the server was upgraded to a registry with one more column."""

import sqlite3

import pytest
from aiohttp.test_utils import TestClient, TestServer

from fiberq_aiohttp.app import create_app
from fiberq_aiohttp.wiring import serving
from fiberq_storage.sqlite.connection import FILE
from tests.e2e.device import Device, Office, point
from tests.e2e.programs import NOTHING, counts, only

CLOSURE, TABLE, NEW = "Nastavci", "ftth_mufovi", "kapacitet"  # the column that the registry is to gain
HERE = {"type": "Point", "coordinates": [21, 44]}


def older(path, table):
    """Take the new column away from a table, as if the file had been made before."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {NEW}")
    connection.close()


def make_older(settings):
    """Bring the store and the packages that it keeps to the form that they had before the upgrade."""
    older(settings.data / FILE, TABLE)
    packages = list(settings.data.rglob("gpkg_sync/**/*.gpkg"))
    for package in packages:
        older(package, CLOSURE)
        revision, _, offset, making = package.name.split("-")
        package.rename(package.with_name(f"{revision}-{'0' * 16}-{offset}-{making}"))  # marked as of another form
    return len(packages)


def restarted(settings):
    """The server, started once more on the same data."""
    return TestClient(TestServer(create_app(settings, lambda: serving(settings))))


@pytest.fixture
async def upgraded(office, device, client, settings, token):
    """A device that left before the upgrade, the office after it, and two closures that both know."""
    closures = [await office.add(CLOSURE, HERE, naziv=f"N-{n}", tip="dome") for n in range(2)]
    phone = await device()
    await client.close()
    assert make_older(settings) == 1
    older(phone.path, CLOSURE)
    async with restarted(settings) as new:
        moved = Device(new, "x", phone.path.parent, phone.project)
        moved.headers, moved.path = phone.headers, phone.path
        yield moved, Office(new, token("engineer"), office.project), closures


async def test_s38_a_file_without_the_new_column_merges_by_name(upgraded):
    """S38: the device's edits apply, the new column stays as the office filled it in, new rows have it empty."""
    phone, office, (first, second) = upgraded
    await office.edit(CLOSURE, first, kapacitet="24", tip="inline")
    phone.edit(CLOSURE, first, naziv="N-0a")
    phone.edit(CLOSURE, second, napomena="wet")
    phone.add(CLOSURE, naziv="N-9", geom=point(21.3, 44.3))

    receipt = await phone.upload()
    closure = (await office.get(CLOSURE, first))["properties"]

    assert only(updated=2, inserted=1) == counts(receipt) and "export" == receipt["base"]
    assert ("N-0a", "inline", "24") == tuple(closure.get(name) for name in ("naziv", "tip", NEW))
    assert "wet" == await office.value(CLOSURE, second, "napomena")
    assert {"24", None} == {v["values"].get(NEW) for v in await office.history(CLOSURE, first)}


async def test_s38_a_file_from_before_that_nobody_edited(upgraded):
    """S38, S33: the package is not the one that the server would make today, and yet nothing in it is an edit."""
    phone, office, (first, _) = upgraded
    await office.edit(CLOSURE, first, kapacitet="24")
    before = await office.revision()

    receipt = await phone.upload()

    assert NOTHING == counts(receipt) and before == await office.revision()
    assert "24" == await office.value(CLOSURE, first, NEW)


async def test_s38_the_next_download_has_the_column(upgraded):
    """S38: after its upload the device takes the project away in the new form, and goes on from there."""
    phone, office, (first, _) = upgraded
    phone.edit(CLOSURE, first, naziv="N-0a")
    await phone.upload()
    await phone.download()
    phone.edit(CLOSURE, first, kapacitet="48")

    receipt = await phone.upload()

    assert only(updated=1) == counts(receipt) and "48" == await office.value(CLOSURE, first, NEW)
