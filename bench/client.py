"""A PostgreSQL client that does as little as possible, so that what is measured is the other side.

It speaks simple queries of protocol 3.0 to a server that trusts it, and finds an answer's end by its last bytes: the
data of this benchmark is hexadecimal text and small numbers, which never look like a tag before a ReadyForQuery.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self

from interlock.failure import Failure

TIMEOUT_S = 60.0
_READY = b"Z\x00\x00\x00\x05I"
_TAIL = 256
_COPY_DONE = b"c\x00\x00\x00\x04"


def copy_data(lines: bytes, chunk_bytes: int) -> bytes:
    """Frame text as CopyData messages of `chunk_bytes` each; the last may be shorter."""
    framed = bytearray()
    for start in range(0, len(lines), chunk_bytes):
        chunk = lines[start : start + chunk_bytes]
        framed += b"d" + struct.pack("!I", len(chunk) + 4) + chunk
    return bytes(framed)


class Client:
    """One connection. Raises Failure where an answer is not the expected one, OSError where the network fails."""

    def __init__(self, host: str, port: int, user: str, database: str) -> None:
        self._socket = socket.create_connection((host, port), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(262_144)
        body = struct.pack("!I", 196_608) + f"user\0{user}\0database\0{database}\0\0".encode()
        self._socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self._until(_READY)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection as a client that goes: Terminate, then close."""
        with suppress(OSError):  # the other side went first, which is what was wanted
            self._socket.sendall(b"X\x00\x00\x00\x04")
        self._socket.close()

    def ask(self, sql: str, tag: str) -> int:
        """Run one statement; gives the bytes of its answer. `tag`: the command tag that it must end with."""
        self._query(sql)
        return self._until(tag.encode() + b"\0" + _READY)

    def copy_in(self, sql: str, framed: bytes, tag: str) -> None:
        """Run COPY FROM STDIN with data that `copy_data` made."""
        self._query(sql)
        answer = self._socket.recv(4096)
        if answer[:1] != b"G":
            raise Failure(f"COPY was not accepted: {answer!r}")
        self._socket.sendall(framed)
        self._socket.sendall(_COPY_DONE)
        self._until(tag.encode() + b"\0" + _READY)

    def _query(self, sql: str) -> None:
        body = sql.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)

    def _until(self, end: bytes) -> int:
        view = memoryview(self._buffer)
        tail = b""
        total = 0
        while True:
            count = self._socket.recv_into(self._buffer)
            if not count:
                raise Failure(f"the connection was closed: {tail!r}")
            total += count
            tail = (tail + bytes(view[max(0, count - _TAIL) : count]))[-_TAIL:]
            if tail.endswith(end):
                return total
            if tail.endswith(_READY):
                raise Failure(f"an answer did not end as expected: {tail!r}")
