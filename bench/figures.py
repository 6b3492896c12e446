"""What was measured, beside what, and what it should be."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable

from attrs import frozen

HEAD = (
    "| what | store | features | seconds | beside | its seconds | ratio | target | met | peak MB | stall ms |\n"
    "| --- | --- | ---: | ---: | --- | ---: | ---: | --- | --- | ---: | ---: |"
)


@frozen
class Cost:
    """What something cost: seconds, peak of resident memory in MB, longest stall of the event loop in ms."""

    seconds: float
    peak_mb: float = 0.0
    stall_ms: float = 0.0


@frozen
class Target:
    """What is asked of a figure, in words, and whether (seconds, the peer's seconds) are so."""

    words: str
    met: Callable[[float, float], bool]


def times_as_fast(times: float) -> Target:
    """At least so many times as fast as the peer."""
    return Target(f"≥ {times:g} × its speed", lambda mine, theirs: mine * times <= theirs)


def share(of: float) -> Target:
    """At most this share of the peer's time."""
    return Target(
        f"≤ {of:g} × its time" if of > 1 else f"≤ {of:.0%} of its time", lambda mine, theirs: mine <= of * theirs
    )


def within(seconds: float) -> Target:
    """At most so long."""
    return Target(f"≤ {seconds:g} s", lambda mine, _: mine <= seconds)


@frozen
class Line:
    """One line of the table: *what* with its cost, and the *peer* with its own, in the same run."""

    what: str
    store: str
    features: int
    cost: Cost
    peer: str = ""
    peer_seconds: float = 0.0
    target: Target | None = None

    @property
    def text(self) -> str:
        """The line as Markdown; a ratio above 1 means that the peer took longer."""
        ratio = f"{self.peer_seconds / self.cost.seconds:.2f}" if self.peer else ""
        theirs = _seconds(self.peer_seconds) if self.peer else ""
        met = ("yes" if self.target.met(self.cost.seconds, self.peer_seconds) else "**no**") if self.target else ""
        memory, stall = (f"{n:.0f}" if n else "" for n in (self.cost.peak_mb, self.cost.stall_ms))
        cells = (self.what, self.store, f"{self.features:,}" if self.features else "", _seconds(self.cost.seconds))
        asked = self.target.words if self.target else ""
        return f"| {' | '.join((*cells, self.peer, theirs, ratio, asked, met, memory, stall))} |"


def medians(lines: Iterable[Line]) -> list[Line]:
    """One line for each of which there are several rounds: seconds are medians, memory and stalls the worst."""
    rounds: dict[tuple[str, str, int], list[Line]] = defaultdict(list)
    for line in lines:
        rounds[line.what, line.store, line.features].append(line)
    return [_median(found) for found in rounds.values()]


def _median(found: list[Line]) -> Line:
    first = found[0]
    cost = Cost(
        statistics.median(line.cost.seconds for line in found),
        max(line.cost.peak_mb for line in found),
        max(line.cost.stall_ms for line in found),
    )
    theirs = statistics.median(line.peer_seconds for line in found)
    return Line(first.what, first.store, first.features, cost, first.peer, theirs, first.target)


def _seconds(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-4 else f"{seconds:.4f}" if seconds < 0.1 else f"{seconds:.2f}"
