"""Ends the connection of a client that is turned away, so that the last word reaches it.

A socket that is closed over bytes that were not read resets the connection, and a reset takes away what the client has
not read yet (RFC 1122, 4.2.2.13). So the writing side is shut down, and what the client still says is read and dropped
until it ends, or a short time has passed: it may not want to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final

LINGER_S: Final = 2.0
"""PostgreSQL's clients hang up as soon as they have read the error; what takes longer is a broken way, or no client."""
_PIECE_BYTES: Final = 65_536


class _Leaving(asyncio.Protocol):
    """Hears nothing but the end."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a reset is an end, too
        self.gone.set()


async def take_leave(transport: asyncio.Transport, last_word: bytes, *, within_s: float = LINGER_S) -> None:
    """Say the last word, wait for the client to end, and close in any case. Never raises but for a cancellation."""
    try:
        if transport.is_closing():
            return
        leaving = _Leaving()
        transport.set_protocol(leaving)
        transport.resume_reading()
        transport.write(last_word)
        if transport.can_write_eof():
            transport.write_eof()
        else:
            # TLS has no half-close: its own ending reads on until the client has answered it.
            transport.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(leaving.gone.wait(), within_s)
    except (OSError, RuntimeError):
        pass  # The client was quicker.
    finally:
        transport.abort()


async def linger(sock: socket.socket, *, within_s: float = LINGER_S) -> None:
    """Wait for a client to end that has read its last word on a bare socket. The caller closes it."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError):
        sock.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(within_s):
            while await loop.sock_recv(sock, _PIECE_BYTES):
                pass
