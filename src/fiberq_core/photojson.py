"""Photos as JSON: a row that names one, with what is known of the photo itself."""

from typing import Any

from fiberq_core.geojson import to_geojson
from fiberq_core.photos import PHOTO_PATH, PhotoFile, is_photo
from fiberq_core.ports import Version
from fiberq_core.records.showing import position
from fiberq_core.rows import Stored
from fiberq_core.wire import author_json

Json = dict[str, Any]


def photo_json(project_id: int, stored: Stored, file: PhotoFile | None) -> Json:
    """A row and its photo; *file* None: the photo is awaited.

    A record that has a photo of its own (a splice) is shown as a photo of itself.
    """
    row = stored.row
    own = is_photo(stored)
    longitude, latitude = position(to_geojson(row.geometry) if row.geometry else None)
    return {
        "id": stored.id,
        "uuid": stored.key.uuid,
        "project_id": project_id,
        "layer": stored.key.layer,
        "revision": stored.rev,
        "related_type": row.get("related_type") if own else stored.key.layer,
        "related_uuid": row.get("related_uuid") if own else stored.key.uuid,
        PHOTO_PATH: row.get(PHOTO_PATH),
        "caption": row.get("caption"),
        "taken_at": row.get("taken_at"),
        "taken_by_sub": row.get("taken_by_sub"),
        "longitude": longitude,
        "latitude": latitude,
        "awaited": file is None,
        "file": None if file is None else file_json(file),
    }


def file_json(file: PhotoFile) -> Json:
    """What is known of a photo; times and places are those in the photo itself."""
    facts = file.facts
    return {
        "name": file.name,
        "media_type": facts.media.type,
        "size": file.size,
        "width": facts.width,
        "height": facts.height,
        "taken_at": facts.taken_at,
        "longitude": facts.longitude,
        "latitude": facts.latitude,
        "whole": facts.whole,
        "file_name": file.file_name,
        "uploaded_by": author_json(file.by),
        "uploaded_at": file.at,
    }


def awaited_json(project_id: int, stored: Stored, named: Version) -> Json:
    """A row whose photo has not come; *named* is the version that first named it."""
    return {**photo_json(project_id, stored, None), "since": named.by.at, "from": author_json(named.by.author)}
