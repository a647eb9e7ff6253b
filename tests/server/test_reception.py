"""From an accepted socket to a session: real clients on one side, a real PostgreSQL or a mute one on the other."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from tests.clusters import Cluster
from tests.database.patience import until
from tests.database.wire import CANCEL_REQUEST, GSSENC_REQUEST, SSL_REQUEST, query, request, split_backend, startup
from tests.server.certificates import Certificates, issue
from tests.server.fronts import Client, front
from tests.server.loops import each_loop, run

Loop = Callable[[], asyncio.AbstractEventLoop]
HELLO = startup("postgres", database="postgres")
FREE = "SELECT pg_try_advisory_xact_lock(1)"
DECLINED = startup("model_x", database="postgres", replication="database")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Issue certificates once for these tests."""
    return issue(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def mute() -> Iterator[int]:
    """Port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


# Coming in


@each_loop
def test_what_stands_behind_the_startup_packet_belongs_to_the_session(
    loop: Loop, tmp_path: Path, postgres: Cluster
) -> None:
    """A client that does not wait for its login is answered all the same, and its coming is on record."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port) as place:
            client = await place.client()
            client.say(HELLO, query("SELECT 1"))
            assert (await client.heard("Z"))[-1] == "Z"
            assert await client.heard("Z") == ["T", "D", "C", "Z"]
            sessions = place.desk.office.records("session")
            assert [(each["event"], each["session"]["user"]) for each in sessions] == [
                ("opened", "postgres"),
                ("login", "postgres"),
            ]
            assert place.counted == {"opened": 1}
            assert place.desk.shelf.asked == ["postgres"]

    run(loop, conversation())


@each_loop
@pytest.mark.parametrize("pieces", [1, 7], ids=["byte by byte", "in sevens"])
def test_a_startup_packet_may_come_in_pieces(pieces: int, loop: Loop, tmp_path: Path, postgres: Cluster) -> None:
    """However TCP cuts it, it is one packet."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port) as place:
            client = await place.client()
            for start in range(0, len(HELLO), pieces):
                client.say(HELLO[start : start + pieces])
                await asyncio.sleep(0)
            assert (await client.heard("Z"))[-1] == "Z"

    run(loop, conversation())


@each_loop
@pytest.mark.parametrize("asked", [[SSL_REQUEST], [GSSENC_REQUEST, SSL_REQUEST]], ids=["TLS", "GSS, then TLS"])
def test_encryption_is_settled_before_the_startup_packet(
    asked: list[int], loop: Loop, tmp_path: Path, postgres: Cluster, certificates: Certificates
) -> None:
    """GSS is declined and TLS taken, in libpq's order; the session then runs under TLS."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port, certificates) as place:
            client = await place.client()
            for code in asked:
                client.say(request(code))
                assert await client.reader.readexactly(1) == (b"S" if code == SSL_REQUEST else b"N")
            await client.under_tls(certificates)
            client.say(HELLO)
            assert (await client.heard("Z"))[-1] == "Z"

    run(loop, conversation())


@each_loop
@pytest.mark.parametrize("alpn", [["postgresql"], ["http/1.1"], []], ids=lambda names: " ".join(names) or "none")
def test_direct_tls_needs_the_protocol_s_name(
    alpn: list[str], loop: Loop, tmp_path: Path, postgres: Cluster, certificates: Certificates
) -> None:
    """ALPN must say `postgresql`, or bytes meant for another protocol could be led here."""

    async def conversation() -> None:
        context = ssl.create_default_context(cafile=certificates.ca)
        if alpn:
            context.set_alpn_protocols(alpn)
        async with front(tmp_path, postgres.port, certificates) as place:
            client = await place.client()
            try:
                await client.writer.start_tls(context, server_hostname="localhost")
                client.say(HELLO)
                heard = await client.heard("Z")
            except ssl.SSLError:
                heard = ["no TLS"]
            assert (heard[-1] == "Z") is (alpn == ["postgresql"])
            assert place.counted["opened"] == (1 if alpn == ["postgresql"] else 0)

    run(loop, conversation())


# Limits


@each_loop
def test_one_connection_too_many_is_told_and_logged(loop: Loop, tmp_path: Path, postgres: Cluster) -> None:
    """PostgreSQL's own sentence and SQLSTATE; the place of one who has left is given away."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port, max_connections=1) as place:
            first = await place.client()
            first.say(HELLO)
            await first.heard("Z")
            second = await place.client()
            with structlog.testing.capture_logs() as log:
                second.say(HELLO)
                assert await second.heard("$") == ["53300", "$"]
            assert [(line["event"], line["sqlstate"]) for line in log] == [("connection_refused", "53300")]
            first.writer.close()
            await place.desk.emptied.wait()
            third = await place.client()
            third.say(HELLO)
            assert (await third.heard("Z"))[-1] == "Z"
            assert place.counted == {"opened": 2, "refused": 1}

    run(loop, conversation())


@each_loop
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "under TLS"])
def test_many_too_many_at_once_are_all_told(
    encrypted: bool, loop: Loop, tmp_path: Path, postgres: Cluster, certificates: Certificates
) -> None:
    """Nobody is reset, however many come together, and whatever they have sent that will not be read."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port, certificates, max_connections=1) as place:
            inside = await place.client()
            inside.say(HELLO)
            await inside.heard("Z")

            async def turned_away(client: Client) -> list[str]:
                if encrypted:
                    assert await client.reader.readexactly(1) == b"S"
                    await client.under_tls(certificates)
                    client.say(HELLO)
                return await client.heard("$")

            late: list[Client] = []
            for _ in range(30):
                late.append(await place.client())
                late[-1].say(request(SSL_REQUEST) if encrypted else HELLO + query("SELECT 1") * 1_000)
            heard = await asyncio.gather(*map(turned_away, late))
            assert heard == [["53300", "$"]] * len(late)
            assert place.counted == {"opened": 1, "refused": len(late)}

    run(loop, conversation())


@each_loop
def test_those_on_their_way_in_count(loop: Loop, tmp_path: Path) -> None:
    """Where the server takes its time, clients that come together do not get past the limit together."""

    async def conversation() -> None:
        with contextlib.ExitStack() as closing:
            server = closing.enter_context(socket.socket())
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            async with front(tmp_path, server.getsockname()[1], max_connections=2, connect_timeout_s=1.0) as place:
                inside = await place.client()
                inside.say(HELLO)
                await place.receiving[0]
                # A backlog that is full leaves further connections unanswered.
                for _ in range(4):
                    filler = closing.enter_context(socket.socket())
                    filler.setblocking(False)
                    filler.connect_ex(server.getsockname())
                joining, late = await place.client(), await place.client()
                joining.say(HELLO)
                late.say(HELLO)
                first = {asyncio.create_task(client.heard("$")) for client in (joining, late)}
                told, waiting = await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
                assert [task.result() for task in told] == [["53300", "$"]]
                assert [await task for task in waiting] == [["08006", "$"]]

    run(loop, conversation())


@each_loop
def test_half_open_connections_are_bounded(loop: Loop, tmp_path: Path, postgres: Cluster) -> None:
    """Silent ones keep nobody out up to a bound; who comes beyond it is hung up on before a word could be answered."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port, max_connections=2, standing=1, startup_timeout_s=20.0) as place:
            first, _second, _third, fourth = [await place.client() for _ in range(4)]
            assert await fourth.heard("$") == ["$"]
            first.say(HELLO)
            assert (await first.heard("Z"))[-1] == "Z"

    run(loop, conversation())


@each_loop
@pytest.mark.parametrize("said", [b"", HELLO[:9], request(SSL_REQUEST)], ids=["nothing", "a part", "only SSLRequest"])
def test_a_client_that_does_not_come_to_the_point_is_hung_up_on(
    said: bytes, loop: Loop, tmp_path: Path, mute: int
) -> None:
    """The startup timeout ends it without a word, as the server does."""

    async def conversation() -> None:
        async with front(tmp_path, mute, startup_timeout_s=0.05) as place:
            client = await place.client()
            client.say(said)
            assert await client.reader.read() == (b"N" if said == request(SSL_REQUEST) else b"")
            assert place.counted == {"failed": 1}

    run(loop, conversation())


@each_loop
def test_an_authentication_that_does_not_end_is_told(loop: Loop, tmp_path: Path, mute: int) -> None:
    """A server that never gets to ReadyForQuery is given up, with the server's own sentence for that."""

    async def conversation() -> None:
        async with front(tmp_path, mute, startup_timeout_s=0.05) as place:
            client = await place.client()
            client.say(HELLO)
            assert await client.heard("$") == ["57014", "$"]
            assert place.desk.gone == ["authentication timeout"]

    run(loop, conversation())


# Cancelling


@each_loop
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "inside TLS"])
def test_a_cancel_request_with_the_key_ends_the_statement(
    encrypted: bool, loop: Loop, tmp_path: Path, postgres: Cluster, certificates: Certificates
) -> None:
    """It is carried to the server, answered by the end of its connection alone, and a wrong key ends nothing."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port, certificates) as place:
            person = await place.client()
            person.say(HELLO)
            await person.heard("Z")
            process, key = person.key[:4], person.key[4:]

            async def cancel(secret: bytes) -> None:
                errand = await place.client()
                if encrypted:
                    errand.say(request(SSL_REQUEST))
                    assert await errand.reader.readexactly(1) == b"S"
                    await errand.under_tls(certificates)
                errand.say(request(CANCEL_REQUEST, process + secret))
                assert await errand.heard("$") == ["$"]

            person.say(query("SELECT pg_advisory_lock(1), pg_sleep(20)"))
            await asyncio.to_thread(until, lambda: not postgres.scalar(FREE, "postgres"), "the statement is under way")
            await cancel(bytes(len(key)))
            assert not postgres.scalar(FREE, "postgres")
            await cancel(key)
            assert await person.heard("Z") == ["T", "57014", "Z"]
            person.say(query("SELECT pg_advisory_unlock_all()"))
            await person.heard("Z")
            assert place.counted == {"opened": 1, "cancel": 2}

    run(loop, conversation())


@each_loop
def test_a_cancel_request_for_a_server_that_is_gone_is_only_logged(loop: Loop, tmp_path: Path) -> None:
    """Its client awaits nothing but the end, and gets it."""

    async def conversation() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        async with front(tmp_path, port) as place:
            errand = await place.client()
            with structlog.testing.capture_logs() as log:
                errand.say(request(CANCEL_REQUEST, bytes(8)))
                assert await errand.heard("$") == ["$"]
            assert [line["event"] for line in log] == ["cancel_failed"]

    run(loop, conversation())


# Turned away


@each_loop
def test_a_startup_packet_that_the_policy_refuses_is_on_record_before_it_is_told(
    loop: Loop, tmp_path: Path, postgres: Cluster
) -> None:
    """A model that asks for replication reads 42501; by then its record is in the file."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port) as place:
            model = await place.client()
            model.say(DECLINED)
            assert await model.heard("$") == ["42501", "$"]
            lines = place.desk.journal.path.read_text()
            assert '"verdict":"forbid"' in lines
            assert '"user":"model_x"' in lines
            assert place.desk.shelf.asked == ["postgres"]
            assert place.counted == {"refused": 1}

    run(loop, conversation())


@each_loop
def test_a_login_that_is_not_utf_8_is_received_and_recorded(loop: Loop, tmp_path: Path, postgres: Cluster) -> None:
    """The server has the last word about it: names are bytes, and any may be asked for."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port) as place:
            client = await place.client()
            client.say(HELLO.replace(b"\0postgres\0", b"\0\xff\xfestgres\0", 1))
            assert await client.heard("$") == ["R", "28000", "$"]
            await place.desk.emptied.wait()
            assert [each["event"] for each in place.desk.office.records("session")] == ["opened"]

    run(loop, conversation())


@each_loop
def test_a_server_that_cannot_be_reached_is_told(loop: Loop, tmp_path: Path) -> None:
    """The client reads 08006 and why; nothing is left open."""

    async def conversation() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        async with front(tmp_path, port) as place:
            client = await place.client()
            client.say(HELLO)
            assert await client.heard("$") == ["08006", "$"]
            assert (place.desk.connections, place.counted) == (set(), {"refused": 1})

    run(loop, conversation())


@each_loop
@pytest.mark.parametrize("nonsense", [b"\0\0\0\x0d\0\3\0\0user\0", HELLO[:-1] + b"\1"], ids=["no value", "no end"])
def test_a_broken_startup_packet_is_answered_as_the_server_does(
    nonsense: bytes, loop: Loop, tmp_path: Path, postgres: Cluster
) -> None:
    """A violation of the protocol, and the end."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port) as place:
            client = await place.client()
            client.say(nonsense)
            assert await client.heard("$") == ["08P01", "$"]

    run(loop, conversation())


@each_loop
def test_what_a_client_sends_unasked_takes_no_error_away_from_it(loop: Loop, tmp_path: Path, postgres: Cluster) -> None:
    """Who sends on behind its request for encryption is told so, and not reset over what it sent."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port) as place:
            client = await place.client()
            client.say(request(SSL_REQUEST), HELLO, query("SELECT 1") * 1_000)
            (told,) = split_backend(await client.reader.read())  # a reset would raise
            assert told.fields()["C"] == "08P01"

    run(loop, conversation())


@each_loop
def test_a_client_that_hangs_up_is_counted_and_forgotten(loop: Loop, tmp_path: Path, postgres: Cluster) -> None:
    """In the middle of its startup packet: no word to anybody, and no session."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port) as place:
            client = await place.client()
            client.say(HELLO[:9])
            client.writer.close()
            await place.receiving[0]
            assert place.counted == {"failed": 1}

    run(loop, conversation())


@each_loop
def test_a_fault_of_our_own_ends_one_client_alone(loop: Loop, tmp_path: Path, postgres: Cluster) -> None:
    """An exception that nobody foresaw is logged whole, and closes the connection rather than letting it in."""

    async def conversation() -> None:
        async with front(tmp_path, postgres.port) as place:
            place.desk.shelf.failure = ZeroDivisionError("a fault")
            model = await place.client()
            with structlog.testing.capture_logs() as log:
                model.say(startup("model_x", database="postgres"))
                assert await model.heard("$") == ["$"]
            assert [(line["event"], line["error"]) for line in log] == [
                ("reception_failed", "ZeroDivisionError('a fault')")
            ]
            place.desk.shelf.failure = None
            person = await place.client()
            person.say(HELLO)
            assert (await person.heard("Z"))[-1] == "Z"

    run(loop, conversation())


@each_loop
def test_a_reception_that_is_called_off_closes_its_socket(loop: Loop, tmp_path: Path, mute: int) -> None:
    """A worker that stops leaves no client hanging."""

    async def conversation() -> None:
        async with front(tmp_path, mute) as place:
            client = await place.client()
            await asyncio.sleep(0)
            place.receiving[0].cancel()
            assert await client.reader.read() == b""
            with contextlib.suppress(asyncio.CancelledError):
                await place.receiving.pop()

    run(loop, conversation())
