"""A server with the real outside: what it does by itself."""

import asyncio
import os
from pathlib import Path

from fiberq_aiohttp import wiring
from fiberq_aiohttp.settings import from_env

OLD, YOUNG = "ab" * 32, "cd" * 32  # digests


async def test_a_server_tidies_up(tmp_path: Path) -> None:
    """A raw upload that is older than it must be kept goes; the young one stays."""
    old, young = (tmp_path / "uploads" / name[:2] / name for name in (OLD, YOUNG))
    for upload in (old, young):
        upload.parent.mkdir(parents=True)
        upload.touch()
    os.utime(old, (0, 0))

    async with wiring.serving(from_env({}, dev=True, data=tmp_path)), asyncio.timeout(10):
        while old.exists():  # noqa: ASYNC110 (the server tells nobody when)
            await asyncio.sleep(0.01)

    assert young.exists()
