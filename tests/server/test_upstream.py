from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from interlock.embedded import free_port
from proxy.server.address import Address, TcpAddress, UnixAddress
from proxy.server.config import SslMode
from proxy.server.tls import client_context
from proxy.server.upstream import Upstream, UpstreamUnavailable
from proxy.wire.codes import SqlState
from proxy.wire.messages import BackendKeyData, ErrorResponse, Query
from proxy.wire.startup import CancelRequest, SSLRequest, startup_packet
from tests.clusters import Cluster, programs_with_tls
from tests.server.certificates import Certificates, issue
from tests.server.loops import each_loop, run

Loop = Callable[[], asyncio.AbstractEventLoop]
WITH_TLS = programs_with_tls()
needs_tls = pytest.mark.skipif(WITH_TLS is None, reason="no PostgreSQL built with OpenSSL below /usr/lib/postgresql")
TRIED = [mode for mode in SslMode if mode not in (SslMode.DISABLE, SslMode.ALLOW)]
DEMANDING = [mode for mode in TRIED if mode is not SslMode.PREFER]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Issue certificates once for these tests."""
    return issue(tmp_path_factory.mktemp("certificates"))


def encrypted_cluster(cert: Path, key: Path, ca: Path, hba: str) -> Cluster:
    """Run a PostgreSQL with TLS."""
    assert WITH_TLS is not None
    settings = {"ssl": "on", "ssl_cert_file": cert.name, "ssl_key_file": key.name, "ssl_ca_file": ca.name}
    return Cluster(settings, hba=[hba], files=[cert, key, ca], bindir=WITH_TLS)


@pytest.fixture(scope="module")
def tls_postgres(certificates: Certificates) -> Iterator[Cluster]:
    """Run a PostgreSQL that takes TLS connections alone."""
    hba = "hostssl all all 127.0.0.1/32 trust"
    with encrypted_cluster(certificates.cert, certificates.key, certificates.ca, hba) as running:
        yield running


@pytest.fixture(scope="module")
def strict_postgres(certificates: Certificates) -> Iterator[Cluster]:
    """Run a PostgreSQL that wants a client certificate, and whose own is for another host."""
    hba = "hostssl all all 127.0.0.1/32 trust clientcert=verify-ca"
    with encrypted_cluster(certificates.misnamed_cert, certificates.misnamed_key, certificates.ca, hba) as running:
        yield running


class Session(asyncio.Protocol):
    """Collects what the server sends; messages can be awaited by type."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.data = b""
        self.messages: list[tuple[bytes, bytes]] = []
        self.news = asyncio.Event()
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Cut into messages."""
        self.data += data
        while len(self.data) >= 5 and len(self.data) > (size := struct.unpack("!i", self.data[1:5])[0]):
            self.messages.append((self.data[:1], self.data[5 : size + 1]))
            self.data = self.data[size + 1 :]
        self.news.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Wake who waits."""
        self.closed = True
        self.news.set()

    async def message(self, kind: bytes) -> bytes:
        """Await the next message of this type; those before it are dropped."""
        while True:
            while self.messages:
                found, body = self.messages.pop(0)
                if found == kind:
                    return body
            assert not self.closed
            self.news.clear()
            await self.news.wait()


def tcp(port: int) -> TcpAddress:
    """Give a port of this machine by the name in the certificates."""
    return TcpAddress(host="localhost", port=port)


def upstream(
    address: Address, mode: SslMode = SslMode.DISABLE, *, rootcert: Path | None = None, timeout_s: float = 10
) -> Upstream:
    """Make one with the context that its mode needs."""
    return Upstream(address, mode, client_context(mode, rootcert=rootcert), timeout_s)


async def encrypted(server: Upstream) -> bool:
    """Start a session on the server; tell whether it is under TLS."""
    transport, session = await server.dial(Session)
    try:
        transport.write(startup_packet([(b"user", b"postgres")]))
        await session.message(b"Z")
        return transport.get_extra_info("ssl_object") is not None
    finally:
        transport.abort()


@each_loop
def test_tcp_reaches_the_server_without_delay_and_kept_alive(loop: Loop, postgres: Cluster) -> None:
    """A session starts; the socket has TCP_NODELAY and keepalive."""

    async def work() -> None:
        transport, session = await upstream(tcp(postgres.port)).dial(Session)
        transport.write(startup_packet([(b"user", b"postgres")]))
        await session.message(b"Z")
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        transport.abort()

    run(loop, work())


@each_loop
@pytest.mark.parametrize("mode", [SslMode.DISABLE, SslMode.REQUIRE], ids=str)
def test_unix_socket_reaches_the_server_in_every_mode(loop: Loop, mode: SslMode, postgres: Cluster) -> None:
    """As with libpq, sslmode does not count on a Unix socket."""
    address = UnixAddress(folder=str(postgres.folder), port=postgres.port)
    assert run(loop, encrypted(upstream(address, mode))) is False


@each_loop
@pytest.mark.parametrize("mode", [SslMode.ALLOW, SslMode.PREFER], ids=str)
def test_modes_that_ask_politely_go_on_without_tls(loop: Loop, mode: SslMode, postgres: Cluster) -> None:
    """A server without TLS is taken as it is."""
    assert run(loop, encrypted(upstream(tcp(postgres.port), mode))) is False


@each_loop
@pytest.mark.parametrize("mode", DEMANDING, ids=str)
def test_modes_that_demand_tls_do_not_go_on_without(
    loop: Loop, mode: SslMode, postgres: Cluster, certificates: Certificates
) -> None:
    """A server without TLS is not spoken to."""
    server = upstream(tcp(postgres.port), mode, rootcert=certificates.ca)
    with pytest.raises(UpstreamUnavailable, match=f"does not support TLS, but sslmode is {mode}"):
        run(loop, encrypted(server))


@needs_tls
@each_loop
@pytest.mark.parametrize("mode", TRIED, ids=str)
def test_tls_is_used_where_the_server_has_it(
    loop: Loop, mode: SslMode, tls_postgres: Cluster, certificates: Certificates
) -> None:
    """Every mode from prefer on gets TLS from a real server that has it."""
    assert run(loop, encrypted(upstream(tcp(tls_postgres.port), mode, rootcert=certificates.ca))) is True


@needs_tls
@each_loop
def test_allow_stays_plain_and_shows_the_server_s_own_refusal(loop: Loop, tls_postgres: Cluster) -> None:
    """A server that takes TLS alone says so itself, and the client reads it."""

    async def work() -> ErrorResponse:
        transport, session = await upstream(tcp(tls_postgres.port), SslMode.ALLOW).dial(Session)
        transport.write(startup_packet([(b"user", b"postgres")]))
        error = ErrorResponse.decode(await session.message(b"E"))
        transport.abort()
        return error

    assert run(loop, work()).sqlstate == SqlState.INVALID_AUTHORIZATION_SPECIFICATION


@needs_tls
@each_loop
@pytest.mark.parametrize("mode", DEMANDING, ids=str)
def test_certificate_of_a_stranger_is_refused(
    loop: Loop, mode: SslMode, tls_postgres: Cluster, certificates: Certificates
) -> None:
    """A chain that does not lead to the root certificate ends the dialling."""
    server = upstream(tcp(tls_postgres.port), mode, rootcert=certificates.stranger_ca)
    with pytest.raises(UpstreamUnavailable, match="has a certificate that does not verify"):
        run(loop, encrypted(server))


@needs_tls
@each_loop
def test_client_certificate_is_shown_and_only_verify_full_compares_names(
    loop: Loop, strict_postgres: Cluster, certificates: Certificates
) -> None:
    """A server that wants a certificate gets ours; its own, for another host, passes verify-ca but not verify-full."""

    def with_certificate(mode: SslMode) -> Upstream:
        context = client_context(
            mode, rootcert=certificates.ca, cert=certificates.client_cert, key=certificates.client_key
        )
        return Upstream(tcp(strict_postgres.port), mode, context, 10)

    assert run(loop, encrypted(with_certificate(SslMode.VERIFY_CA))) is True
    with pytest.raises(UpstreamUnavailable, match="Hostname mismatch"):
        run(loop, encrypted(with_certificate(SslMode.VERIFY_FULL)))


@each_loop
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_server_that_is_not_there_is_named(loop: Loop, kind: str, tmp_path: Path) -> None:
    """The sentence says which address failed, and why."""
    address: Address = tcp(free_port()) if kind == "tcp" else UnixAddress(folder=str(tmp_path), port=1)
    with pytest.raises(UpstreamUnavailable) as caught:
        run(loop, encrypted(upstream(address)))
    assert str(caught.value).startswith(f"connection to server at {address} failed: ")
    assert caught.value.sqlstate == SqlState.SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION


@each_loop
def test_name_that_does_not_resolve_is_named(loop: Loop) -> None:
    """A host that nobody knows is a sentence, not a resolver's exception."""
    with pytest.raises(UpstreamUnavailable, match=r"could not translate host name of nowhere\.invalid:5432"):
        run(loop, encrypted(upstream(TcpAddress(host="nowhere.invalid", port=5432))))


@contextlib.asynccontextmanager
async def misbehaving(answers: list[bytes | None]) -> AsyncIterator[int]:
    """Answer the first bytes of each connection by the next answer and close; None: say nothing, and keep it open."""
    loop = asyncio.get_running_loop()
    kept: list[socket.socket] = []

    async def serve(listener: socket.socket) -> None:
        for answer in answers:
            sock, _ = await loop.sock_accept(listener)
            kept.append(sock)
            assert await loop.sock_recv(sock, 8) == SSLRequest().encode()
            if answer is not None:
                await loop.sock_sendall(sock, answer)
                sock.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        serving = asyncio.create_task(serve(listener))
        try:
            yield listener.getsockname()[1]
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
            for sock in kept:
                sock.close()


OLD_ERROR = b"Eserver too old\n\0"
MISBEHAVIOR = {
    "bytes behind S": (b"S" + b"R\0\0\0\x08\0\0\0\0", "received unencrypted data after SSL response"),
    "no handshake": (b"S", "failed in the TLS handshake"),
    "an error": (OLD_ERROR, "answered the request for TLS with an error"),
    "another byte": (b"X", "invalid response to SSL negotiation"),
    "nothing": (b"", "closed the connection unexpectedly"),
}


@each_loop
@pytest.mark.parametrize(("answer", "words"), MISBEHAVIOR.values(), ids=MISBEHAVIOR)
def test_misbehaving_server_is_not_spoken_to(loop: Loop, answer: bytes, words: str) -> None:
    """What a server may not answer ends the dialling with a sentence (the first is CVE-2021-23222)."""

    async def work() -> None:
        async with misbehaving([answer]) as port:
            await upstream(TcpAddress(host="127.0.0.1", port=port), SslMode.REQUIRE).dial(Session)

    with pytest.raises(UpstreamUnavailable, match=words):
        run(loop, work())


@each_loop
def test_silent_server_is_given_up(loop: Loop) -> None:
    """The limit covers the wait for the answer, too."""

    async def work() -> None:
        async with misbehaving([None]) as port:
            server = upstream(TcpAddress(host="127.0.0.1", port=port), SslMode.REQUIRE, timeout_s=0.05)
            await server.dial(Session)

    with pytest.raises(UpstreamUnavailable, match=r"timed out after 0\.05 s"):
        run(loop, work())


@each_loop
@pytest.mark.parametrize("encrypts", [False, pytest.param(True, marks=needs_tls)], ids=["plain", "TLS"])
def test_cancel_request_reaches_the_statement(
    loop: Loop, *, encrypts: bool, request: pytest.FixtureRequest, certificates: Certificates
) -> None:
    """A statement that would sleep for an hour ends with 57014, over plain and over encrypted connections."""
    running: Cluster = request.getfixturevalue("tls_postgres" if encrypts else "postgres")
    server = upstream(tcp(running.port), SslMode.VERIFY_FULL if encrypts else SslMode.DISABLE, rootcert=certificates.ca)

    async def work() -> str:
        transport, session = await server.dial(Session)
        transport.write(startup_packet([(b"user", b"postgres")]))
        key = BackendKeyData.decode(await session.message(b"K"))
        await session.message(b"Z")
        # A row larger than the server's send buffer comes out at once, and proves that the server is busy with this
        # text: a cancel that comes earlier is lost.
        transport.write(Query(statement=b"select repeat('x', 100000); select pg_sleep(3600)").encode())
        await session.message(b"T")
        await server.cancel(CancelRequest(process_id=key.process_id, secret_key=key.secret_key))
        error = ErrorResponse.decode(await session.message(b"E"))
        transport.abort()
        return error.sqlstate

    assert run(loop, work()) == SqlState.QUERY_CANCELED


@each_loop
def test_cancel_request_to_nobody_is_told(loop: Loop) -> None:
    """A server that is not there cannot be asked."""
    with pytest.raises(UpstreamUnavailable, match="failed"):
        run(loop, upstream(tcp(free_port())).cancel(CancelRequest(process_id=1, secret_key=b"1234")))


@pytest.mark.parametrize(
    ("mode", "context"),
    [(SslMode.DISABLE, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)), (SslMode.REQUIRE, None)],
    ids=["too much", "missing"],
)
def test_mode_and_context_must_fit(mode: SslMode, context: ssl.SSLContext | None) -> None:
    """A demanding mode without a context would dial in plain text; it is the caller's mistake."""
    with pytest.raises(ValueError, match="do not fit together"):
        Upstream(tcp(1), mode, context, 10)
