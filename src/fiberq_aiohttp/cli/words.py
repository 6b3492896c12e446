"""Text and JSON for a terminal. What comes from files may hold anything, so nothing unprintable gets through."""

import json
from collections.abc import Iterable, Sequence

import click


def plain(text: str) -> str:
    """*text* with control characters spelled out: a value must not move the cursor or end a line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def say(text: str) -> None:
    """One line on stdout."""
    click.echo(plain(text))


def say_json(value: object) -> None:
    """*value* as JSON on stdout."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    click.echo(text.encode("utf-8", "replace"))  # a file's name may hold bytes that are no text


def say_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as what is in them; numbers to the right."""
    cells = [[plain(str("" if cell is None else cell)) for cell in row] for row in rows]
    widths = [max(len(line[n]) for line in [list(head), *cells]) for n in range(len(head))]
    right = [bool(cells) and all(line[n].lstrip("-").isdigit() for line in cells if line[n]) for n in range(len(head))]
    for line in [list(head), *cells]:
        aligned = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
        click.echo("  ".join(aligned).rstrip())


def short(value: object, width: int = 60) -> str:
    """A value on one line, cut where it is longer than *width*."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else f"{text[: width - 1]}…"
