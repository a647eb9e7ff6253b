"""Read and write the parts of a message as the server's pqformat.c does: its checks, in its words.

Pure. Reading raises ProtocolViolation, the peer's fault; writing raises ValueError, the caller's.
"""

from __future__ import annotations

import struct
from typing import Final

from proxy.wire.codes import BackendCode, FrontendCode, ProtocolViolation

MESSAGE_BYTES: Final = 0x3FFFFFFF
"""PQ_LARGE_MESSAGE_LIMIT of libpq.h (MaxAllocSize - 1)."""
UINT16: Final = struct.Struct("!H")
INT32: Final = struct.Struct("!i")
UINT32: Final = struct.Struct("!I")


class Body:
    """Reads a body from front to back with pqformat.c's checks and words."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Give the next `size` bytes."""
        piece = self._data[self._at : self._at + size]
        if len(piece) != size:
            raise ProtocolViolation("insufficient data left in message")
        self._at += size
        return piece

    def string(self) -> bytes:
        """Give the bytes up to the next NUL, which is consumed."""
        end = self._data.find(0, self._at)
        if end < 0:
            raise ProtocolViolation("invalid string in message")
        piece = self._data[self._at : end]
        self._at = end + 1
        return piece

    def byte(self) -> int:
        """Give the next byte."""
        return self.take(1)[0]

    def uint16(self) -> int:
        """Give an unsigned 16-bit integer."""
        value: int = UINT16.unpack(self.take(2))[0]
        return value

    def int32(self) -> int:
        """Give a signed 32-bit integer."""
        value: int = INT32.unpack(self.take(4))[0]
        return value

    def uint32(self) -> int:
        """Give an unsigned 32-bit integer."""
        value: int = UINT32.unpack(self.take(4))[0]
        return value

    def rest(self) -> bytes:
        """Give all that is left."""
        return self.take(len(self._data) - self._at)

    def left(self) -> int:
        """Count the bytes that are left."""
        return len(self._data) - self._at

    def end(self) -> None:
        """Insist that nothing is left."""
        if self._at != len(self._data):
            raise ProtocolViolation("invalid message format")


def packed(form: struct.Struct, value: int) -> bytes:
    """Give the bytes of an integer."""
    try:
        return form.pack(value)
    except struct.error as error:
        raise ValueError(f"{value} does not fit its field") from error


def string_bytes(text: bytes) -> bytes:
    """Give a string with its terminator."""
    if 0 in text:
        raise ValueError("a string of the protocol cannot contain NUL")
    return text + b"\0"


def message_bytes(code: FrontendCode | BackendCode, body: bytes) -> bytes:
    """Give a whole message: type, length, body."""
    return bytes((code,)) + packed(INT32, len(body) + 4) + body


def int32_at(data: bytes, at: int) -> int:
    """Give the signed 32-bit integer whose four bytes begin `at`, and which are there.

    Compiled, this is many times faster than struct, and a length is read for every message.
    """
    value = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
    return value if value < 0x8000_0000 else value - 0x1_0000_0000


def marks(*codes: int) -> bytes:
    """Give a table of all types of message that is 1 where it is one of these: compiled, faster than asking a set."""
    return bytes(code in codes for code in range(256))


def end_of_run(data: bytes, position: int, marked: bytes) -> int:
    """Step over the messages of the `marks` that begin at `position`, where at least a header is.

    Gives where the first other header begins, or one that is cut or whose length the server would not take; beyond
    `data` where the last of them is not whole. Large results and copies are nothing but such messages: this loop is
    what is done for each.
    """
    last = len(data) - 5
    while position <= last and marked[data[position]]:
        length = int32_at(data, position + 1)
        if not 4 <= length <= MESSAGE_BYTES:
            break
        position += length + 1
    return position
