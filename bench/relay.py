"""A relay that copies bytes and looks at none: the most that a Python proxy on uvloop can reach.

Run as `python -m bench.relay LISTEN_PORT UPSTREAM_PORT`; both are on 127.0.0.1. SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import cast

import uvloop

HOST = "127.0.0.1"


class Leg(asyncio.Protocol):
    """One side of a connection: what it receives, the other side sends, and pauses it when its buffer is full."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Leg | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and send what came before it was there."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are of no class of asyncio's
        for data in self._early:
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Pass the bytes on as they are."""
        if self.other is not None:
            self.other.send(data)

    def send(self, data: bytes) -> None:
        """Write now, or once connected."""
        if self.transport is None:
            self._early.append(data)
        else:
            self.transport.write(data)

    def pause_writing(self) -> None:
        """Stop reading the other side."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read the other side again."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """End the other side too."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Front(Leg):
    """The client's side; dials the server when it is accepted."""

    def __init__(self, upstream_port: int, dials: set[asyncio.Task[None]]) -> None:
        super().__init__()
        self._upstream_port = upstream_port
        self._dials = dials
        self.other = Leg()
        self.other.other = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept, and dial."""
        super().connection_made(transport)
        task = asyncio.get_running_loop().create_task(self._dial())
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    async def _dial(self) -> None:
        back = self.other
        if back is None or self.transport is None:
            return
        try:
            await asyncio.get_running_loop().create_connection(lambda: back, HOST, self._upstream_port)
        except OSError:
            self.transport.close()


async def serve(listen_port: int, upstream_port: int) -> None:
    """Relay until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    dials: set[asyncio.Task[None]] = set()
    await loop.create_server(lambda: Front(upstream_port, dials), HOST, listen_port, backlog=1024)
    await ended.wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
