from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from typing import cast

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from proxy.server.address import TcpAddress
from proxy.server.config import SslMode
from proxy.server.negotiation import Negotiated, Refused, negotiate
from proxy.server.tls import agreed_on_postgresql, client_context, server_context
from proxy.server.upstream import Upstream
from proxy.wire.codes import SqlState
from proxy.wire.messages import ErrorResponse
from proxy.wire.startup import CancelRequest, GSSENCRequest, SSLRequest, startup_packet
from tests.clusters import Cluster
from tests.server.certificates import Certificates, issue
from tests.server.loops import each_loop, run

Loop = Callable[[], asyncio.AbstractEventLoop]

STARTUP = startup_packet([(b"user", b"postgres")])
CANCEL = CancelRequest(process_id=7, secret_key=bytes(range(32)))
CLIENT_HELLO = b"\x16\x03\x01"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Issue certificates once for these tests."""
    return issue(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tls(certificates: Certificates) -> ssl.SSLContext:
    """Make the context that is offered to clients."""
    return server_context(cert=certificates.cert, key=certificates.key)


class Client:
    """A raw client in step with a negotiation on the other end of its connection."""

    def __init__(self, sock: socket.socket, accepted: socket.socket) -> None:
        self.sock = sock
        self.accepted = accepted

    async def send(self, data: bytes) -> None:
        """Send all."""
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def receive(self, size: int) -> bytes:
        """Receive at most so much."""
        return await asyncio.get_running_loop().sock_recv(self.sock, size)

    async def error(self) -> ErrorResponse:
        """Receive one ErrorResponse."""
        data = await self.receive(65_536)
        assert data[:1] == b"E"
        assert struct.unpack("!i", data[1:5])[0] == len(data) - 1
        return ErrorResponse.decode(data[5:])


@contextlib.contextmanager
def connected() -> Iterator[Client]:
    """Connect over loopback TCP; both ends are non-blocking."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted:
            client.setblocking(False)
            accepted.setblocking(False)
            yield Client(client, accepted)


@each_loop
def test_plain_startup_hands_over_what_was_read(loop: Loop) -> None:
    """Eight bytes have been read, and not one of those behind them."""

    async def work() -> None:
        with connected() as client:
            await client.send(STARTUP)
            assert await negotiate(client.accepted, None, False) == Negotiated(initial=STARTUP[:8])
            assert client.accepted.recv(65_536) == STARTUP[8:]

    run(loop, work())


@each_loop
def test_packet_may_come_byte_by_byte(loop: Loop) -> None:
    """A header in eight pieces is a header."""

    async def work() -> None:
        with connected() as client:
            negotiation = asyncio.create_task(negotiate(client.accepted, None, False))
            for byte in STARTUP[:8]:
                await client.send(bytes((byte,)))
                await asyncio.sleep(0)
            assert await negotiation == Negotiated(initial=STARTUP[:8])

    run(loop, work())


@each_loop
def test_ssl_request_is_accepted_and_nothing_more_read(loop: Loop, tls: ssl.SSLContext) -> None:
    """After S the next byte on the socket is the handshake's first."""

    async def work() -> None:
        with connected() as client:
            negotiation = asyncio.create_task(negotiate(client.accepted, tls, True))
            await client.send(SSLRequest().encode())
            assert await client.receive(10) == b"S"
            assert await negotiation == Negotiated(tls=True)
            await client.send(CLIENT_HELLO)
            assert await asyncio.get_running_loop().sock_recv(client.accepted, 10) == CLIENT_HELLO

    run(loop, work())


@each_loop
@pytest.mark.parametrize("order", [(SSLRequest(), GSSENCRequest()), (GSSENCRequest(), SSLRequest())], ids=["ST", "GS"])
def test_refused_requests_lead_to_a_plain_session(loop: Loop, order: tuple[SSLRequest | GSSENCRequest, ...]) -> None:
    """Without TLS both requests are answered N, in either order, and the startup packet follows."""

    async def work() -> None:
        with connected() as client:
            negotiation = asyncio.create_task(negotiate(client.accepted, None, False))
            for request in order:
                await client.send(request.encode())
                assert await client.receive(10) == b"N"
            await client.send(STARTUP)
            assert await negotiation == Negotiated(initial=STARTUP[:8])

    run(loop, work())


@each_loop
def test_gss_refused_then_tls(loop: Loop, tls: ssl.SSLContext) -> None:
    """A client that tries GSSAPI first gets TLS second."""

    async def work() -> None:
        with connected() as client:
            negotiation = asyncio.create_task(negotiate(client.accepted, tls, False))
            await client.send(GSSENCRequest().encode())
            assert await client.receive(10) == b"N"
            await client.send(SSLRequest().encode())
            assert await client.receive(10) == b"S"
            assert await negotiation == Negotiated(tls=True)

    run(loop, work())


@each_loop
@pytest.mark.parametrize("request_", [SSLRequest(), GSSENCRequest()], ids=["SSLRequest", "GSSENCRequest"])
def test_bytes_behind_a_request_are_refused(
    loop: Loop, request_: SSLRequest | GSSENCRequest, tls: ssl.SSLContext
) -> None:
    """What came in plain text before the answer cannot pass for what came under encryption (CVE-2021-23214)."""

    async def work() -> None:
        with connected() as client:
            await client.send(request_.encode() + STARTUP)
            with pytest.raises(Refused, match="received unencrypted data after"):
                await negotiate(client.accepted, tls, False)
            error = await client.error()
            assert (error.fields["S"], error.sqlstate) == (b"FATAL", SqlState.PROTOCOL_VIOLATION)

    run(loop, work())


@each_loop
def test_second_ssl_request_is_answered_as_the_server_does(loop: Loop, postgres: Cluster) -> None:
    """The real server and we give the same answers to the same bytes."""

    async def ours() -> tuple[bytes, ErrorResponse]:
        with connected() as client:
            negotiation = asyncio.create_task(negotiate(client.accepted, None, False))
            await client.send(SSLRequest().encode())
            answer = await client.receive(1)
            await client.send(SSLRequest().encode())
            with pytest.raises(Refused):
                await negotiation
            return answer, await client.error()

    with socket.create_connection(("127.0.0.1", postgres.port), timeout=20) as sock, sock.makefile("rb") as stream:
        sock.sendall(SSLRequest().encode())
        answer = stream.read(1)
        sock.sendall(SSLRequest().encode())
        server = ErrorResponse.decode(stream.read()[5:])
    our_answer, error = run(loop, ours())
    assert answer == our_answer
    assert {field: server.fields.get(field) for field in "SVCMDH"} == {
        field: error.fields.get(field) for field in "SVCMDH"
    }


@each_loop
@pytest.mark.parametrize("required", [False, True], ids=["optional", "required"])
def test_cancel_request_is_handed_over_whole(loop: Loop, required: bool, tls: ssl.SSLContext) -> None:
    """A cancel request comes in plain text even where TLS is required, with its key of any length."""

    async def work() -> None:
        with connected() as client:
            await client.send(CANCEL.encode())
            assert await negotiate(client.accepted, tls, required) == Negotiated(cancel=CANCEL)

    run(loop, work())


@each_loop
def test_plain_startup_is_refused_in_clear_words_where_tls_is_required(loop: Loop, tls: ssl.SSLContext) -> None:
    """The client reads what is wanted and what to do; a reset does not take that away."""

    async def work() -> None:
        with connected() as client:
            await client.send(STARTUP)
            with pytest.raises(Refused) as caught:
                await negotiate(client.accepted, tls, True)
            client.accepted.close()
            error = await client.error()
            assert caught.value.sqlstate == error.sqlstate == "28000"
            assert error.fields["H"] == b"Connect with sslmode=require, verify-ca or verify-full."
            assert await client.receive(10) == b""

    run(loop, work())


@each_loop
def test_direct_tls_is_seen_and_left_on_the_socket(loop: Loop, tls: ssl.SSLContext) -> None:
    """A ClientHello as the first bytes is for the handshake to read."""

    async def work() -> None:
        with connected() as client:
            await client.send(CLIENT_HELLO)
            assert await negotiate(client.accepted, tls, False) == Negotiated(tls=True, direct=True)
            assert client.accepted.recv(10) == CLIENT_HELLO

    run(loop, work())


FORGED = {
    "direct TLS without TLS": CLIENT_HELLO,
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "length 7": struct.pack("!ii", 7, 3 << 16),
    "length 10,005": struct.pack("!ii", 10_005, 3 << 16),
    "cancel without key": struct.pack("!iii", 12, 80877102, 7),
    "SSLRequest that carries a byte": struct.pack("!ii", 9, 80877103) + b"x",
}


@each_loop
@pytest.mark.parametrize("sent", FORGED.values(), ids=FORGED)
def test_forged_packet_is_refused_without_an_answer(loop: Loop, sent: bytes) -> None:
    """As PostgreSQL: what does not speak the protocol is told nothing."""

    async def work() -> None:
        with connected() as client:
            await client.send(sent)
            with pytest.raises(Refused) as caught:
                await negotiate(client.accepted, None, False)
            assert caught.value.sqlstate == SqlState.PROTOCOL_VIOLATION
            client.accepted.shutdown(socket.SHUT_WR)
            assert await client.receive(10) == b""

    run(loop, work())


@each_loop
@pytest.mark.parametrize("sent", [b"", STARTUP[:3], CANCEL.encode()[:20]], ids=["nothing", "a length", "half a cancel"])
def test_client_that_hangs_up_is_no_error(loop: Loop, sent: bytes) -> None:
    """Port scanners and health checks come and go."""

    async def work() -> None:
        with connected() as client:
            await client.send(sent)
            client.sock.shutdown(socket.SHUT_WR)
            assert await negotiate(client.accepted, None, False) is None

    run(loop, work())


@each_loop
def test_client_that_resets_is_no_error(loop: Loop) -> None:
    """A reset is a hang-up, too."""

    async def work() -> None:
        with connected() as client:
            negotiation = asyncio.create_task(negotiate(client.accepted, None, False))
            await asyncio.sleep(0)
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sock.close()
            assert await negotiation is None

    run(loop, work())


@each_loop
def test_unix_socket_has_no_tls(loop: Loop, tls: ssl.SSLContext) -> None:
    """Over a Unix socket TLS is neither given nor asked for, as in PostgreSQL."""

    async def work() -> None:
        client, accepted = socket.socketpair()
        with client, accepted:
            client.setblocking(False)
            accepted.setblocking(False)
            negotiation = asyncio.create_task(negotiate(accepted, tls, True))
            await asyncio.get_running_loop().sock_sendall(client, SSLRequest().encode())
            assert await asyncio.get_running_loop().sock_recv(client, 10) == b"N"
            await asyncio.get_running_loop().sock_sendall(client, STARTUP)
            assert await negotiation == Negotiated(initial=STARTUP[:8])

    run(loop, work())


@each_loop
def test_cancelled_negotiation_leaves_the_socket_to_others(loop: Loop) -> None:
    """When the caller's time is up, the loop no longer watches the socket."""

    async def work() -> None:
        with connected() as client:
            negotiation = asyncio.create_task(negotiate(client.accepted, None, False))
            await asyncio.sleep(0)
            negotiation.cancel()
            with pytest.raises(asyncio.CancelledError):
                await negotiation
            assert not asyncio.get_running_loop().remove_reader(client.accepted)

    run(loop, work())


class Pipe(asyncio.Protocol):
    """Passes what it receives to its other half."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Pipe | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        assert self.other is not None
        assert self.other.transport is not None
        self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End the other half."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


@contextlib.asynccontextmanager
async def front(upstream: Upstream, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Negotiate with one client and pipe its session to a server; give the port."""
    loop = asyncio.get_running_loop()

    async def serve() -> None:
        accepted, _ = await loop.sock_accept(listener)
        negotiated = await negotiate(accepted, tls, False)
        assert negotiated is not None
        to_server, to_client = Pipe(), Pipe()
        to_server.other, to_client.other = to_client, to_server
        server, _ = await upstream.dial(lambda: to_client)
        server.write(negotiated.initial)
        client, _ = await loop.connect_accepted_socket(lambda: to_server, accepted, ssl=tls if negotiated.tls else None)
        if negotiated.direct:
            assert agreed_on_postgresql(client.get_extra_info("ssl_object"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        serving = asyncio.create_task(serve())
        yield listener.getsockname()[1]
        await serving


@each_loop
@pytest.mark.parametrize(
    ("wishes", "encrypted"),
    [
        ({"sslmode": "disable"}, False),
        ({"sslmode": "prefer"}, True),
        ({"sslmode": "verify-full"}, True),
        ({"sslmode": "verify-full", "sslnegotiation": "direct"}, True),
    ],
    ids=["disable", "prefer", "verify-full", "direct"],
)
def test_libpq_comes_to_terms_and_reaches_the_server(
    loop: Loop,
    *,
    wishes: dict[str, str],
    encrypted: bool,
    tls: ssl.SSLContext,
    certificates: Certificates,
    postgres: Cluster,
) -> None:
    """A real driver gets its session, under TLS where it wants it, over what was negotiated."""

    def ask(port: int) -> tuple[tuple[object, ...] | None, bool]:
        roots = {} if wishes["sslmode"] == "disable" else {"sslrootcert": str(certificates.ca)}
        where = {"host": "localhost", "hostaddr": "127.0.0.1", "port": str(port), "user": "postgres"}
        with psycopg.connect(make_conninfo("", **where, **wishes, **roots)) as connection:
            return connection.execute("select repeat('x', 100000)").fetchone(), connection.pgconn.ssl_in_use

    async def work() -> tuple[tuple[object, ...] | None, bool]:
        upstream = Upstream(TcpAddress(host="127.0.0.1", port=postgres.port), SslMode.DISABLE, None, 10)
        async with front(upstream, tls) as port:
            return await asyncio.to_thread(ask, port)

    assert run(loop, work()) == (("x" * 100_000,), encrypted)


@each_loop
def test_plain_bytes_after_the_answer_fail_in_the_handshake(loop: Loop, tls: ssl.SSLContext) -> None:
    """A startup packet in plain text behind S never becomes a session's first bytes."""

    async def work() -> None:
        with connected() as client:
            negotiation = asyncio.create_task(negotiate(client.accepted, tls, False))
            await client.send(SSLRequest().encode())
            assert await client.receive(1) == b"S"
            await client.send(STARTUP)
            assert await negotiation == Negotiated(tls=True)
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.get_running_loop().connect_accepted_socket(Pipe, client.accepted, ssl=tls)

    run(loop, work())


@each_loop
def test_our_two_ends_meet(loop: Loop, tls: ssl.SSLContext, certificates: Certificates) -> None:
    """What dials servers and what faces clients agree with each other under verify-full."""

    class Greeting(Pipe):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            cast("asyncio.Transport", transport).write(b"hello")
            transport.close()

    class Listening(Pipe):
        def __init__(self) -> None:
            super().__init__()
            self.heard = b""
            self.closed = asyncio.Event()

        def data_received(self, data: bytes) -> None:
            self.heard += data

        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
            self.closed.set()

    async def greet(listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        accepted, _ = await loop.sock_accept(listener)
        assert await negotiate(accepted, tls, True) == Negotiated(tls=True)
        await loop.connect_accepted_socket(Greeting, accepted, ssl=tls)

    async def work() -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            greeting = asyncio.create_task(greet(listener))
            context = client_context(SslMode.VERIFY_FULL, rootcert=certificates.ca)
            address = TcpAddress(host="localhost", port=listener.getsockname()[1])
            transport, listening = await Upstream(address, SslMode.VERIFY_FULL, context, 10).dial(Listening)
            await listening.closed.wait()
            transport.close()
            await greeting
            return listening.heard

    assert run(loop, work()) == b"hello"
