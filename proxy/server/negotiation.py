"""What is settled with a client before its session: TLS or not, or a cancel request (backend_startup.c).

Works on the raw socket and reads exactly the bytes of the packet at hand, never one more. So nothing that stands behind
an SSLRequest in plain text can pass for something that came under TLS (CVE-2021-23214); what is there before the answer
is refused, what comes after it runs into the handshake and fails there.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from proxy.wire import (
    CANCEL_REQUEST_CODE,
    HEADER_BYTES,
    NEGOTIATE_GSS_CODE,
    NEGOTIATE_SSL_CODE,
    PROTOCOL_MAJOR,
    CancelRequest,
    ErrorResponse,
    ProtocolViolation,
    SqlState,
    check_version,
    fatal,
    packet_code,
    packet_length,
    read_startup,
)

_TLS_HANDSHAKE: Final = b"\x16"
"""First byte of a ClientHello. No packet begins so: its length would be hundreds of megabytes."""
_UNENCRYPTED_DATA: Final = (
    "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiated:
    """How to go on: a cancel request, or a session with or without TLS."""

    initial: bytes = b""
    """What has been read of the startup packet, for the session's own reader; always empty with TLS."""
    tls: bool = False
    """The caller must run the handshake on the socket now; nothing of it has been read."""
    direct: bool = False
    """Only with `tls`: the client began with TLS, so ALPN must settle on `postgresql` (tls.agreed_on_postgresql)."""
    cancel: CancelRequest | None = None
    """To be forwarded; the client awaits nothing but the end of the connection."""


class Refused(Exception):  # noqa: N818 - says what is the case
    """The client was told why, where it could read it, and its connection is to be closed. The message is a clause."""

    def __init__(self, because: str, sqlstate: SqlState) -> None:
        """Keep the reason and the SQLSTATE."""
        super().__init__(because)
        self.sqlstate = sqlstate


async def negotiate(sock: socket.socket, tls: ssl.SSLContext | None, tls_required: bool) -> Negotiated | None:
    """Come to terms with a client on its accepted, non-blocking socket; None: it hung up.

    Raises Refused after having answered as PostgreSQL does (a forged length and an unwanted direct TLS are not
    answered at all), OSError where the socket fails. Over a Unix socket TLS is neither offered nor required, as in
    PostgreSQL. The caller bounds the time, and closes the socket in every case but a session's.
    """
    unix = sock.family == socket.AF_UNIX
    try:
        return await _negotiate(sock, offered=tls is not None and not unix, required=tls_required and not unix)
    except (ConnectionResetError, BrokenPipeError):
        return None


async def _negotiate(sock: socket.socket, *, offered: bool, required: bool) -> Negotiated | None:
    first = await _peek(sock)
    if not first:
        return None
    if first == _TLS_HANDSHAKE:
        if not offered:
            raise Refused("direct TLS was tried, but TLS is not configured", SqlState.PROTOCOL_VIOLATION)
        return Negotiated(tls=True, direct=True)

    answered: set[int] = set()
    while True:
        header = await _read_exactly(sock, HEADER_BYTES)
        if header is None:
            return None
        try:
            length = packet_length(header)
        except ProtocolViolation as violation:
            raise Refused(violation.message, violation.sqlstate) from violation
        code = packet_code(header)
        if code in (NEGOTIATE_SSL_CODE, NEGOTIATE_GSS_CODE) and code not in answered:
            answered.add(code)
            if length != HEADER_BYTES:
                raise Refused("invalid length of startup packet", SqlState.PROTOCOL_VIOLATION)
            await _refuse_hurried(sock, "SSL request" if code == NEGOTIATE_SSL_CODE else "GSSAPI encryption request")
            agreed = offered and code == NEGOTIATE_SSL_CODE
            await _send(sock, b"S" if agreed else b"N")
            if agreed:
                return Negotiated(tls=True)
            continue
        return await _conclude(sock, header, length, required=required)


async def _conclude(sock: socket.socket, header: bytes, length: int, *, required: bool) -> Negotiated | None:
    code = packet_code(header)
    if code == CANCEL_REQUEST_CODE:
        # Taken in plain text even where TLS is required: libpq's PQcancel sends it so, and the server takes it.
        body = await _read_exactly(sock, length - HEADER_BYTES)
        if body is None:
            return None
        try:
            packet = read_startup(header + body)
        except ProtocolViolation as violation:
            raise Refused(violation.message, violation.sqlstate) from violation
        return Negotiated(cancel=packet) if isinstance(packet, CancelRequest) else None
    refusal: bytes | None = None
    because, sqlstate = "", SqlState.PROTOCOL_VIOLATION
    try:
        check_version(code)
    except ProtocolViolation as violation:
        refusal, because, sqlstate = _in_clients_words(code, violation), violation.message, violation.sqlstate
    if refusal is None and required:
        because, sqlstate = "connection requires TLS", SqlState.INVALID_AUTHORIZATION_SPECIFICATION
        refusal = fatal(
            sqlstate,
            because,
            detail="This server accepts no unencrypted connections.",
            hint="Connect with sslmode=require, verify-ca or verify-full.",
        )
    if refusal is None:
        return Negotiated(initial=header)
    # Closing over unread bytes resets the connection, and a reset can take the error away from the client.
    if await _read_exactly(sock, length - HEADER_BYTES) is None:
        return None
    await _send(sock, refusal)
    raise Refused(because, sqlstate)


def _in_clients_words(code: int, violation: ProtocolViolation) -> bytes:
    """Give the error as elog.c does: a client of a protocol before 3 cannot read an ErrorResponse with fields."""
    if code >> 16 >= PROTOCOL_MAJOR:
        return ErrorResponse.of(violation).encode()
    return b"EFATAL:  %b\n\0" % violation.message.encode()


async def _refuse_hurried(sock: socket.socket, request: str) -> None:
    """Refuse a client that did not wait for the answer to its request: bytes are there that it may not have sent."""
    try:
        hurried = sock.recv(1, socket.MSG_PEEK)
    except (BlockingIOError, InterruptedError):
        return
    if not hurried:
        return  # A closed connection: the answer or the next read meets it.
    because = f"received unencrypted data after {request}"
    await _send(sock, fatal(SqlState.PROTOCOL_VIOLATION, because, detail=_UNENCRYPTED_DATA))
    raise Refused(because, SqlState.PROTOCOL_VIOLATION)


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock, settle)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


async def _peek(sock: socket.socket) -> bytes:
    """Give the first byte without taking it; empty at the end of the stream."""
    while True:
        try:
            return sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            await _readable(sock)


async def _read_exactly(sock: socket.socket, size: int) -> bytes | None:
    """Take exactly `size` bytes, which the caller has bounded; None if the stream ends before."""
    taken = bytearray()
    while len(taken) < size:
        try:
            piece = sock.recv(size - len(taken))
        except (BlockingIOError, InterruptedError):
            await _readable(sock)
            continue
        if not piece:
            return None
        taken += piece
    return bytes(taken)


async def _send(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)
