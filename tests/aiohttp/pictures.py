"""Photos for tests: small, of every kind that is taken, with what cameras write into them."""

from io import BytesIO
from typing import Any, Final

from PIL import Image
from pillow_heif import from_pillow

ZONE: Final = "+02:00"
TAKEN: Final = "2026:05:04 10:11:12"  # local time in `ZONE`
TAKEN_AT: Final = "2026-05-04T08:11:12.000Z"
PLACE: Final = (21.26, 43.5)  # longitude and latitude, degrees


def exif(orientation: int = 1, zone: str | None = ZONE) -> Image.Exif:
    """What a phone writes into a photo."""
    data = Image.Exif()
    data[0x0112] = orientation
    camera = data.get_ifd(0x8769)
    camera[0x9003] = TAKEN
    if zone:
        camera[0x9011] = zone
    data.get_ifd(0x8825).update({1: "N", 2: (43.0, 30.0, 0.0), 3: "E", 4: (21.0, 15.0, 36.0)})
    return data


def picture(kind: str = "JPEG", size: tuple[int, int] = (80, 60), colour: Any = "navy", **more: Any) -> bytes:
    """A photo of a kind of Pillow's; the same for the same arguments."""
    image, file = Image.new("RGB", size, colour), BytesIO()
    if kind == "HEIF":
        from_pillow(image).save(file, **more)
    else:
        image.save(file, kind, **more)
    return file.getvalue()


def form(content: bytes, filename: str = "photo.jpg", boundary: str = "----FiberQBoundary") -> dict[str, Any]:
    """A request as the FiberQ plugin makes it: a constant boundary, one part, a name that nothing is done to."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
    body = (
        head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + f"\r\n--{boundary}--\r\n".encode()
    )
    return {"data": body, "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}
