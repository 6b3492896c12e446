"""Files from a time that a restored backup does not know."""

import time
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from fiberq_aiohttp.app import create_app
from fiberq_aiohttp.devkeys import issue_dev_token
from fiberq_aiohttp.settings import Settings, from_env
from fiberq_aiohttp.wiring import back_up, restore, serving
from tests.e2e.device import Device, point

POLE = "Stubovi"


def a_token(settings: Settings, role: str, sub: str) -> str:
    """A token for the restored server, whose sign-in has keys of its own."""
    return issue_dev_token(settings.data, settings.provider.issuer, role, sub, role, time.time())


async def test_a_file_from_the_lost_time_replaces_nothing_by_itself(
    office, device, settings, client, project, tmp_path: Path
):
    """Its revision number means something else by now: what differs is asked, what is new comes in, nothing is deleted."""
    pole, other = await office.pole(naziv="P-1"), await office.pole(lon=21.1, naziv="P-2")
    back_up(settings, tmp_path / "backup")
    await office.edit(POLE, pole, naziv="lost")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    phone.delete(POLE, other)
    phone.add(POLE, naziv="new", geom=point(21.5, 44.5))
    await client.close()

    again = from_env({}, dev=True, data=tmp_path / "restored")
    restore(again, tmp_path / "backup")
    async with TestClient(TestServer(create_app(again, lambda: serving(again)))) as restored:
        office.client = phone.client = restored
        office.headers = {"Authorization": f"Bearer {a_token(again, 'engineer', 'elena')}"}
        crew = a_token(again, "field_worker", "filip")
        phone.headers = {"Authorization": f"Bearer {crew}"}
        await office.edit(POLE, pole, naziv="newer")  # takes the very revision that the phone's export had
        await Device(restored, crew, tmp_path / "devices", project).download()
        receipt = await phone.upload()
        items = await office.inbox()

        assert ("newer", "P-2") == (await office.value(POLE, pole, "naziv"), await office.value(POLE, other, "naziv"))
        assert (1, 0) == (receipt["inserted"], receipt["deleted"]) and receipt["notes"]
        assert [("conflict", "naziv", "lost")] == [(i["kind"], i["field"], i["device"]) for i in items]


def test_a_restored_folder_is_its_owners_alone(settings, office, tmp_path: Path):
    """Restoring makes the data folder as the server would."""
    back_up(settings, tmp_path / "backup")
    again = from_env({}, dev=True, data=tmp_path / "restored")
    restore(again, tmp_path / "backup")

    assert 0o700 == again.data.stat().st_mode & 0o777
