"""Bodies of requests about projects and people: their fields as they are stored, or every fault at once."""

from collections.abc import Callable, Mapping
from typing import Final

from fiberq_core.errors import Fault, Invalid

MAX_NAME: Final = 200  # characters
Read = Callable[[object], str]


def text(longest: int, *, needed: bool = False) -> Read:
    """Reads text of at most *longest* characters; null stands for none."""

    def read(value: object) -> str:
        text = "" if value is None else value
        if not isinstance(text, str) or "\0" in text or len(text) > longest:
            raise ValueError(f"must be text of at most {longest} characters")
        if needed and not text.strip():
            raise ValueError("must not be empty")
        return text

    return read


def one_of(*known: str) -> Read:
    """Reads one of some words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return value

    return read


def fitting(said: Mapping[str, tuple[Read, object]]) -> dict[str, str]:
    """Every value as it is stored. Raises: Invalid, with every fault."""
    values: dict[str, str] = {}
    faults = []
    for name, (read, value) in said.items():
        try:
            values[name] = read(value)
        except ValueError as wrong:
            faults.append(Fault(name, str(wrong)))
    if faults:
        raise Invalid("Nothing was changed; see the errors", faults)
    return values
