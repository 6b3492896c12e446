"""Pictures go out: by token, by signed address, by nginx, from a bucket, small and upright; and to nobody else."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import ClientError
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from fiberq_core.errors import StoreUnavailable
from fiberq_core.photos import shelf
from fiberq_core.signing import sign
from fiberq_storage.photos.bucket import PhotoBucket, s3
from tests.aiohttp.pictures import exif, picture
from tests.aiohttp.serving import ENV, Caller, an_app, token
from tests.buckets import a_bucket, s3_server

PHOTO = picture(size=(800, 400), exif=exif(6))
OTHER = picture(colour="red")


def pictures_in(folder: Path) -> list[str]:
    """All that lie anywhere below."""
    return [path.name for path in folder.rglob("*.jpg")]


async def sent(engineer: Caller, content: bytes = PHOTO) -> dict[str, str]:
    """A photo in a project of the engineer's: its name and its address."""
    project = await engineer.project()
    made = (await engineer("POST", f"/api/projects/{project}/photos", data=content)).json
    return {"name": made["file"]["name"], "url": made["url"], "path": made["url"].partition("?")[0]}


@pytest.fixture
async def behind_nginx(tmp_path: Path, database: str | None) -> AsyncIterator[Caller]:
    """An engineer at a server that lets nginx send photos."""
    async with TestClient(TestServer(an_app(tmp_path, database, photos_accel="/internal/photos"))) as client:
        yield Caller(client, token("engineer", sub="2"))


@pytest.fixture
async def on_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    """An engineer at a server whose photos are in a bucket."""
    with s3_server() as address:
        bucket = a_bucket(address, "photos", monkeypatch)
        async with TestClient(TestServer(an_app(tmp_path, photo_bucket=bucket))) as client:
            yield Caller(client, token("engineer", sub="2"))


@pytest.mark.each_store
async def test_by_token_and_by_address(engineer: Caller, stranger: Caller) -> None:
    """The same bytes, to be kept for a week by one person, and taken for nothing but a picture."""
    photo = await sent(engineer)
    for answer in (await engineer("GET", photo["path"]), await stranger("GET", photo["url"])):
        assert (200, PHOTO, "image/jpeg") == (answer.status, answer.body, answer.headers["Content-Type"])
        assert {"private", "max-age=604800"} <= set(answer.headers["Cache-Control"].split(", "))
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert f'attachment; filename="{photo["name"]}"' == answer.headers["Content-Disposition"]


async def test_an_address_is_for_one_photo(engineer: Caller, stranger: Caller) -> None:
    """Altered in any part, or of another photo, or without its end: 403; without anything: 401."""
    photo, other = await sent(engineer), await sent(engineer, OTHER)
    until, signature = photo["url"].partition("?")[2].split("&")
    altered = [
        f"{other['path']}?{until}&{signature}",
        f"{photo['path']}?{until}0&{signature}",
        f"{photo['path']}?{until}&{signature[:-1]}",
        f"{photo['path']}?{until}&{signature}0",
        f"{photo['path']}?{until}",
        f"{photo['path']}?{signature}",
        f"{photo['path']}?until=&signature=",
    ]

    for url in altered:
        answer = await stranger("GET", url)
        assert (403, "forbidden") == (answer.status, answer.json["code"])
        assert 403 == (await engineer("GET", url)).status
    assert 401 == (await stranger("GET", photo["path"])).status


async def test_an_address_expires(engineer: Caller, stranger: Caller) -> None:
    """One that was ours, an hour ago."""
    photo = await sent(engineer)
    old = sign(ENV["API_SECRET_KEY"].encode(), photo["name"], 1_700_000_000, 900)
    answer = await stranger("GET", f"{photo['path']}?until={old.until}&signature={old.signature}")

    assert (403, True) == (answer.status, "expired" in answer.json["detail"])


async def test_an_address_of_what_is_not_there(stranger: Caller) -> None:
    name = "0" * 64 + ".jpg"
    signed = sign(ENV["API_SECRET_KEY"].encode(), name, 4_000_000_000, 900)

    assert (
        404
        == (await stranger("GET", f"/storage/photos/{name}?until={signed.until}&signature={signed.signature}")).status
    )


@pytest.mark.each_store
async def test_a_photo_of_two_projects(engineer: Caller, outsider: Caller, admin: Caller) -> None:
    """Whoever is in one of them may see it; that it is in the other one, too, nobody learns."""
    photo = await sent(engineer)
    assert 404 == (await outsider("GET", photo["path"])).status
    await sent(outsider)

    for caller in (engineer, outsider, admin):
        assert (200, PHOTO) == ((await caller("GET", photo["path"])).status, (await caller("GET", photo["path"])).body)


@pytest.mark.parametrize("asked, side", [(1, 160), (160, 160), (161, 320), (700, 800), (2048, 800)])
async def test_thumbnails(engineer: Caller, stranger: Caller, asked: int, side: int) -> None:
    """Upright, at least as large as was asked for, never larger than the photo, without what the camera wrote."""
    photo = await sent(engineer)
    answer = await stranger("GET", f"{photo['url']}&size={asked}")

    with Image.open(BytesIO(answer.body)) as image:
        assert (200, (side // 2, side), {}) == (answer.status, image.size, dict(image.getexif()))
    assert "image/jpeg" == answer.headers["Content-Type"]
    assert "max-age=604800" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("size", ["0", "-1", "2049", "x", "1e9", ""])
async def test_sizes_that_are_none(engineer: Caller, size: str) -> None:
    photo = await sent(engineer)

    assert 422 == (await engineer("GET", f"{photo['path']}?size={size}")).status


async def test_a_part_and_a_look(engineer: Caller) -> None:
    """Ranges for whoever goes on, HEAD for whoever only wants to know."""
    photo = await sent(engineer)
    part = await engineer("GET", photo["path"], headers={"Range": "bytes=10-19"})
    look = await engineer("HEAD", photo["path"])

    assert (206, PHOTO[10:20]) == (part.status, part.body)
    assert (200, b"", str(len(PHOTO))) == (look.status, look.body, look.headers["Content-Length"])


async def test_nginx_sends_it(behind_nginx: Caller) -> None:
    """The server only says which file it is, below the internal address, and how it may be kept."""
    photo = await sent(behind_nginx)
    answer = await behind_nginx("GET", photo["path"])

    assert (200, b"") == (answer.status, answer.body)
    assert f"/internal/photos/{shelf(photo['name'])}" == answer.headers["X-Accel-Redirect"]
    assert "image/jpeg" == answer.headers["Content-Type"]
    assert "private" in answer.headers["Cache-Control"]
    assert 404 == (await Caller(behind_nginx.client, token("engineer", sub="4"))("GET", photo["path"])).status


async def test_a_bucket_gives_it(on_bucket: Caller, tmp_path: Path) -> None:
    """Through the server, with the same headers; nothing of it stays on this machine but the thumbnail."""
    photo = await sent(on_bucket)
    whole, look = await on_bucket("GET", photo["path"]), await on_bucket("HEAD", photo["path"])
    small = await on_bucket("GET", f"{photo['path']}?size=160")

    assert (200, PHOTO, "image/jpeg") == (whole.status, whole.body, whole.headers["Content-Type"])
    assert (200, b"", str(len(PHOTO))) == (look.status, look.body, look.headers["Content-Length"])
    assert "max-age=604800" in whole.headers["Cache-Control"]
    with Image.open(BytesIO(small.body)) as image:
        assert (80, 160) == image.size
    assert [f"{Path(photo['name']).stem}-160.jpg"] == pictures_in(tmp_path)


async def test_a_bucket_that_breaks_off(on_bucket: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes half a photo for a whole one, nor an error for a part of it."""
    photo = await sent(on_bucket)

    async def broken(_: PhotoBucket, name: str) -> AsyncIterator[bytes]:
        yield PHOTO[:100]
        raise StoreUnavailable(name)

    monkeypatch.setattr(PhotoBucket, "pieces", broken)
    with pytest.raises(ClientError):
        await on_bucket("GET", photo["path"])


async def test_a_bucket_that_lost_it(on_bucket: Caller) -> None:
    """As where a file is gone."""
    photo = await sent(on_bucket)
    assert await PhotoBucket(s3("s3://photos/of/fiberq")).remove(photo["name"], before=4e9)

    for url in (photo["path"], f"{photo['path']}?size=160"):
        assert 404 == (await on_bucket("GET", url)).status


async def test_a_file_that_is_gone(engineer: Caller, tmp_path: Path) -> None:
    """Where somebody removed it from the disk: 404, and no word of where it should be."""
    photo = await sent(engineer)
    for path in (tmp_path / "data" / "photos").rglob("*.jpg"):
        path.unlink()

    for url in (photo["path"], f"{photo['path']}?size=160"):
        answer = await engineer("GET", url)
        assert 404 == answer.status
        assert str(tmp_path) not in answer.body.decode()
