"""A project with something of everything, so that made-up calls can meet what is there; and how it stands."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import requests
from attrs import define, field
from PIL import Image

POINT = {"type": "Point", "coordinates": [20.5, 44.25]}
LINE = {"type": "LineString", "coordinates": [[20.5, 44.25], [20.6, 44.25]]}
AREA = {"type": "Polygon", "coordinates": [[[20.4, 44.2], [20.6, 44.2], [20.6, 44.3], [20.4, 44.2]]]}
LAYERS: Mapping[str, tuple[Mapping[str, Any] | None, Mapping[str, Any]]] = {  # what is seeded of each
    "Stubovi": (POINT, {"naziv": "S-1"}),
    "Kablovi_podzemni": (LINE, {"naziv": "K-1", "broj_vlakana": 24}),
    "Elements": (POINT, {"naziv": "ODF", "tip": "ODF", "kapacitet": 24}),
    "Work_orders": (AREA, {"title": "Dig", "order_type": "repair", "assigned_to_sub": "filip"}),
    "_fiberq_metadata": (None, {"key": "note", "value": "x"}),
}
PEOPLE = {"none": "nora", "field_worker": "filip", "engineer": "elena", "admin": "ana"}  # role: subject
PATIENCE = 60.0  # seconds for one answer


def a_picture() -> bytes:
    """A small photo."""
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "green").save(file, "JPEG")
    return file.getvalue()


@define
class World:
    """A server at *address*, people with tokens (by role), and one project. *places*: real values of what is in paths."""

    address: str
    token: Callable[[str, str], str]
    on_database: bool = False
    session: requests.Session = field(factory=requests.Session)
    project: int = 0
    uuids: dict[str, str] = field(factory=dict)
    places: dict[str, Any] = field(factory=dict)

    def headers(self, role: str) -> dict[str, str]:
        """How somebody with this role signs in; stranger: not at all."""
        return {} if role == "stranger" else {"Authorization": f"Bearer {self.token(role, PEOPLE[role])}"}

    def ask(self, method: str, path: str, role: str = "engineer", **more: Any) -> requests.Response:
        """A request."""
        return self.session.request(
            method, self.address + path, headers=self.headers(role) | more.pop("headers", {}), timeout=PATIENCE, **more
        )

    def made(self, path: str, body: object, role: str = "engineer") -> Any:
        """Create something; what came of it."""
        answer = self.ask("POST", path, role, json=body)
        assert answer.status_code in (200, 201), (path, answer.text)
        return answer.json()

    def seed(self) -> None:
        """A new project with something of everything."""
        self.project = self.made("/api/projects", {"name": "Selo"})["id"]
        at = f"/api/projects/{self.project}"
        self.made(f"{at}/members", {"sub": PEOPLE["field_worker"], "role": "field_worker"})
        for layer, (geometry, properties) in LAYERS.items():
            made = self.made(f"{at}/features/{layer}", {"geometry": geometry, "properties": properties})
            self.uuids[layer] = made["id"]
            self.places[layer] = made["properties"]["id"]
        self._seed_records()
        photo = self.ask("POST", f"{at}/photos", files={"file": ("x.jpg", a_picture())}).json()
        self.places |= {"project": self.project, "photo": photo["id"], "name": photo["file"]["name"], "sub": "filip"}
        self.uuids["field_photos"] = photo["uuid"]
        self._seed_exchange(at)

    def _seed_records(self) -> None:
        order = self.made("/api/work-orders", {"title": "Splice", "order_type": "splice", "project_id": self.project})
        item = self.made(f"/api/work-orders/{order['id']}/items", {"item_type": "splice"})
        report = self.made("/api/smr-reports", {"work_order_id": order["id"], "activities": ["dug"]})
        closure = self.made("/api/fiber-plan/closures", {"project_id": self.project, "lon": 20.5, "lat": 44.25})
        tray = self.made(f"/api/fiber-plan/closures/{closure['id']}/trays", {"tray_number": 1})
        splice = self.made("/api/fiber-plan/splices", {"tray_id": tray["id"], "position_in_tray": 1})
        element = {"element_layer_id": "Elements", "element_fid": self.places["Elements"], "port_number": 1}
        patch = self.made("/api/fiber-plan/patches", {**element, "project_id": self.project})
        self.places["fid"], self.places["port"] = self.places["Elements"], 1
        self.places |= {
            "work-orders": order["id"],
            "items": item["id"],
            "smr-reports": report["id"],
            "closures": closure["id"],
            "trays": tray["id"],
            "splices": splice["id"],
            "patches": patch["id"],
        }

    def _seed_exchange(self, at: str) -> None:
        """A package that goes out and comes back, with one thing that has to wait."""
        package = self.ask("GET", f"/api/sync/download/{self.project}", "field_worker").content
        receipt = self.ask("POST", f"/api/sync/upload?project_id={self.project}", "field_worker", data=package).json()
        self.places["sync_id"] = receipt["sync_id"]
        items = self.ask("GET", f"{at}/inbox").json()["items"]
        self.places["item"] = items[0]["item_id"] if items else "x"

    def real(self, path: str, layer: str | None) -> dict[str, Any]:
        """Real values for the places in a path of the document."""
        found = dict(self.places)
        words = path.split("/")
        for name in ("number", "parent"):
            if f"{{{name}}}" in words:
                found[name] = self.places.get(words[words.index(f"{{{name}}}") - 1], 1)
        found["uuid"] = self.uuids.get(layer or ("field_photos" if "photos" in words else "Elements"), "x")
        return found

    def state(self) -> Any:
        """Everything that a refused call may not change: projects with their revisions, members, inbox, tokens."""
        at = f"/api/projects/{self.project}"
        paths = ("/api/projects?archived=1", f"{at}/members", f"{at}/inbox", "/api/auth/tokens")
        return [self.ask("GET", path, "admin").text for path in paths]
