"""Whoever asks a server the same again and again, as fast as it answers: less work per answer than any HTTP client."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence

from attrs import define, field

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
HEAD = b"\r\n\r\n"


def request(port: int, method: str, path: str, token: str = "", body: bytes = b"", kind: str = "") -> bytes:
    """A request as it is on the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join(lines).encode() + HEAD + body


@define
class Asked:
    """How long each answer took, in seconds; what was asked, in order, and by how many at a time."""

    seconds: list[float] = field(factory=list)
    wall: float = 0.0

    @property
    def each(self) -> float:
        """Seconds per answer, of all who ask together."""
        return self.wall / len(self.seconds)

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * share))]


async def ask_all(port: int, requests: Sequence[bytes], connections: int) -> Asked:
    """Ask all of it over so many connections, each waiting for its answer before it goes on. Raises: RuntimeError."""
    asked, waiting = Asked(), iter(requests)
    begun = time.perf_counter()
    await asyncio.gather(*(_work(port, waiting, asked) for _ in range(connections)))
    asked.wall = time.perf_counter() - begun
    return asked


async def ask_regularly(port: int, requests: Sequence[bytes], gap: float, until: asyncio.Event) -> Asked:
    """Ask these in turn, one every *gap* seconds whether or not the last was answered late, until the event."""
    asked, loop = Asked(), asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due = loop.time()
    for number in range(1_000_000):
        if until.is_set():
            break
        due += gap
        await asyncio.sleep(max(0.0, due - loop.time()))
        await _answer(reader, writer, requests[number % len(requests)])
        asked.seconds.append(loop.time() - due)  # from when it was to be asked: a stall is not hidden by waiting
    writer.close()
    return asked


async def _work(port: int, waiting: Iterator[bytes], asked: Asked) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for sent in waiting:
        begun = time.perf_counter()
        await _answer(reader, writer, sent)
        asked.seconds.append(time.perf_counter() - begun)
    writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> None:
    writer.write(sent)
    head = await reader.readuntil(HEAD)
    found = LENGTH.search(head)
    body = await reader.readexactly(int(found[1])) if found else b""
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(f"{head[:200]!r} {body[:500]!r}")
