"""From what stands in a file or a request to canonical values, or the reason why not.

One table over `Kind`, one short function per kind. NULL stays None, and "" stays "" where the
column holds text: the two differ. Descriptive vocabularies accept what was typed (`remarks` flags
it); those that the system works by do not (S21).
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from attrs import frozen

from fiberq_core.registry.model import Column, Kind
from fiberq_core.rows import Value

_INT = re.compile(r"[+-]?\d{1,19}\Z", re.ASCII)
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\Z", re.ASCII)
_UUID = re.compile(r"\{?([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})\}?\Z", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"(\d{4})[-/](\d{2})[-/](\d{2})\Z", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}|\d{4}/\d{2}/\d{2})[T ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?"
    r" ?(Z|[+-]\d{2}(?::?\d{2})?)?\Z",
    re.ASCII,
)
_LARGEST = 2**63
_LARGEST_REAL = 10**300
_BOOLEANS = {"0": False, "1": True, "false": False, "true": True, "f": False, "t": True}
_SHOWN = 40  # characters of a bad value that a reason quotes


@frozen
class Canonical:
    """A value that fits. *seconds*: it is a date-time that carried no fraction of a second."""

    value: Value | None
    seconds: bool = False


@frozen
class Misfit:
    """A value that does not fit, and why: a sentence for a person."""

    reason: str


Fitted = Canonical | Misfit
NULL = Canonical(None)
MIDNIGHT = time()


def canonical(column: Column, raw: object) -> Fitted:
    """*raw* as *column* holds it. Total: never raises."""
    if raw is None:
        return NULL
    fitted = BY_KIND[column.kind](raw)
    if column.vocabulary is None or not isinstance(fitted, Canonical) or not isinstance(fitted.value, str):
        return fitted
    term = column.vocabulary.term(fitted.value)
    if not column.vocabulary.closed:
        return fitted
    if term is None:
        known = ", ".join(t.code for t in column.vocabulary.terms)
        return Misfit(f"{_quoted(raw)} is not one of {known}")
    return Canonical(term.code)


def canonical_extra(raw: object) -> Fitted:
    """A value of a column that the registry does not know: numbers, text and bytes as they are. Total."""
    if raw is None:
        return NULL
    if isinstance(raw, str):
        return _text(raw)
    if isinstance(raw, float) and not math.isfinite(raw):
        return Misfit(f"{_quoted(raw)} is not a finite number")
    if isinstance(raw, int) and not -_LARGEST <= raw < _LARGEST:
        return Misfit(f"{_quoted(raw)} is too large")
    if isinstance(raw, int | float | bytes):
        return Canonical(raw)
    return Misfit(f"{_quoted(raw)} is neither text nor a number")


def remarks(column: Column, value: Value | None) -> tuple[str, ...]:
    """What is odd, though accepted, about a canonical value: outside a range or an open vocabulary."""
    if value is None:
        return ()
    found = []
    if isinstance(value, int | float) and not isinstance(value, bool):
        if column.minimum is not None and value < column.minimum:
            found.append(f"{value} is less than {column.minimum:g}")
        if column.maximum is not None and value > column.maximum:
            found.append(f"{value} is more than {column.maximum:g}")
    if column.vocabulary and isinstance(value, str) and value and column.vocabulary.term(value) is None:
        found.append(f"{_quoted(value)} is not in the list of known values")
    return tuple(found)


def _text(raw: object) -> Fitted:
    if isinstance(raw, bool):
        return Canonical("true" if raw else "false")
    if isinstance(raw, bytes):
        try:
            raw = raw.decode("utf-8")
        except UnicodeDecodeError:
            return Misfit("The text is not valid UTF-8")
    text = raw if isinstance(raw, str) else str(raw) if isinstance(raw, int | float) else None
    if text is None:
        return Misfit(f"{_quoted(raw)} is not text")
    if "\0" in text:
        return Misfit("The text contains a NUL character")
    if not _encodable(text):
        return Misfit("The text is not valid Unicode")
    return Canonical(text)


def _integer(raw: object) -> Fitted:
    number: float | None = raw if isinstance(raw, int | float) else None
    if isinstance(raw, str) and _INT.match(raw.strip()):
        number = int(raw)
    elif isinstance(raw, str) and _REAL.match(raw.strip()):
        number = float(raw)
    if number is None or not (isinstance(number, int) or number.is_integer()):
        return Misfit(f"{_quoted(raw)} is not a whole number")
    return Canonical(int(number)) if -_LARGEST <= number < _LARGEST else Misfit(f"{_quoted(raw)} is too large")


def _real(raw: object) -> Fitted:
    number: float | None = None
    if isinstance(raw, float):
        number = raw
    elif isinstance(raw, int):
        number = float(raw) if abs(raw) < _LARGEST_REAL else None
    elif isinstance(raw, str) and _REAL.match(raw.strip()):
        number = float(raw)
    if number is None or not math.isfinite(number):
        return Misfit(f"{_quoted(raw)} is not a number")
    return Canonical(number + 0.0)


def _boolean(raw: object) -> Fitted:
    if isinstance(raw, bool):
        return Canonical(raw)
    if isinstance(raw, int | float) and raw in (0, 1):
        return Canonical(bool(raw))
    known = _BOOLEANS.get(raw.strip().lower()) if isinstance(raw, str) else None
    return Misfit(f"{_quoted(raw)} is neither true nor false") if known is None else Canonical(known)


def _date(raw: object) -> Fitted:
    moment = _moment(raw) if isinstance(raw, str) else None
    if moment is None or moment[0].time() != MIDNIGHT:
        return Misfit(f"{_quoted(raw)} is not a date (YYYY-MM-DD)")
    return Canonical(moment[0].date().isoformat())


def _datetime(raw: object) -> Fitted:
    moment = _moment(raw) if isinstance(raw, str) else None
    if moment is None:
        return Misfit(f"{_quoted(raw)} is not a date and time (YYYY-MM-DDTHH:MM:SSZ)")
    try:
        instant, fraction = moment[0].astimezone(UTC), moment[1]
        rounded = (instant + timedelta(microseconds=500)).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError):
        return Misfit(f"{_quoted(raw)} is outside the calendar")
    return Canonical(rounded.replace("+00:00", "Z"), seconds=not fraction)


def _moment(text: str) -> tuple[datetime, bool] | None:
    """The instant that a text names, UTC where it names no zone, and whether it has a fraction of a second.

    Thousandths that are 0, without a zone, are none: QGIS writes them in place of those that it drops.
    """
    if day := _DATE.match(text.strip()):
        return _instant(f"{'-'.join(day.groups())}T00:00:00+00:00", fraction=False)
    match = _DATETIME.match(text.strip())
    if not match:
        return None
    date_part, minutes, seconds, fraction, zone = match.groups()
    micro = (fraction or "0")[:6].ljust(6, "0")
    written = f"{date_part.replace('/', '-')}T{minutes}:{seconds or '00'}.{micro}{_offset(zone or 'Z')}"
    return _instant(written, fraction=fraction is not None and (zone is not None or bool(fraction.strip("0"))))


def _offset(zone: str) -> str:
    if zone == "Z":
        return "+00:00"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def _instant(text: str, *, fraction: bool) -> tuple[datetime, bool] | None:
    try:
        return datetime.fromisoformat(text), fraction
    except ValueError:
        return None


def _json(raw: object) -> Fitted:
    if isinstance(raw, list | dict):
        try:
            return _text(json.dumps(raw, ensure_ascii=False, allow_nan=False))
        except (TypeError, ValueError, RecursionError):
            return Misfit("The value cannot be written as JSON")
    return _text(raw)


def _uuid(raw: object) -> Fitted:
    match = _UUID.match(raw.strip()) if isinstance(raw, str) else None
    if not match:
        return Misfit(f"{_quoted(raw)} is not a UUID")
    digits = match.group(1).replace("-", "").lower()
    return Canonical("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _quoted(raw: object) -> str:
    if isinstance(raw, bytes):
        return f"A binary value of {len(raw)} bytes"
    raw = raw[: _SHOWN + 1] if isinstance(raw, str) else raw
    text = str(raw) if not isinstance(raw, int) or abs(raw) < _LARGEST * 2 else "A very large number"
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
    return f"“{text[:_SHOWN]}…”" if len(text) > _SHOWN else f"“{text}”"


BY_KIND: dict[Kind, Callable[[object], Fitted]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.REAL: _real,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.JSON: _json,
    Kind.UUID: _uuid,
}
