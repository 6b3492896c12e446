"""Names and lists in SQL text. Values never stand in SQL text: they are parameters."""

from collections.abc import Iterable


def ident(name: str) -> str:
    """*name*, which comes from the registry, quoted as an identifier."""
    if "\0" in name:
        raise ValueError("an identifier cannot contain NUL")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """*text*, which comes from the registry, quoted as a string constant."""
    if "\0" in text:
        raise ValueError("a constant cannot contain NUL")
    return "'" + text.replace("'", "''") + "'"


def idents(names: Iterable[str], prefix: str = "") -> str:
    """Names from the registry as a list, each with *prefix* before it."""
    return ", ".join(prefix + ident(name) for name in names)


def marks(count: int) -> str:
    """*count* parameters as a list."""
    return ", ".join("?" * count)
