"""Which FiberQ this is."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

UNKNOWN: Final = "not installed"  # it runs from a folder of sources


def own_version() -> str:
    """The version of the distribution, or `UNKNOWN`."""
    try:
        return version("fiberq")
    except PackageNotFoundError:
        return UNKNOWN
