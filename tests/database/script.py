"""A client that says exactly the bytes of a script, and notes what comes back.

A script is data: each step sends bytes and then reads until the server has sent the messages named. `$` stands for the
end of the stream, `.` for the single byte that answers an SSLRequest or GSSENCRequest.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Self

from tests.database.wire import ANSWER, PARTIAL, Message, startup

ANSWER_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Step:
    """Send, then read."""

    send: bytes
    until: str
    """Type bytes to await, in order; others in between are noted too. `$`: end of stream. Empty: do not read."""
    half_close: bool = False


Script = tuple[Step, ...]


def say(*messages: bytes, until: str = "Z", half_close: bool = False) -> Step:
    """Make a step of a script: these messages in one segment, then read until ReadyForQuery, or what `until` names."""
    return Step(b"".join(messages), until, half_close)


def hello(user: str = "person_trust", *, version: int = 0x30000, **parameters: str) -> Step:
    """Log in, without a password, up to the first ReadyForQuery."""
    return say(startup(user, version=version, **parameters))


class Speaker:
    """One raw connection. What is not answered in time raises TimeoutError; nothing hangs."""

    def __init__(self, port: int, *, receive_bytes: int | None = None) -> None:
        """`receive_bytes`: the receive buffer, where it is to be small."""
        self.socket = socket.socket()
        self.socket.settimeout(ANSWER_WITHIN_S)
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect(("127.0.0.1", port))
        self.sent = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def do(self, step: Step) -> list[Message]:
        """One step: what the server answered."""
        self.sent += step.send
        if step.send:
            self.socket.sendall(step.send)
        if step.half_close:
            with contextlib.suppress(OSError):  # the server may have hung up already, and says so when read
                self.socket.shutdown(socket.SHUT_WR)
        return self.read(step.until)

    def read(self, until: str) -> list[Message]:
        """Messages up to and with the last one awaited."""
        noted: list[Message] = []
        awaited = list(until)
        while awaited:
            if awaited[0] == ".":
                noted.append(Message(ANSWER, self.exactly(1)))
                awaited.pop(0)
                continue
            answer = self._message()
            if answer is None:
                noted.append(Message("$", b""))
                return noted
            noted.append(answer)
            if answer.code == awaited[0]:
                awaited.pop(0)
            if answer.code == PARTIAL:
                return noted
        return noted

    def _message(self) -> Message | None:
        head = self.exactly(5)
        if len(head) < 5:
            return Message(PARTIAL, head) if head else None
        length = struct.unpack("!i", head[1:])[0] - 4
        body = self.exactly(length)
        return Message(chr(head[0]), body) if len(body) == length else Message(PARTIAL, head + body)

    def exactly(self, count: int) -> bytes:
        """Read that many bytes, or fewer where the stream ends."""
        data = bytearray()
        while len(data) < count:
            try:
                chunk = self.socket.recv(min(count - len(data), 1 << 20))
            except ConnectionResetError:  # an end that the kernel reports in another way
                break
            if not chunk:
                break
            data += chunk
        return bytes(data)


def perform(port: int, script: Script) -> list[list[Message]]:
    """Collect what the server answered to each step of a script."""
    with Speaker(port) as speaker:
        return [speaker.do(step) for step in script]
