"""Messages that the server sends and that need thought, and the errors that the proxy itself sends.

Pure; the same contract as the client's messages: `decode` consumes a body exactly or raises ProtocolViolation, strings
stay bytes, `encode` gives the whole message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from proxy.wire.codes import (
    MAX_CANCEL_KEY_LENGTH,
    AuthenticationCode,
    BackendCode,
    DiagnosticField,
    ProtocolViolation,
    Severity,
    SqlState,
    TransactionStatus,
)
from proxy.wire.pqformat import INT32, UINT32, Body, message_bytes, packed, string_bytes

SCRAM_SHA_256_PLUS: Final = b"SCRAM-SHA-256-PLUS"


def _fields(body: bytes) -> dict[str, bytes]:
    reader = Body(body)
    fields: dict[str, bytes] = {}
    while code := reader.byte():
        name = chr(code)
        if name in fields:
            raise ProtocolViolation(f"field {name!r} appears twice in an error or notice")
        fields[name] = reader.string()
    reader.end()
    return fields


def _field_bytes(fields: Mapping[str, bytes]) -> bytes:
    parts = []
    for name, value in fields.items():
        if len(name) != 1 or not 0 < ord(name) < 256:
            raise ValueError(f"{name!r} is not a field code")
        parts.append(name.encode("latin-1") + string_bytes(value))
    return b"".join(parts) + b"\0"


def _built_fields(
    severity: Severity, sqlstate: str, message: str, detail: str | None, hint: str | None
) -> dict[str, bytes]:
    texts = {
        DiagnosticField.SEVERITY: str(severity),
        DiagnosticField.SEVERITY_NONLOCALIZED: str(severity),
        DiagnosticField.SQLSTATE: str(sqlstate),
        DiagnosticField.MESSAGE_PRIMARY: message,
        DiagnosticField.MESSAGE_DETAIL: detail,
        DiagnosticField.MESSAGE_HINT: hint,
    }
    # A NUL from a policy's words would end the field early and make the rest of it look like further fields.
    return {
        str(field): text.replace("\0", "").encode("utf-8", "surrogateescape")
        for field, text in texts.items()
        if text is not None
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorResponse:
    """An error, with its fields in the order of the wire."""

    fields: Mapping[str, bytes]
    """One-character field code (DiagnosticField, or one that is newer than this list) to value."""

    @classmethod
    def build(
        cls, severity: Severity, sqlstate: str, message: str, *, detail: str | None = None, hint: str | None = None
    ) -> Self:
        """Make one from words; sent as UTF-8, surrogate escapes as the bytes they stand for, NULs dropped."""
        return cls(fields=_built_fields(severity, sqlstate, message, detail, hint))

    @classmethod
    def of(cls, violation: ProtocolViolation) -> Self:
        """Make the FATAL error that answers a peer's violation."""
        return cls.build(Severity.FATAL, violation.sqlstate, violation.message, detail=violation.detail)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read an ErrorResponse's body."""
        return cls(fields=_fields(body))

    @property
    def sqlstate(self) -> str:
        """Five characters; empty where the field is missing."""
        return self.fields.get(DiagnosticField.SQLSTATE, b"").decode("latin-1")

    def encode(self) -> bytes:
        """Give the whole message."""
        return message_bytes(BackendCode.ERROR_RESPONSE, _field_bytes(self.fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeResponse:
    """A notice or warning, with its fields in the order of the wire."""

    fields: Mapping[str, bytes]

    @classmethod
    def build(
        cls, severity: Severity, sqlstate: str, message: str, *, detail: str | None = None, hint: str | None = None
    ) -> Self:
        """Make one from words, as ErrorResponse.build does."""
        return cls(fields=_built_fields(severity, sqlstate, message, detail, hint))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a NoticeResponse's body."""
        return cls(fields=_fields(body))

    def encode(self) -> bytes:
        """Give the whole message."""
        return message_bytes(BackendCode.NOTICE_RESPONSE, _field_bytes(self.fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterStatus:
    """A setting that the server reports, at startup or when it changes."""

    name: bytes
    value: bytes

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a ParameterStatus's body."""
        reader = Body(body)
        name = reader.string()
        value = reader.string()
        reader.end()
        return cls(name=name, value=value)

    def encode(self) -> bytes:
        """Give the whole message."""
        return message_bytes(BackendCode.PARAMETER_STATUS, string_bytes(self.name) + string_bytes(self.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendKeyData:
    """What a cancel request must show: 4 bytes of key in protocol 3.0, up to 256 in 3.2."""

    process_id: int
    secret_key: bytes

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a BackendKeyData's body."""
        reader = Body(body)
        process_id = reader.uint32()
        secret_key = reader.rest()
        if not 1 <= len(secret_key) <= MAX_CANCEL_KEY_LENGTH:
            raise ProtocolViolation("invalid length of cancel key in backend key data")
        return cls(process_id=process_id, secret_key=secret_key)

    def encode(self) -> bytes:
        """Give the whole message."""
        if not 1 <= len(self.secret_key) <= MAX_CANCEL_KEY_LENGTH:
            raise ValueError("a cancel key has 1 to 256 bytes")
        return message_bytes(BackendCode.BACKEND_KEY_DATA, packed(UINT32, self.process_id) + self.secret_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandComplete:
    """A statement has been executed; the tag says which and, for some, how many rows."""

    tag: bytes

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a CommandComplete's body."""
        reader = Body(body)
        tag = reader.string()
        reader.end()
        return cls(tag=tag)

    @property
    def command(self) -> str:
        """The tag's words without its counts: `INSERT` for `INSERT 0 5`."""
        return " ".join(word for word in self.tag.decode("latin-1").split(" ") if not _is_count(word))

    @property
    def rows(self) -> int | None:
        """The tag's last count; None where it has none. INSERT's first number is an OID."""
        last = self.tag.decode("latin-1").rpartition(" ")[2]
        return int(last) if _is_count(last) else None

    def encode(self) -> bytes:
        """Give the whole message."""
        return message_bytes(BackendCode.COMMAND_COMPLETE, string_bytes(self.tag))


def _is_count(word: str) -> bool:
    # A count is a uint64 (EState.es_processed); a longer run of digits is no count, and costs no time.
    return word.isascii() and word.isdigit() and len(word) <= 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyForQuery:
    """The server awaits the next query cycle."""

    status: TransactionStatus

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a ReadyForQuery's body."""
        reader = Body(body)
        status = reader.byte()
        reader.end()
        try:
            return cls(status=TransactionStatus(status))
        except ValueError:
            raise ProtocolViolation(f"invalid transaction status {status}") from None

    def encode(self) -> bytes:
        """Give the whole message."""
        return message_bytes(BackendCode.READY_FOR_QUERY, bytes((self.status,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationRequest:
    """Any of the Authentication* messages."""

    code: AuthenticationCode
    data: bytes = b""
    """What follows the code: MD5's salt, SASL's mechanisms or challenge, GSSAPI's token."""

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the body of an Authentication* message."""
        reader = Body(body)
        number = reader.uint32()
        data = reader.rest()
        try:
            code = AuthenticationCode(number)
        except ValueError:
            raise ProtocolViolation(f"authentication method {number} not supported") from None
        return cls(code=code, data=data)

    @property
    def mechanisms(self) -> tuple[bytes, ...]:
        """Names that an AuthenticationSASL offers, the server's favorite first; empty for other codes."""
        if self.code is not AuthenticationCode.SASL:
            return ()
        reader = Body(self.data)
        names = []
        while name := reader.string():
            names.append(name)
        reader.end()
        return tuple(names)

    def without_channel_binding(self) -> Self:
        """Give the same request without SCRAM-SHA-256-PLUS, which cannot hold through a proxy that ends TLS.

        What is left may be no mechanism at all; a client then gives up with its own error.
        """
        if SCRAM_SHA_256_PLUS not in self.mechanisms:
            return self
        kept = [name for name in self.mechanisms if name != SCRAM_SHA_256_PLUS]
        return type(self)(code=self.code, data=b"".join(map(string_bytes, kept)) + b"\0")

    def encode(self) -> bytes:
        """Give the whole message."""
        return message_bytes(BackendCode.AUTHENTICATION_REQUEST, packed(UINT32, self.code) + self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiateProtocolVersion:
    """The server speaks an older minor version than asked for, or does not know a `_pq_.` option."""

    version: int
    """Newest version that the server speaks, as in a startup packet: major << 16 | minor."""
    unrecognized: tuple[bytes, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a NegotiateProtocolVersion's body."""
        reader = Body(body)
        version = reader.uint32()
        count = reader.int32()
        if not 0 <= count <= reader.left():
            raise ProtocolViolation("insufficient data left in message")
        unrecognized = tuple(reader.string() for _ in range(count))
        reader.end()
        return cls(version=version, unrecognized=unrecognized)

    def encode(self) -> bytes:
        """Give the whole message."""
        head = packed(UINT32, self.version) + packed(INT32, len(self.unrecognized))
        return message_bytes(
            BackendCode.NEGOTIATE_PROTOCOL_VERSION, head + b"".join(map(string_bytes, self.unrecognized))
        )


def fatal(sqlstate: SqlState, message: str, *, detail: str | None = None, hint: str | None = None) -> bytes:
    """Give the whole FATAL ErrorResponse that ends a connection."""
    return ErrorResponse.build(Severity.FATAL, sqlstate, message, detail=detail, hint=hint).encode()
