"""PostgreSQL v3 messages for the tests, written apart from the proxy's own: what is checked must not check itself.

Source: PostgreSQL documentation, Message Formats. A stream is split by lengths alone; what does not fit a frame is kept
as a message of its own, so that a cut or garbled stream shows in a comparison instead of disappearing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102
UNTYPED = "startup"
ANSWER = "answer"
PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of either side."""

    code: str
    """The type byte; UNTYPED for startup packets, ANSWER for the single byte that answers SSLRequest, PARTIAL."""
    body: bytes

    @property
    def raw(self) -> bytes:
        """The bytes on the wire."""
        if self.code in (ANSWER, PARTIAL):
            return self.body
        head = b"" if self.code == UNTYPED else self.code.encode("latin1")
        return head + struct.pack("!i", len(self.body) + 4) + self.body

    def fields(self) -> dict[str, str]:
        """Read the fields of an ErrorResponse or NoticeResponse."""
        return {part[:1].decode(): part[1:].decode(errors="surrogateescape") for part in self.body.split(b"\0") if part}


def _typed(stream: bytes, start: int) -> Iterator[Message]:
    while start < len(stream):
        head = stream[start : start + 5]
        length = struct.unpack("!i", head[1:])[0] if len(head) == 5 else -1
        end = start + 1 + length
        if length < 4 or end > len(stream):
            yield Message(PARTIAL, stream[start:])
            return
        yield Message(chr(stream[start]), stream[start + 5 : end])
        start = end


def split_frontend(stream: bytes) -> list[Message]:
    """Split what a client sent: untyped packets up to the StartupMessage, then typed messages."""
    messages: list[Message] = []
    start = 0
    while start < len(stream):
        length = struct.unpack("!i", stream[start : start + 4])[0] if start + 8 <= len(stream) else -1
        if length < 8 or start + length > len(stream):
            return [*messages, Message(PARTIAL, stream[start:])]
        messages.append(Message(UNTYPED, stream[start + 4 : start + length]))
        start += length
        if _request_code(messages[-1]) not in (SSL_REQUEST, GSSENC_REQUEST):
            break
    return [*messages, *_typed(stream, start)]


def split_backend(stream: bytes, answers: int = 0) -> list[Message]:
    """Split what a server sent; `answers` single bytes come first, one for each SSLRequest or GSSENCRequest."""
    return [*(Message(ANSWER, stream[n : n + 1]) for n in range(answers)), *_typed(stream, answers)]


def negotiations(frontend: Sequence[Message]) -> int:
    """How many single-byte answers the client asked for."""
    return sum(m.code == UNTYPED and _request_code(m) in (SSL_REQUEST, GSSENC_REQUEST) for m in frontend)


def _request_code(packet: Message) -> int:
    return int(struct.unpack("!i", packet.body[:4])[0])


def message(code: str, body: bytes = b"") -> bytes:
    """Frame a typed message."""
    return Message(code, body).raw


def startup(user: str, *, version: int = 0x30000, **parameters: str) -> bytes:
    """Build a StartupMessage; a parameter's leading double underscore stands for `_pq_.`."""
    named: Mapping[str, str] = {"user": user, "database": "demo", **parameters}
    pairs = b"".join(_text(k.replace("__", "_pq_.", 1)) + _text(v) for k, v in named.items())
    return Message(UNTYPED, struct.pack("!i", version) + pairs + b"\0").raw


def request(code: int, body: bytes = b"") -> bytes:
    """SSLRequest, GSSENCRequest or CancelRequest."""
    return Message(UNTYPED, struct.pack("!i", code) + body).raw


def query(statement: str) -> bytes:
    """Build a simple Query."""
    return message("Q", _text(statement))


def parse(statement: str, name: str = "", oids: Sequence[int] = ()) -> bytes:
    """Parse, with the OIDs of parameter types where given."""
    return message("P", _text(name) + _text(statement) + struct.pack(f"!h{len(oids)}I", len(oids), *oids))


def bind(
    *values: bytes | None,
    statement: str = "",
    portal: str = "",
    formats: Sequence[int] = (),
    results: Sequence[int] = (),
) -> bytes:
    """Bind; text formats unless given, None for NULL."""
    body = _text(portal) + _text(statement) + _shorts(formats) + struct.pack("!h", len(values))
    body += b"".join(struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v for v in values)
    return message("B", body + _shorts(results))


def execute(portal: str = "", rows: int = 0) -> bytes:
    """Execute, at most `rows` rows, 0 for all."""
    return message("E", _text(portal) + struct.pack("!i", rows))


def describe(kind: str, name: str = "") -> bytes:
    """Describe of a statement (`S`) or portal (`P`)."""
    return message("D", kind.encode() + _text(name))


def close(kind: str, name: str = "") -> bytes:
    """Close of a statement (`S`) or portal (`P`)."""
    return message("C", kind.encode() + _text(name))


def copy_data(data: bytes) -> bytes:
    """CopyData."""
    return message("d", data)


def function_call(oid: int, *arguments: bytes, formats: Sequence[int] = (), result: int = 0) -> bytes:
    """FunctionCall of the function with that OID."""
    body = struct.pack("!I", oid) + _shorts(formats) + struct.pack("!h", len(arguments))
    body += b"".join(struct.pack("!i", len(a)) + a for a in arguments)
    return message("F", body + struct.pack("!h", result))


SYNC = message("S")
FLUSH = message("H")
TERMINATE = message("X")
COPY_DONE = message("c")


def copy_fail(reason: str) -> bytes:
    """CopyFail."""
    return message("f", _text(reason))


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _shorts(values: Sequence[int]) -> bytes:
    return struct.pack(f"!h{len(values)}h", len(values), *values)
