"""Dial PostgreSQL as libpq does under its `sslmode`, and carry cancel requests to it.

The wish for TLS is made on the raw socket and its answer read as exactly one byte; bytes behind it are refused
(CVE-2021-23222). `prefer` goes on without TLS where the server has none or the handshake fails, as libpq's does: it
protects from nobody who can touch the line. `allow` dials without TLS and stays so: libpq would come back with TLS
after the server has refused the session, and that refusal belongs to the client here. A Unix socket never has TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Final, TypeVar, cast

from proxy.server.address import Address, TcpAddress, UnixAddress
from proxy.server.config import SslMode
from proxy.wire import CancelRequest, SqlState, SSLRequest

_Place = str | tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
P = TypeVar("P", bound=asyncio.BaseProtocol)
_KEEPALIVE_IDLE_S: Final = 60
"""A dead server is noticed within minutes rather than the kernel's two hours; TCP's own retries do the rest."""


class UpstreamUnavailable(Exception):  # noqa: N818 - says what is the case
    """The server could not be reached, or not in the way that `sslmode` asks for. The message is a clause."""

    def __init__(self, because: str, sqlstate: SqlState = SqlState.SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION) -> None:
        """Keep the reason and the SQLSTATE."""
        super().__init__(because)
        self.sqlstate = sqlstate


class _TlsDeclined(Exception):  # noqa: N818 - says what is the case
    """The server has no TLS, or none that works; `prefer` goes on without."""


class Upstream:
    """One server, and how to speak to it."""

    def __init__(
        self, address: Address, sslmode: SslMode, context: ssl.SSLContext | None, connect_timeout_s: float
    ) -> None:
        """`context` as tls.client_context made it for this `sslmode`; ValueError if it is missing or too much."""
        if (context is None) is not (sslmode is SslMode.DISABLE):
            raise ValueError(f"sslmode {sslmode} and the TLS context do not fit together")
        self.address = address
        self._sslmode = sslmode
        self._context = context
        self._connect_timeout_s = connect_timeout_s

    async def dial(self, protocol_factory: Callable[[], P]) -> tuple[asyncio.Transport, P]:
        """Connect; the protocol gets the stream where the startup packet is due. Raises UpstreamUnavailable.

        `connect_timeout_s` bounds the whole of it: names, connection, TLS.
        """
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await self._dial(protocol_factory)
        except TimeoutError:
            raise UpstreamUnavailable(
                f"connection to server at {self.address} timed out after {self._connect_timeout_s:g} s"
            ) from None

    async def cancel(self, request: CancelRequest) -> None:
        """Carry a cancel request over a connection of its own and wait until the server has dealt with it and closed.

        Raises UpstreamUnavailable; dialling and waiting take at most `connect_timeout_s` each.
        """
        transport, errand = await self.dial(lambda: _CancelErrand(request))
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await errand.closed.wait()
        except TimeoutError:
            raise UpstreamUnavailable(
                f"server at {self.address} did not close a cancel request's connection", SqlState.CONNECTION_FAILURE
            ) from None
        finally:
            transport.abort()

    async def _dial(self, protocol_factory: Callable[[], P]) -> tuple[asyncio.Transport, P]:
        wanted = self._sslmode not in (SslMode.DISABLE, SslMode.ALLOW) and not isinstance(self.address, UnixAddress)
        if not wanted:
            return await self._plain(protocol_factory)
        try:
            return await self._encrypted(protocol_factory)
        except _TlsDeclined as declined:
            if self._sslmode is not SslMode.PREFER:
                raise UpstreamUnavailable(f"server at {self.address} {declined}, but sslmode is {self._sslmode}") from (
                    declined.__cause__
                )
        # A connection of its own: the first one may hold half a handshake, or an old server's error.
        return await self._plain(protocol_factory)

    async def _plain(self, protocol_factory: Callable[[], P]) -> tuple[asyncio.Transport, P]:
        sock = await self._connect()
        with _closing_on_failure(sock):
            return await asyncio.get_running_loop().create_connection(protocol_factory, sock=sock)

    async def _encrypted(self, protocol_factory: Callable[[], P]) -> tuple[asyncio.Transport, P]:
        loop = asyncio.get_running_loop()
        sock = await self._connect()
        with _closing_on_failure(sock):
            try:
                await loop.sock_sendall(sock, SSLRequest().encode())
                answer = await loop.sock_recv(sock, 1)
            except OSError as error:
                raise self._unreachable(error) from error
            match answer:
                case b"S":
                    self._refuse_hurried(sock)
                case b"N":
                    raise _TlsDeclined("does not support TLS")
                case b"E":
                    raise _TlsDeclined("answered the request for TLS with an error")
                case b"":
                    raise UpstreamUnavailable(
                        f"server at {self.address} closed the connection unexpectedly", SqlState.CONNECTION_FAILURE
                    )
                case _:
                    raise UpstreamUnavailable(
                        f"received invalid response to SSL negotiation: {answer!r}", SqlState.PROTOCOL_VIOLATION
                    )
            try:
                return await loop.create_connection(
                    protocol_factory,
                    sock=sock,
                    ssl=self._context,
                    server_hostname=self._server_hostname(),
                    ssl_handshake_timeout=self._connect_timeout_s,
                )
            except ssl.SSLCertVerificationError as error:
                raise _TlsDeclined(f"has a certificate that does not verify ({error.verify_message})") from error
            except (OSError, EOFError) as error:
                raise _TlsDeclined(f"failed in the TLS handshake ({error})") from error

    def _server_hostname(self) -> str:
        host = self.address.host if isinstance(self.address, TcpAddress) else None
        return host or "localhost"

    def _refuse_hurried(self, sock: socket.socket) -> None:
        try:
            hurried = sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        if hurried:
            raise UpstreamUnavailable(
                f"received unencrypted data after SSL response from server at {self.address}",
                SqlState.PROTOCOL_VIOLATION,
            )

    async def _connect(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        failure: OSError | None = None
        for family, place in await self._places():
            sock = socket.socket(family, socket.SOCK_STREAM)
            with _closing_on_failure(sock):
                sock.setblocking(False)
                try:
                    await loop.sock_connect(sock, place)
                except OSError as error:
                    failure = error
                    sock.close()
                    continue
                if family != socket.AF_UNIX:
                    _keep_lively(sock)
                return sock
        raise self._unreachable(failure or OSError("no address")) from failure

    async def _places(self) -> list[tuple[int, _Place]]:
        if isinstance(self.address, UnixAddress):
            return [(socket.AF_UNIX, self.address.path)]
        host = self.address.host or "localhost"
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, self.address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UpstreamUnavailable(f"could not translate host name of {self.address}: {error}") from error
        return [(family, place) for family, _, _, _, place in found]

    def _unreachable(self, error: OSError) -> UpstreamUnavailable:
        return UpstreamUnavailable(f"connection to server at {self.address} failed: {error.strerror or error}")


class _CancelErrand(asyncio.Protocol):
    """Sends one cancel request and tells when the server has closed."""

    def __init__(self, request: CancelRequest) -> None:
        self._request = request
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Cast, not tested: uvloop's transports are none of asyncio's classes.
        cast("asyncio.WriteTransport", transport).write(self._request.encode())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a reset is an end, too
        self.closed.set()


@contextlib.contextmanager
def _closing_on_failure(sock: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        sock.close()
        raise


def _keep_lively(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
