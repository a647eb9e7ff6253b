"""One client and its server connection: two asyncio protocols around one sans-IO session.

What the session gives is written as it is; nothing is copied that need not be. Three things hold bytes back: a record
that must be written first (the journal tells within the same turn of the event loop), the server's readiness, and a
receiver that is slower than its sender: then the sender is not read any more, so that each direction holds no more than
its buffer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from audit import Journal
from proxy.policy import Account
from proxy.server.docket import Docket
from proxy.server.moment import Moment
from proxy.sql import Study
from proxy.wire import Held, ProtocolViolation, Session, SqlState, Wait, fatal

_log = structlog.get_logger()
_EARLY_BYTES: Final = 65_536
"""What a client may have said before the server is ready, or behind a text that is being read elsewhere; more, and it
is not read until then. Below it the client is read on, since a client's going is noticed by reading alone."""
_LINGER_S: Final = 30.0
"""How long what is left for a peer that does not read is kept after the other side has gone."""


class House(Protocol):
    """What a connection needs of its worker."""

    moment: Moment
    journal: Journal
    bytes_up: int
    bytes_down: int

    def flush_soon(self) -> None:
        """Have the journal written at the end of this turn of the event loop."""

    def flush_later(self) -> None:
        """Have the journal written within a fraction of a second."""

    def study(self, text: str, account: Account, told: Callable[[Study], None]) -> Callable[[], object]:
        """Have a large text studied without stalling anybody; gives what calls that off."""

    def went(self, connection: Connection, reason: str) -> None:
        """Take note that a connection has ended."""


class Connection:
    """A session under way. Made when the server has been reached; the startup packet is sent by `begin`."""

    __slots__ = (
        "_client",
        "_client_eof",
        "_ended",
        "_house",
        "_loop",
        "_on_ready",
        "_pending",
        "_server",
        "_server_full",
        "_session",
        "_stop_reading",
        "_tls",
        "_waited_bytes",
        "client_side",
        "docket",
        "server_side",
    )

    def __init__(
        self, house: House, client: asyncio.Transport, docket: Docket, *, statement_bytes: int, buffer_bytes: int
    ) -> None:
        """`client`'s protocol is to become `client_side`; `server_side` is the one of the server's transport."""
        self._house = house
        self._loop = asyncio.get_running_loop()
        self._client = client
        self._server: asyncio.Transport | None = None
        self.docket = docket
        self._session = Session(docket, statement_bytes=statement_bytes)
        docket.attend(self._session)
        self._pending: list[bytes | Held] = []
        self._client_eof = False
        self._server_full = False
        self._stop_reading: Callable[[], object] | None = None
        """Calls off the reading of a large text, while there is one."""
        self._waited_bytes = 0
        """What had been said when that began."""
        self._ended = False
        self._on_ready: Callable[[], None] | None = None
        self._tls = client.get_extra_info("ssl_object") is not None
        self.client_side = ClientSide(self)
        self.server_side = ServerSide(self)
        client.set_write_buffer_limits(high=buffer_bytes)

    def begin(
        self, server: asyncio.Transport, startup: bytes, *, buffer_bytes: int, on_ready: Callable[[], None]
    ) -> None:
        """Send the startup packet; `on_ready` is called at the server's first ReadyForQuery."""
        self._server = server
        self._on_ready = on_ready
        server.set_write_buffer_limits(high=buffer_bytes)
        server.write(startup)

    def offer_channel_binding(self, *, same: bool) -> None:
        """Let SCRAM-SHA-256-PLUS pass where the client sees the `same` certificate as we do: it is bound to that."""
        self._session.backend.channel_binding = same

    @property
    def idle(self) -> bool:
        """True where no transaction is open and nothing waits to be sent."""
        session = self._session
        return session.ready and session.idle and not self._pending and session.frontend.waits is None

    def end(self, message: bytes, reason: str) -> None:
        """End both sides, telling the client why with a whole ErrorResponse."""
        if self._ended:
            return
        if message and not self._client.is_closing():
            self._client.write(message)
        self._finish(reason)

    def record_overdue(self, before_s: float) -> None:
        """Have the decisions of reads that run on put on record, if made before then (monotonic seconds)."""
        for ruling in self._session.outstanding():
            self.docket.overdue(ruling, before_s)

    # What the protocols report

    def from_client(self, data: bytes) -> None:
        """Take bytes of the client."""
        house = self._house
        house.moment.look()
        house.bytes_up += len(data)
        session = self._session
        frontend = session.frontend
        try:
            parts = frontend.feed(data) if self._on_ready is None else session.from_frontend(data)
        except Exception as error:
            self._failed(error)
            return
        self._send_up(parts, held=frontend.held)
        if frontend.waits is not None:
            self._wait(frontend.waits)
        if self._on_ready is not None and session.waiting_bytes > _EARLY_BYTES:
            self._client.pause_reading()
        if frontend.ended:
            self._end_of_client()

    def from_server(self, data: bytes) -> None:
        """Take bytes of the server."""
        house = self._house
        house.moment.look()
        house.bytes_down += len(data)
        try:
            parts = self._session.backend.feed(data)
        except ProtocolViolation as violation:
            self.end(fatal(violation.sqlstate, violation.message), "server broke the protocol")
            return
        except Exception as error:
            self._failed(error)
            return
        client = self._client
        for part in parts:
            client.write(part)
        if house.journal.pending:
            house.flush_later()
        frontend = self._session.frontend
        if frontend.waits is Wait.ANSWERS and frontend.answered:
            self._go_on()
        if self._on_ready is not None and self._session.ready:
            on_ready, self._on_ready = self._on_ready, None
            on_ready()
            if not self._client.is_reading() and not self._client.is_closing():
                self._client.resume_reading()
            parts_up = self._session.early()
            self._send_up(parts_up, held=self._session.held)
            if frontend.waits is not None:
                self._wait(frontend.waits)
            if self._client_eof or self._session.ended:
                self._end_of_client()

    def client_paused(self) -> None:
        """Stop reading the server: the client reads less fast."""
        if self._server is not None and not self._server.is_closing():
            self._server.pause_reading()

    def client_resumed(self) -> None:
        """Read the server again."""
        if self._server is not None and not self._server.is_closing():
            self._server.resume_reading()

    def server_paused(self) -> None:
        """Stop reading the client: the server reads less fast."""
        self._server_full = True
        if not self._client.is_closing():
            self._client.pause_reading()

    def server_resumed(self) -> None:
        """Read the client again."""
        self._server_full = False
        if not self._client.is_closing() and self._session.frontend.waits is None:
            self._client.resume_reading()

    def client_eof(self) -> bool:
        """Pass on that the client sends no more; it may still read. True keeps its transport open."""
        self._end_of_client()
        return not self._tls

    def client_lost(self) -> None:
        """End: the client has gone."""
        self._finish("client closed")

    def server_lost(self) -> None:
        """End: the server has gone."""
        self._finish("server closed")

    # Inside

    def _send_up(self, parts: list[bytes | Held], *, held: bool) -> None:
        server = self._server
        if server is None or server.is_closing():
            return
        if held or self._pending:
            if not self._pending:
                self._house.journal.on_written(self._release)
            self._pending += parts
            self._house.flush_soon()
            return
        for part in parts:
            server.write(part if isinstance(part, bytes) else part.data)
        if self._house.journal.pending:
            self._house.flush_later()

    def _failed(self, error: Exception) -> None:
        """End over a bug of ours: what the bytes meant is not known, so nothing of them may pass."""
        _log.exception("a session's bytes could not be followed", error=repr(error))
        self.end(fatal(SqlState.INTERNAL_ERROR, "the proxy failed on a message; its log says how"), "bug")

    def _wait(self, waits: Wait) -> None:
        """See to it that a stream that waits goes on."""
        client = self._client
        if waits is Wait.TEXT and self._stop_reading is None:
            self._waited_bytes = self._session.frontend.waiting_bytes
            self._stop_reading = self._house.study(self.docket.unstudied, self.docket.account, self._read)
        elif waits is Wait.TURN:
            self._loop.call_soon(self._go_on)
        if not client.is_closing() and (
            waits is not Wait.TEXT or self._session.frontend.waiting_bytes - self._waited_bytes > _EARLY_BYTES
        ):
            client.pause_reading()

    def _read(self, found: Study) -> None:
        self._stop_reading = None
        if not self._ended:
            self.docket.learn(found)
            self._go_on()

    def _go_on(self) -> None:
        """Take what the stream waited with."""
        if self._ended:
            return
        self._house.moment.look()
        frontend = self._session.frontend
        try:
            parts = frontend.resume()
        except Exception as error:
            self._failed(error)
            return
        self._send_up(parts, held=frontend.held)
        if frontend.waits is not None:
            self._wait(frontend.waits)
            return
        if not self._server_full and not self._client.is_closing():
            self._client.resume_reading()
        if self._client_eof or frontend.ended:
            self._end_of_client()

    def _release(self, written: bool) -> None:
        parts, self._pending = self._pending, []
        server = self._server
        if server is None or server.is_closing():
            return
        out: list[bytes] = []
        for part in parts:
            if isinstance(part, bytes):
                out.append(part)
            elif written:
                out.append(part.data)
            else:
                self.docket.refuse_unrecorded(part.ruling)
                out.append(self._session.refuse_late(part))
        server.write(b"".join(out))
        if self._client_eof:
            self._end_of_client()

    def _end_of_client(self) -> None:
        self._client_eof = True
        server = self._server
        if self._pending or self._session.frontend.waits is not None or server is None or server.is_closing():
            return
        if self._on_ready is not None and self._session.waiting_bytes:
            # It is sent as soon as the server is ready, and the end behind it.
            return
        if server.can_write_eof():
            server.write_eof()
        else:
            self._finish("client closed")

    def _finish(self, reason: str) -> None:
        if self._ended:
            return
        self._ended = True
        house = self._house
        house.moment.look()
        if self._pending and self._server is not None and not self._server.is_closing():
            # What the client had sent before it went would have reached the server, too.
            house.journal.flush()
        self._session.broken_off()
        if self._stop_reading is not None:
            self._stop_reading()
            self.docket.unread("the session ended before it had been read")
        for transport in (self._client, self._server):
            if transport is not None and not transport.is_closing():
                transport.close()
                if transport.get_write_buffer_size():
                    self._loop.call_later(_LINGER_S, transport.abort)
        house.went(self, reason)
        house.flush_soon()


class ClientSide(asyncio.Protocol):
    """The client's protocol once the server has been reached."""

    # `data_received` is the connection's own method: one call less for each burst.
    __slots__ = ("_connection", "data_received")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.data_received = connection.from_client  # type: ignore[method-assign]

    def pause_writing(self) -> None:
        """See asyncio: the buffer towards the peer is full."""
        self._connection.client_paused()

    def resume_writing(self) -> None:
        """See asyncio: the buffer towards the peer has room again."""
        self._connection.client_resumed()

    def eof_received(self) -> bool:
        """See asyncio: the peer sends no more."""
        return self._connection.client_eof()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a reset is an end, too
        """See asyncio: the peer has gone."""
        self._connection.client_lost()


class ServerSide(asyncio.Protocol):
    """The server's protocol."""

    # `data_received` is the connection's own method: one call less for each burst.
    __slots__ = ("_connection", "data_received")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.data_received = connection.from_server  # type: ignore[method-assign]

    def pause_writing(self) -> None:
        """See asyncio: the buffer towards the peer is full."""
        self._connection.server_paused()

    def resume_writing(self) -> None:
        """See asyncio: the buffer towards the peer has room again."""
        self._connection.server_resumed()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a reset is an end, too
        """See asyncio: the peer has gone."""
        self._connection.server_lost()
