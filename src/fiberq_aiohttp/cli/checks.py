"""What `fiberq doctor` looks at. Every check says what it found and, where something is amiss, what to do."""

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from fiberq_aiohttp.readiness import TOO_LITTLE
from fiberq_aiohttp.release import own_version
from fiberq_aiohttp.settings import Settings, from_env
from fiberq_core.errors import Invalid, KeysUnavailable

OK, NOTE, WRONG = "ok", "note", "wrong"
MEBIBYTE: Final = 1 << 20
LITTLE: Final = 2048 * MEBIBYTE  # free bytes that are worth a note
SETTINGS: Final = (
    "Set them in the environment of the server. For development on this machine none is needed: `fiberq doctor --dev`."
)
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@frozen
class Finding:
    """One thing that was looked at. *state* is ok, note or wrong; *advice* says what to do, if anything."""

    what: str
    state: str
    found: str
    advice: str = ""


def examine(data: Path | None, *, dev: bool) -> list[Finding]:
    """Look at everything. Changes nothing."""
    try:
        settings = from_env(os.environ, dev=dev, data=data)
        findings = [Finding("settings", OK, "complete" if not dev else "as serve --dev takes them")]
    except Invalid as invalid:
        findings = [Finding("settings", WRONG, f"{f.path} {f.message}") for f in invalid.faults]
        findings[-1] = evolve(findings[-1], advice=SETTINGS)
        try:
            settings = from_env(os.environ, dev=True, data=data)
        except Invalid:
            return [*findings, *_versions()]
    else:
        findings += _keys(settings)
    return [*findings, *_folders(settings), *_disk(settings), *_store(settings), *_versions()]


def _keys(settings: Settings) -> Iterator[Finding]:
    issuer = settings.provider.issuer
    if settings.dev:
        yield _dev_key(settings.data)
        return
    from fiberq_aiohttp.probing import published_keys

    try:
        count = asyncio.run(published_keys(issuer))
    except KeysUnavailable as broken:
        yield Finding("sign-in", WRONG, str(broken), f"Look whether {issuer} is right and reachable from here.")
    else:
        yield Finding("sign-in", OK, f"{issuer} publishes {count} keys")


def _dev_key(data: Path) -> Finding:
    from fiberq_aiohttp.devkeys import KEY_FILE

    try:
        mode = (data / KEY_FILE).stat().st_mode
    except OSError:
        return Finding("sign-in", OK, "the development key is made at the first start")
    if mode & OTHERS:
        return Finding("sign-in", WRONG, f"others can read {KEY_FILE}", f"chmod 600 {data / KEY_FILE}")
    return Finding("sign-in", OK, "the development key is there, for its owner only")


def _folders(settings: Settings) -> Iterator[Finding]:
    named = {"data folder": settings.data, "photos": settings.photos_dir, "packages": settings.gpkg_dir}
    for what, folder in named.items():
        nearest = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            yield Finding(what, WRONG, f"{folder} cannot be written", f"Give {nearest} to the user that runs FiberQ.")
        elif nearest != folder.absolute():
            yield Finding(what, OK, f"{folder} is made when it is needed")
        elif folder.stat().st_mode & OTHERS and folder == settings.data:
            yield Finding(what, NOTE, f"other users of this machine can look into {folder}", f"chmod 700 {folder}")
        else:
            yield Finding(what, OK, str(folder))


def _disk(settings: Settings) -> Iterator[Finding]:
    nearest = next(p for p in (settings.data.absolute(), *settings.data.absolute().parents) if p.exists())
    free = shutil.disk_usage(nearest).free
    found = f"{free // MEBIBYTE} MiB free"
    if free < TOO_LITTLE:
        yield Finding("disk", WRONG, found, "Free some space: FiberQ stops writing when there is none.")
    elif free < LITTLE:
        yield Finding(
            "disk", NOTE, found, "Free some space soon; KEEP_EXPORTS_MB and KEEP_UPLOADS_DAYS say what is kept."
        )
    else:
        yield Finding("disk", OK, found)


def _store(settings: Settings) -> Iterator[Finding]:
    if settings.database is not None:
        from fiberq_aiohttp.cli import database

        yield from database.findings(settings.database)
    else:
        yield from _embedded(settings)


def _embedded(settings: Settings) -> Iterator[Finding]:
    from fiberq_aiohttp import wiring

    facts = wiring.inspect(settings)
    serving = "a server runs on the data folder" if facts.serving else "none runs on the data folder"
    yield Finding("server", OK, serving)
    if not facts.there:
        yield Finding("store", OK, f"there is none yet; version {facts.known_version} is made at the first start")
    elif facts.trouble:
        yield Finding(
            "store", WRONG, facts.trouble, "Stop the server, look at the folder's owner and the disk, or restore."
        )
    elif facts.damage:
        yield Finding("store", WRONG, f"damaged: {facts.damage}", "Stop the server and restore the latest backup.")
    elif facts.version > facts.known_version:
        found = f"version {facts.version}; this FiberQ knows {facts.known_version}"
        yield Finding("store", WRONG, found, "Install the FiberQ that wrote it, or restore a backup.")
    elif facts.version < facts.known_version:
        found = f"version {facts.version}; the next start makes {facts.known_version} of it"
        yield Finding("store", NOTE, found, "`fiberq backup` first.")
    else:
        size = facts.size // MEBIBYTE
        yield Finding("store", OK, f"version {facts.version}, {facts.projects} projects, {size} MiB, sound")


def _versions() -> Iterator[Finding]:
    from fiberq_aiohttp import wiring

    named = {
        "FiberQ": own_version(),
        "Python": ".".join(map(str, sys.version_info[:3])),
        **wiring.library_versions(),
    }
    yield Finding("versions", OK, ", ".join(f"{name} {number}" for name, number in named.items()))
