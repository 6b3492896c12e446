"""A server on whatever store the test runs on, people who sign in, and the devices that they carry."""

import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pyproj import Transformer

from fiberq_aiohttp.app import create_app
from fiberq_aiohttp.devkeys import issue_dev_token
from fiberq_aiohttp.settings import Settings, from_env
from fiberq_aiohttp.wiring import serving
from tests.e2e.device import Client, Device, Office, point

NAMES = {"admin": "Ana Admin", "engineer": "Elena Engineer", "field_worker": "Filip Field"}


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Where the server keeps everything."""
    return tmp_path / "data"


@pytest.fixture
def settings(data_folder: Path, database: str | None) -> Settings:
    """A development server's settings."""
    data_folder.mkdir()
    env = {"FIBERQ_DATA": str(data_folder), "DATABASE_URL": database or ""}
    return from_env(env, dev=True, host="127.0.0.1", port=8080)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    """A client of the running server."""
    app = create_app(settings, lambda: serving(settings))
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def people() -> dict[str, str]:
    """Roles and the subjects who have them."""
    return {"admin": "ana", "engineer": "elena", "field_worker": "filip"}


@pytest.fixture
def token(settings: Settings, client: Client, people: dict[str, str]) -> Callable[[str], str]:
    """Makes tokens: by role, as the development sign-in issues them."""

    def make(role: str) -> str:
        return issue_dev_token(settings.data, settings.provider.issuer, role, people[role], NAMES[role], time.time())

    return make


async def _project(client: Client, token: Callable[[str], str], name: str) -> int:
    headers = {"Authorization": f"Bearer {token('engineer')}"}
    async with client.post("/api/projects", json={"name": name}, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        project = int((await answer.json())["id"])
    member = {"sub": "*", "role": "engineer"}
    async with client.post(f"/api/projects/{project}/members", json=member, headers=headers) as answer:
        assert answer.status in (200, 201), await answer.text()
    return project


@pytest.fixture
async def project(client: Client, token: Callable[[str], str]) -> int:
    """A project that everybody with a role belongs to."""
    return await _project(client, token, "Village")


@pytest.fixture
async def other_project(client: Client, token: Callable[[str], str]) -> int:
    """Another one."""
    return await _project(client, token, "Town")


@pytest.fixture
def office(client: Client, token: Callable[[str], str], project: int) -> Office:
    """An engineer at the REST interface."""
    return Office(client, token("engineer"), project)


@pytest.fixture
def crew_office(client: Client, token: Callable[[str], str], project: int) -> Office:
    """A field worker at the REST interface."""
    return Office(client, token("field_worker"), project)


NewDevice = Callable[..., Awaitable[Device]]


@pytest.fixture
def device(client: Client, token: Callable[[str], str], project: int, tmp_path: Path) -> NewDevice:
    """Makes devices that have just downloaded the project."""
    folder = tmp_path / "devices"
    folder.mkdir()

    async def make(role: str = "field_worker") -> Device:
        return await Device(client, token(role), folder, project).download()

    return make


@pytest.fixture
def many(office: Office, device: NewDevice) -> Callable[[str, int], Awaitable[None]]:
    """Fills a layer of points with rows."""

    async def fill(layer: str, count: int) -> None:
        phone = await device("engineer")
        rows: list[tuple[object, ...]] = [(f"N-{n}", point(20 + n / 1000, 44)) for n in range(count)]
        phone.sql_many(f"INSERT INTO {layer} (naziv, geom) VALUES (?, ?)", rows)
        await phone.upload()

    return fill


@pytest.fixture
def to_web_mercator() -> Callable[[Device, str], None]:
    """Brings a layer of points of a device's file to EPSG:3857, as the plugin works."""
    transformer = Transformer.from_crs(4326, 3857, always_xy=True)

    def convert(device: Device, layer: str) -> None:
        device.sql(
            "INSERT OR IGNORE INTO gpkg_spatial_ref_sys (srs_name, srs_id, organization, organization_coordsys_id, definition)"
            " VALUES ('WGS 84 / Pseudo-Mercator', 3857, 'EPSG', 3857, 'undefined')"
        )
        for fid, blob in device.sql(f"SELECT fid, geom FROM {layer}"):
            x, y = transformer.transform(*struct.unpack("<dd", blob[13:29]))
            device.sql(f"UPDATE {layer} SET geom = ? WHERE fid = ?", point(x, y, 3857), fid)
        for table in ("gpkg_contents", "gpkg_geometry_columns"):
            device.sql(f"UPDATE {table} SET srs_id = 3857 WHERE table_name = ?", layer)

    return convert
