"""Messages that the client sends and that need thought (documentation: Message Formats).

Pure. `decode` takes a message's body, without the type byte and the length, and consumes it exactly; what the server's
own readers refuse is refused in their words as ProtocolViolation, and nothing else is raised. Strings stay bytes: the
session's encoding is not known here, and a replaced byte would be another text than the server reads. `encode` gives
the whole message; its ValueError is the caller's fault.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

from proxy.wire.codes import FrontendCode, ProtocolViolation
from proxy.wire.pqformat import INT32, UINT16, UINT32, Body, message_bytes, packed, string_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Simple query: one text, any number of statements."""

    statement: bytes

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a Query's body."""
        # The common case first: one terminator, at the end.
        if body.find(0) != len(body) - 1 or not body:
            raise ProtocolViolation("invalid message format" if 0 in body else "invalid string in message")
        return cls(statement=body[:-1])

    def encode(self) -> bytes:
        """Give the whole message."""
        return message_bytes(FrontendCode.QUERY, string_bytes(self.statement))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parse:
    """Prepare a statement; the empty name is the unnamed statement."""

    name: bytes = b""
    statement: bytes
    parameter_types: tuple[int, ...] = ()
    """OIDs; 0 leaves a type to the server."""

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a Parse's body."""
        reader = Body(body)
        name = reader.string()
        statement = reader.string()
        count = reader.uint16()
        parameter_types: tuple[int, ...] = struct.unpack(f"!{count}I", reader.take(4 * count)) if count else ()
        reader.end()
        return cls(name=name, statement=statement, parameter_types=parameter_types)

    def encode(self) -> bytes:
        """Give the whole message."""
        types = b"".join(packed(UINT32, oid) for oid in self.parameter_types)
        count = packed(UINT16, len(self.parameter_types))
        return message_bytes(FrontendCode.PARSE, string_bytes(self.name) + string_bytes(self.statement) + count + types)


def bind_names(body: bytes) -> tuple[bytes, bytes]:
    """Give the portal and the statement that a Bind names; the parameters behind them are left to the server.

    On the path of every prepared execution, hence two searches and two slices.
    """
    portal_end = body.find(0)
    statement_end = body.find(0, portal_end + 1)
    if portal_end < 0 or statement_end < 0:
        raise ProtocolViolation("invalid string in message")
    return body[:portal_end], body[portal_end + 1 : statement_end]


def execute_portal(body: bytes) -> tuple[bytes, int]:
    """Give the portal that an Execute names and its row limit, signed as the server reads it; 0 or less: no limit."""
    end = len(body) - 5
    if body.find(0) != end or end < 0:
        reader = Body(body)
        reader.string()
        reader.int32()
        raise ProtocolViolation("invalid message format")
    limit: int = INT32.unpack_from(body, end + 1)[0]
    return body[:end], limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Close a prepared statement or a portal."""

    kind: str
    """`S`: prepared statement; `P`: portal."""
    name: bytes

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a Close's body."""
        kind, name = _kind_and_name(body, "CLOSE")
        return cls(kind=kind, name=name)

    def encode(self) -> bytes:
        """Give the whole message."""
        return message_bytes(FrontendCode.CLOSE, _kind(self.kind) + string_bytes(self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """Describe a prepared statement or a portal."""

    kind: str
    """`S`: prepared statement; `P`: portal."""
    name: bytes

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a Describe's body."""
        kind, name = _kind_and_name(body, "DESCRIBE")
        return cls(kind=kind, name=name)

    def encode(self) -> bytes:
        """Give the whole message."""
        return message_bytes(FrontendCode.DESCRIBE, _kind(self.kind) + string_bytes(self.name))


def _kind_and_name(body: bytes, what: str) -> tuple[str, bytes]:
    reader = Body(body)
    kind = reader.byte()
    name = reader.string()
    reader.end()
    if kind not in b"SP":
        raise ProtocolViolation(f"invalid {what} message subtype {kind}")
    return chr(kind), name


def _kind(kind: str) -> bytes:
    if kind not in ("S", "P"):
        raise ValueError(f"{kind!r} is neither S nor P")
    return kind.encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall:
    """Call a function by OID (documentation: Function Call; fastpath.c)."""

    oid: int
    argument_formats: tuple[int, ...] = ()
    arguments: tuple[bytes | None, ...] = ()
    """None: NULL."""
    result_format: int = 0

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a FunctionCall's body."""
        reader = Body(body)
        oid = reader.uint32()
        formats = tuple(reader.uint16() for _ in range(reader.uint16()))
        arguments: list[bytes | None] = []
        for _ in range(reader.uint16()):
            size = reader.int32()
            if size < -1:
                raise ProtocolViolation(f"invalid argument size {size} in function call message")
            arguments.append(None if size == -1 else reader.take(size))
        result_format = reader.uint16()
        reader.end()
        if len(formats) > 1 and len(formats) != len(arguments):
            raise ProtocolViolation(
                f"function call message contains {len(formats)} argument formats but {len(arguments)} arguments"
            )
        return cls(oid=oid, argument_formats=formats, arguments=tuple(arguments), result_format=result_format)

    def encode(self) -> bytes:
        """Give the whole message."""
        parts = [packed(UINT32, self.oid), packed(UINT16, len(self.argument_formats))]
        parts += [packed(UINT16, each) for each in self.argument_formats]
        parts.append(packed(UINT16, len(self.arguments)))
        for argument in self.arguments:
            parts += [packed(INT32, -1)] if argument is None else [packed(INT32, len(argument)), argument]
        parts.append(packed(UINT16, self.result_format))
        return message_bytes(FrontendCode.FUNCTION_CALL, b"".join(parts))
