"""How a command ends: one table from what went wrong to the exit code that scripts see and what to do about it."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from fiberq_core import errors as e


class Exit(IntEnum):
    """What the exit code says. Numbers stay as they are: scripts depend on them."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    BAD_FILE = 5
    STORE = 6
    BUSY = 7
    HELD = 8
    BUG = 70
    STOPPED = 130


MEANING: Final[Mapping[Exit, str]] = {
    Exit.OK: "Done.",
    Exit.REFUSED: "Refused: the role does not allow it, or `doctor` found something that is wrong.",
    Exit.USAGE: "The command, its values or the settings are wrong. Nothing was changed.",
    Exit.NOT_FOUND: "There is no such project, item, upload, file or data folder.",
    Exit.CONFLICT: "It does not fit the current state: an archived project, a file of another project, a file that is in the way.",
    Exit.BAD_FILE: "The file is no usable GeoPackage, or it is too large. Nothing was changed.",
    Exit.STORE: "The store cannot be used: disk full, read-only, damaged, or written by another version.",
    Exit.BUSY: "Somebody else is at work there: a second server, another writer. Trying again later may help.",
    Exit.HELD: "Done, and something waits in the inbox. Only with `--fail-on-held`.",
    Exit.BUG: "A fault of FiberQ itself. `FIBERQ_DEBUG=1` shows where.",
    Exit.STOPPED: "Stopped by Ctrl+C.",
}

DOCTOR: Final = "`fiberq doctor` looks at the data folder and says what to do."

ENDINGS: Final[Mapping[type[e.FiberqError], tuple[Exit, str]]] = {
    e.Unauthenticated: (Exit.REFUSED, ""),
    e.UnknownKey: (Exit.REFUSED, ""),
    e.KeysUnavailable: (Exit.BUSY, DOCTOR),
    e.Forbidden: (Exit.REFUSED, "Act as somebody who may: --role and --as."),
    e.NotFound: (Exit.NOT_FOUND, ""),
    e.Conflict: (Exit.CONFLICT, ""),
    e.WrongProject: (Exit.CONFLICT, "`fiberq project list` shows the projects here."),
    e.Stale: (Exit.CONFLICT, "Look at it again, then repeat the command."),
    e.Busy: (Exit.BUSY, ""),
    e.GaveWay: (Exit.BUSY, ""),
    e.PreconditionRequired: (Exit.CONFLICT, ""),
    e.Invalid: (Exit.USAGE, ""),
    e.BadPackage: (Exit.BAD_FILE, "Open it in QGIS, export it as a GeoPackage, and try with that file."),
    e.BadPhoto: (Exit.BAD_FILE, "Send a JPEG, PNG, WebP or HEIC as the camera made it."),
    e.TooLarge: (Exit.BAD_FILE, ""),
    e.StoreUnavailable: (Exit.STORE, DOCTOR),
    e.StoreMismatch: (Exit.STORE, DOCTOR),
}


def ending(error: type[e.FiberqError]) -> tuple[Exit, str]:
    """The exit code of an error class, or of its nearest ancestor in the table, and what to do (often nothing more)."""
    return next(ENDINGS[c] for c in error.__mro__ if c in ENDINGS)
