"""Whether the server can do its work now, and if not, why: in words for people, without names of folders or hosts."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from attrs import define, field

from fiberq_core.errors import FiberqError, StoreMismatch
from fiberq_core.ports.watching import WatchedStore

PATIENCE: Final = 5.0  # seconds in which the store must answer
KEPT: Final = 1.0  # seconds for which an answer stands: whoever asks without end asks the store but once
TOO_LITTLE: Final = 128 << 20  # free bytes of a disk that are not enough to work with

STORE: Final = "The store does not answer, or cannot be written"
FORM: Final = "The store does not have the form that this version of FiberQ works with"
SLOW: Final = f"The store did not answer within {PATIENCE:g} seconds"
KEYS: Final = "The identity provider's keys are not at hand, so nobody can sign in"
DISK: Final = f"A disk has less than {TOO_LITTLE >> 20} MiB free"


@define
class Readiness:
    """Asks everything that the server needs. *have_keys* gets the keys if there are none; *folders*: what must have room."""

    store: WatchedStore
    have_keys: Callable[[], Awaitable[bool]]
    folders: Sequence[Path]
    clock: Callable[[], float]
    _asking: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)
    _asked_at: float = field(default=float("-inf"), init=False)
    _reasons: tuple[str, ...] = field(default=(), init=False)

    async def reasons(self) -> tuple[str, ...]:
        """Why the server is not ready; none if it is."""
        async with self._asking:
            if self.clock() - self._asked_at >= KEPT:
                found = await asyncio.gather(self._store(), self._keys(), self._disks())
                self._reasons = tuple(reason for reason in found if reason)
                self._asked_at = self.clock()
        return self._reasons

    async def _store(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                await self.store.check()
        except StoreMismatch:
            return FORM
        except FiberqError:
            return STORE
        except TimeoutError:
            return SLOW
        return ""

    async def _keys(self) -> str:
        return "" if await self.have_keys() else KEYS

    async def _disks(self) -> str:
        try:
            return DISK if await asyncio.to_thread(_least_free, self.folders) < TOO_LITTLE else ""
        except OSError:
            return DISK


def _least_free(folders: Sequence[Path]) -> int:
    """The free bytes of the fullest disk; folders that are not there yet do not count. Raises: OSError."""
    return min((shutil.disk_usage(f).free for f in folders if f.exists()), default=TOO_LITTLE)
