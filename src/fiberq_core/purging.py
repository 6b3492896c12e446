"""A project is purged by whoever asks twice: the first answer is a code, good for minutes, that the second must bring.

The code is the HMAC-SHA256 of the project, the person and a moment: without the server's secret nobody can make one, and
it is good for nothing else. The project's name is asked for as well, so that nobody purges what they did not mean.
"""

import hashlib
import hmac
import re
from typing import Final

from fiberq_core.errors import Conflict, Fault, Invalid
from fiberq_core.ports import Project

PURPOSE: Final = b"fiberq purge 1"  # so that no signature made for something else fits
VALID: Final = 600  # seconds
NOT_ARCHIVED: Final = "Only an archived project can be purged; archive it first"
WRONG_CODE: Final = "is not the code that you were given for this project, or has expired; ask for another"
WRONG_NAME: Final = "must be the name of the project, as it is written"

_CODE = re.compile(r"([1-9][0-9]{0,11})-([0-9a-f]{64})", re.ASCII)


def demand_archived(project: Project) -> None:
    """Insist that nobody works with *project* any more. Raises: Conflict."""
    if not project.archived:
        raise Conflict(NOT_ARCHIVED)


def code_of(secret: bytes, project: Project, sub: str, now: float) -> str:
    """The code with which *sub* may purge *project* within ten minutes from *now* (epoch seconds)."""
    until = int(now) + VALID
    return f"{until}-{_signature(secret, project, sub, until)}"


def confirm(secret: bytes, project: Project, sub: str, said: tuple[object, object], now: float) -> None:
    """Insist that *said*, a code and a name, is what purges *project*. Raises: Invalid, with every fault."""
    code, name = said
    faults = [] if _fits(secret, project, sub, code, now) else [Fault("code", WRONG_CODE)]
    if name != project.name:
        faults.append(Fault("name", WRONG_NAME))
    if faults:
        raise Invalid("Nothing was purged; see the errors", faults)


def _fits(secret: bytes, project: Project, sub: str, code: object, now: float) -> bool:
    match = _CODE.fullmatch(code) if isinstance(code, str) else None
    if match is None or now >= int(match[1]):
        return False
    return hmac.compare_digest(_signature(secret, project, sub, int(match[1])), match[2])


def _signature(secret: bytes, project: Project, sub: str, until: int) -> str:
    key = hmac.digest(secret, PURPOSE, hashlib.sha256)
    text = f"{project.uuid}\n{until}\n{sub}"
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
