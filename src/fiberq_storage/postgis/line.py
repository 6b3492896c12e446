"""The line to the database, and how long a silent one is believed to stand."""

import asyncio
import socket
from typing import Any

import asyncpg

# Where nothing is heard for 25 s, not even from the other machine's network, nobody is there any more. A statement may
# take as long as it likes meanwhile.
ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),  # seconds
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),  # seconds
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 25_000),  # milliseconds
)


class Line(asyncpg.Connection):  # type: ignore[misc]  # asyncpg comes without types
    """A connection that breaks when the other machine is gone, and is given back to its pool as it is.

    All that we set on it ends with its transaction.
    """

    def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        line: socket.socket = transport.get_extra_info("socket")
        if line.family != socket.AF_UNIX:
            for level, option, value in ALIVE:
                line.setsockopt(level, option, value)

    def get_reset_query(self) -> str:
        """Nothing to reset."""
        return ""
