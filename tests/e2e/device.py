"""A device and an office, as they are from outside: files, HTTP, and nothing else."""

import hashlib
import shutil
import sqlite3
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from aiohttp import FormData
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

GEOMETRY_FUNCTIONS = {
    # what GDAL and QGIS add to SQLite for the triggers of the spatial index
    "ST_IsEmpty": lambda blob: int(blob is None),
    "ST_MinX": lambda blob: bounds(blob)[0],
    "ST_MaxX": lambda blob: bounds(blob)[1],
    "ST_MinY": lambda blob: bounds(blob)[2],
    "ST_MaxY": lambda blob: bounds(blob)[3],
}


def point(lon: float, lat: float, srid: int = 4326) -> bytes:
    """A point as a GeoPackage holds it."""
    return b"GP\x00\x01" + struct.pack("<i", srid) + struct.pack("<BIdd", 1, 1, lon, lat)


def line(*vertices: tuple[float, float], srid: int = 4326) -> bytes:
    """A line as a GeoPackage holds it, with an envelope."""
    xs, ys = [v[0] for v in vertices], [v[1] for v in vertices]
    head = b"GP\x00\x03" + struct.pack("<i4d", srid, min(xs), max(xs), min(ys), max(ys))
    return head + struct.pack("<BII", 1, 2, len(vertices)) + b"".join(struct.pack("<dd", *v) for v in vertices)


def bounds(blob: bytes) -> tuple[float, float, float, float]:
    """West, east, south, north of what `point` and `line` make."""
    if blob[3] & 0x0E:
        return struct.unpack("<4d", blob[8:40])
    x, y = struct.unpack("<dd", blob[13:29])
    return x, x, y, y


Client = TestClient[Request, Application]


class Device:
    """A phone or laptop of one person with one file of one project."""

    def __init__(self, client: Client, token: str, folder: Path, project: int) -> None:
        self.client, self.project = client, project
        self.headers = {"Authorization": f"Bearer {token}"}
        self.path = folder / f"{hashlib.sha256(token.encode()).hexdigest()[:8]}-{len(list(folder.iterdir()))}.gpkg"

    async def download(self) -> "Device":
        """Take the project away."""
        async with self.client.get(f"/api/sync/download/{self.project}", headers=self.headers) as answer:
            assert answer.status == 200, await answer.text()
            self.path.write_bytes(await answer.read())
        return self

    def copy(self, token: str | None = None) -> "Device":
        """The same file on another device."""
        other = Device(self.client, "x", self.path.parent, self.project)
        other.headers = {"Authorization": f"Bearer {token}"} if token else self.headers
        other.path = self.path.with_name(f"{self.path.stem}-copy{len(list(self.path.parent.iterdir()))}.gpkg")
        shutil.copy(self.path, other.path)
        return other

    async def answer(self, **query: str) -> tuple[int, dict[str, Any]]:
        """Send the file back; status and body."""
        form = FormData()
        form.add_field(
            "file", BytesIO(self.path.read_bytes()), filename="project.gpkg", content_type="application/octet-stream"
        )
        params = {"project_id": str(self.project), **query}
        async with self.client.post("/api/sync/upload", params=params, data=form, headers=self.headers) as answer:
            return answer.status, await answer.json()

    async def upload(self, **query: str) -> dict[str, Any]:
        """Send the file back; the receipt."""
        status, receipt = await self.answer(**query)
        assert status == 200, receipt
        return receipt

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Run a statement on the file as any SQLite program would."""
        found: list[Any] = self._run(lambda connection: connection.execute(statement, values).fetchall())
        return found

    def sql_many(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        """Run a statement for many rows."""
        self._run(lambda connection: connection.executemany(statement, rows))

    def _run(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        connection = sqlite3.connect(self.path)
        for name, function in GEOMETRY_FUNCTIONS.items():
            connection.create_function(name, 1, function)
        try:
            with connection:
                return work(connection)
        finally:
            connection.close()

    def edit(self, layer: str, uuid: str, **values: object) -> None:
        """Change columns of one row."""
        columns = ", ".join(f'"{name}" = ?' for name in values)
        self.sql(f'UPDATE "{layer}" SET {columns} WHERE fiberq_uuid = ?', *values.values(), uuid)

    def delete(self, layer: str, uuid: str) -> None:
        """Take one row away."""
        self.sql(f'DELETE FROM "{layer}" WHERE fiberq_uuid = ?', uuid)

    def add(self, layer: str, **values: object) -> int:
        """Add a row as QGIS does: columns that are not named are NULL. Returns its fid."""
        columns, marks = ", ".join(f'"{n}"' for n in values), ", ".join("?" * len(values))
        self.sql(f'INSERT INTO "{layer}" ({columns}) VALUES ({marks})', *values.values())
        return int(self.sql(f'SELECT max(fid) FROM "{layer}"')[0][0])

    def row(self, layer: str, uuid: str) -> dict[str, Any]:
        """One row of the file."""
        connection = sqlite3.connect(self.path)
        connection.row_factory = sqlite3.Row
        try:
            found = connection.execute(f'SELECT * FROM "{layer}" WHERE fiberq_uuid = ?', (uuid,)).fetchone()
            return dict(found)
        finally:
            connection.close()


class Office:
    """Somebody at the REST interface."""

    def __init__(self, client: Client, token: str, project: int) -> None:
        self.client, self.project = client, project
        self.headers = {"Authorization": f"Bearer {token}"}

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Any request below the project; status and JSON."""
        headers = {**self.headers, **more.pop("headers", {})}
        url = path if path.startswith("/api") else f"/api/projects/{self.project}{path}"
        async with self.client.request(method, url, headers=headers, **more) as answer:
            text = await answer.text()
            return answer.status, (await answer.json(content_type=None)) if text else None

    async def add(self, layer: str, geometry: dict[str, Any] | None = None, **properties: object) -> str:
        """Create a feature; its uuid."""
        body = {"type": "Feature", "properties": properties, "geometry": geometry}
        status, feature = await self.call("POST", f"/features/{layer}", json=body)
        assert status == 201, feature
        return str(feature["id"])

    async def pole(self, lon: float = 21.0, lat: float = 44.0, **properties: object) -> str:
        """Create a pole; its uuid."""
        return await self.add("Stubovi", {"type": "Point", "coordinates": [lon, lat]}, **properties)

    async def get(self, layer: str, uuid: str) -> dict[str, Any] | None:
        """A feature as it is now; None where it is not there."""
        status, feature = await self.call("GET", f"/features/{layer}/{uuid}")
        return feature if status == 200 else None

    async def value(self, layer: str, uuid: str, name: str) -> Any:
        """One column of a feature."""
        feature = await self.get(layer, uuid)
        assert feature is not None
        return feature["properties"].get(name)

    async def edit(self, layer: str, uuid: str, geometry: dict[str, Any] | None = None, **properties: object) -> None:
        """Change a feature."""
        feature = await self.get(layer, uuid)
        assert feature is not None
        body: dict[str, Any] = {"properties": properties} | ({"geometry": geometry} if geometry else {})
        headers = {"If-Match": f'"{feature["properties"]["fiberq_rev"]}"'}
        status, answer = await self.call("PATCH", f"/features/{layer}/{uuid}", json=body, headers=headers)
        assert status == 200, answer

    async def delete(self, layer: str, uuid: str) -> None:
        """Delete a feature."""
        feature = await self.get(layer, uuid)
        assert feature is not None
        headers = {"If-Match": f'"{feature["properties"]["fiberq_rev"]}"'}
        status, answer = await self.call("DELETE", f"/features/{layer}/{uuid}", headers=headers)
        assert status == 204, answer

    async def inbox(self, state: str = "open") -> list[dict[str, Any]]:
        """What waits."""
        status, page = await self.call("GET", "/inbox", params={"state": state})
        assert status == 200, page
        return list(page["items"])

    async def decide(self, item_id: str, decision: str, note: str = "") -> dict[str, Any]:
        """Say what is to become of an item."""
        status, item = await self.call("POST", f"/inbox/{item_id}", json={"decision": decision, "note": note})
        assert status == 200, item
        return dict(item)

    async def history(self, layer: str, uuid: str) -> list[dict[str, Any]]:
        """All versions of a feature, newest first."""
        status, answer = await self.call("GET", f"/features/{layer}/{uuid}/history")
        assert status == 200, answer
        return list(answer["versions"])

    async def revision(self) -> int:
        """The project's revision."""
        status, project = await self.call("GET", "")
        assert status == 200, project
        return int(project["revision"])
