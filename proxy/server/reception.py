"""From an accepted socket to a session under way: negotiation, startup packet, account, server.

All of it is bounded in time and in number, and whatever goes wrong is told to the client in PostgreSQL's words.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from typing import Final, Protocol, cast

import structlog

from audit import IdMint, SessionRecord, encode
from audit import Session as RecordedSession
from proxy.policy import Account, Principal
from proxy.server.catalog import Catalog
from proxy.server.config import ServerConfig
from proxy.server.connection import Connection, House
from proxy.server.docket import Docket
from proxy.server.farewell import linger, take_leave
from proxy.server.judge import Judge
from proxy.server.metrics import Meter
from proxy.server.negotiation import Refused, negotiate
from proxy.server.tls import ClientCertificateRefused, ServerTls, agreed_on_postgresql, common_name
from proxy.server.upstream import Upstream, UpstreamUnavailable
from proxy.wire import (
    CancelRequest,
    ErrorResponse,
    ProtocolViolation,
    Severity,
    SqlState,
    StartupMessage,
    fatal,
    packet_length,
    read_startup,
)

_log = structlog.get_logger()
STANDING: Final = 512
"""On the way in or out at once, beside `max_connections` silent ones: who is to be told must be heard first."""


class Desk(House, Protocol):
    """What the reception needs of its worker."""

    config: ServerConfig
    judge: Judge
    meter: Meter
    mint: IdMint
    catalog: Catalog
    upstream: Upstream
    tls: ServerTls | None
    proxy_name: str
    connections: set[Connection]


class _GoneError(Exception):
    """The client hung up."""


class _TurnedAwayError(Exception):
    """The client is told why, and that is all."""

    def __init__(self, told: ErrorResponse) -> None:
        super().__init__(told.fields["M"].decode(errors="replace"))
        self.told = told


class _StartupReader(asyncio.Protocol):
    """Reads the startup packet off a transport, and nothing behind it."""

    def __init__(self, initial: bytes) -> None:
        self._data = initial
        self._packet: asyncio.Future[tuple[StartupMessage | CancelRequest, bytes]] = (
            asyncio.get_running_loop().create_future()
        )
        self._transport: asyncio.Transport | None = None

    async def packet(self) -> tuple[StartupMessage | CancelRequest, bytes]:
        """Give the packet and what came behind it. Raises ProtocolViolation or _GoneError."""
        return await self._packet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Cast, not tested: uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._look()

    def eof_received(self) -> bool:
        self._settle(_GoneError())
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a reset is an end, too
        self._settle(_GoneError())

    def _look(self) -> None:
        if self._packet.done():
            return
        try:
            packet = read_startup(self._data)
            if packet is None:
                return
        except ProtocolViolation as violation:
            self._settle(violation)
            return
        if not isinstance(packet, StartupMessage | CancelRequest):
            self._settle(ProtocolViolation("expected a startup packet"))
            return
        if self._transport is not None:
            # What follows is the session's, which is not there yet.
            self._transport.pause_reading()
        self._packet.set_result((packet, self._data[packet_length(self._data) :]))

    def _settle(self, error: Exception) -> None:
        if not self._packet.done():
            self._packet.set_exception(error)
            # It may never be asked for.
            self._packet.exception()


class Reception:
    """Receives clients for one worker."""

    def __init__(self, desk: Desk, *, standing: int = STANDING) -> None:
        self._desk = desk
        self._standing = standing
        self._waiting = 0
        """On their way in, and on their way out again."""
        self._joining = 0
        """Of those who wait: they have said who they are, and have a place."""

    async def receive(self, sock: socket.socket) -> None:
        """Take an accepted, non-blocking socket, which is closed unless a session comes of it. Never raises."""
        desk = self._desk
        # Half-open handshakes are bounded, too; there is no word for it before the startup packet.
        if self._waiting >= desk.config.max_connections + self._standing:
            desk.meter.connections["refused"] += 1
            sock.close()
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(desk.config.startup_timeout_s):
                turned_away = await self._receive(sock)
            if turned_away is not None:
                await take_leave(*turned_away)
        except TimeoutError:
            desk.meter.connections["failed"] += 1
            _log.info("startup_timeout", after_s=desk.config.startup_timeout_s)
            sock.close()
        except (_GoneError, OSError, EOFError) as error:
            desk.meter.connections["failed"] += 1
            _log.info("connection_failed", error=str(error) or "client closed")
            sock.close()
        except Refused as refused:
            desk.meter.connections["refused"] += 1
            _log.info("connection_refused", because=str(refused), sqlstate=str(refused.sqlstate))
            try:
                await linger(sock)
            finally:
                sock.close()
        except Exception as error:
            desk.meter.connections["failed"] += 1
            _log.exception("reception_failed", error=repr(error))
            sock.close()
        except asyncio.CancelledError:
            sock.close()
            raise
        finally:
            self._waiting -= 1

    async def _receive(self, sock: socket.socket) -> tuple[asyncio.Transport, bytes] | None:
        """See a client to its session, or give whom to tell what."""
        desk = self._desk
        address = _address_of(sock)
        context = None if desk.tls is None else desk.tls.context
        negotiated = await negotiate(sock, context, desk.config.tls_required)
        if negotiated is None:
            raise _GoneError
        if negotiated.cancel is not None:
            await self._cancel(negotiated.cancel)
            sock.close()
            return None
        reader = _StartupReader(negotiated.initial)
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
            lambda: reader, sock, ssl=context if negotiated.tls else None
        )
        try:
            await self._settle_in(transport, reader, address, direct=negotiated.direct)
        except _TurnedAwayError as turned_away:
            desk.meter.connections["refused"] += 1
            _log.info("connection_refused", because=str(turned_away), sqlstate=turned_away.told.sqlstate)
            return transport, turned_away.told.encode()
        except BaseException:
            transport.abort()
            raise
        return None

    async def _settle_in(
        self, transport: asyncio.Transport, reader: _StartupReader, address: str | None, *, direct: bool
    ) -> None:
        desk = self._desk
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if direct and (tls is None or not agreed_on_postgresql(tls)):
            raise _TurnedAwayError(_fatal(SqlState.PROTOCOL_VIOLATION, "direct TLS without the postgresql ALPN"))
        try:
            packet, rest = await reader.packet()
            certificate = None if tls is None else common_name(tls)
        except ProtocolViolation as violation:
            raise _TurnedAwayError(ErrorResponse.of(violation)) from violation
        except ClientCertificateRefused as refused:
            told = _fatal(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, str(refused))
            raise _TurnedAwayError(told) from refused
        if isinstance(packet, CancelRequest):
            # Inside TLS, as libpq sends it since 17.
            await self._cancel(packet)
            transport.close()
            return
        # Those who are on their way in count: the server may take its time, and many may come meanwhile.
        if len(desk.connections) + self._joining >= desk.config.max_connections:
            raise _TurnedAwayError(
                _fatal(
                    SqlState.TOO_MANY_CONNECTIONS,
                    "sorry, too many clients already",
                    detail=f"This proxy serves {desk.config.max_connections} connections per worker.",
                )
            )
        self._joining += 1
        try:
            await self._admit(transport, packet, rest, address, certificate)
        finally:
            self._joining -= 1

    async def _admit(
        self,
        transport: asyncio.Transport,
        packet: StartupMessage,
        rest: bytes,
        address: str | None,
        certificate: str | None,
    ) -> None:
        desk = self._desk
        principal = Principal(
            user=_text(packet.user),
            database=_text(packet.database),
            client_address=None if address is None else address.rpartition(":")[0].strip("[]"),
            certificate_name=certificate,
            application_name=_text(packet.parameters.get(b"application_name", b"")) or None,
        )
        account = desk.judge.policy.account_of(principal)
        await desk.catalog.know(principal.database)
        docket = self._docket(principal, account, address)
        refusal = docket.startup(packet.settings(), replication=packet.replication)
        if refusal is not None:
            # Its record first, and at once: a connection that is turned away waits for no turn of the loop.
            desk.journal.flush(desk.moment.wall_s)
            raise _TurnedAwayError(refusal)
        await self._join(transport, packet, rest, docket)

    async def _cancel(self, request: CancelRequest) -> None:
        """Carry a cancel request to the server: its key is the server's own, so any worker will do."""
        self._desk.meter.connections["cancel"] += 1
        try:
            await self._desk.upstream.cancel(request)
        except UpstreamUnavailable as unavailable:
            _log.warning("cancel_failed", because=str(unavailable))

    def _docket(self, principal: Principal, account: Account, address: str | None) -> Docket:
        desk = self._desk
        desk.moment.look()
        return Docket(
            judge=desk.judge,
            journal=desk.journal,
            mint=desk.mint,
            moment=desk.moment,
            nonce=_nonce,
            account=account,
            session=RecordedSession(
                id=desk.mint.next(desk.moment.unix_ms).decode(),
                proxy=desk.proxy_name,
                client=address,
                user=principal.user,
                database=principal.database,
                application_name=principal.application_name,
                account=account.name,
                account_kind=account.kind.value,
            ),
        )

    async def _join(self, transport: asyncio.Transport, packet: StartupMessage, rest: bytes, docket: Docket) -> None:
        desk = self._desk
        config = desk.config
        connection = Connection(
            desk, transport, docket, statement_bytes=config.statement_bytes, buffer_bytes=config.buffer_bytes
        )
        try:
            server, _ = await desk.upstream.dial(lambda: connection.server_side)
        except UpstreamUnavailable as unavailable:
            _log.warning("upstream_unavailable", because=str(unavailable))
            raise _TurnedAwayError(_fatal(SqlState.CONNECTION_FAILURE, str(unavailable))) from unavailable
        if transport.is_closing():
            server.abort()
            raise _GoneError
        if desk.tls is not None and transport.get_extra_info("ssl_object") is not None:
            connection.offer_channel_binding(same=desk.tls.is_certificate_of(server.get_extra_info("ssl_object")))
        desk.connections.add(connection)
        desk.meter.connections["opened"] += 1
        self._record(docket, "opened")
        timer = asyncio.get_running_loop().call_later(
            config.startup_timeout_s,
            connection.end,
            fatal(SqlState.QUERY_CANCELED, "canceling authentication due to timeout"),
            "authentication timeout",
        )

        def ready() -> None:
            timer.cancel()
            self._record(docket, "login")

        connection.begin(server, packet.original, buffer_bytes=config.buffer_bytes, on_ready=ready)
        transport.set_protocol(connection.client_side)
        if rest:
            connection.from_client(rest)
        transport.resume_reading()

    def _record(self, docket: Docket, event: str) -> None:
        desk = self._desk
        at = desk.moment.stamp.decode()
        record = SessionRecord(event="login" if event == "login" else "opened", at=at, session=docket.record)
        desk.journal.append(encode(record))
        desk.flush_soon()


def _fatal(sqlstate: SqlState, message: str, *, detail: str | None = None) -> ErrorResponse:
    return ErrorResponse.build(Severity.FATAL, sqlstate, message, detail=detail)


def _nonce() -> bytes:
    return secrets.token_hex(16).encode()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _address_of(sock: socket.socket) -> str | None:
    if sock.family == socket.AF_UNIX:
        return None
    host, port = sock.getpeername()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
