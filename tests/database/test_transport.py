"""What happens to connections that are cancelled, flooded, cut, starved or spoken to in nonsense."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from tests.clusters import Cluster, dsn
from tests.database.masks import lines, mask_backend
from tests.database.patience import until
from tests.database.proxy_process import ProxyProcess
from tests.database.script import Speaker, Step, hello, say
from tests.database.wire import COPY_DONE, FLUSH, SYNC, Message, bind, copy_data, execute, parse, query, startup

MIB = 1 << 20
STREAM_MIB = int(os.environ.get("INTERLOCK_TEST_STREAM_MIB", "128"))
GROWTH = 32 * MIB
"""How much a proxy may grow while a stream passes: its buffers and the allocator's slack, far less than the stream."""

ROWS = f"SELECT repeat('x', 65536) FROM generate_series(1, {STREAM_MIB * 16})"


def told(message: Message) -> str:
    """Show a message; of an error, what programs read of it."""
    if message.code == "E":
        fields = message.fields()
        return f"E {fields['S']} {fields['C']}"
    return lines([mask_backend(message)])[0]


def sessions(cluster: Cluster, name: str) -> object:
    """Count the server's sessions of that application_name."""
    return cluster.scalar(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'")


def waits(cluster: Cluster, name: str, event: str) -> bool:
    """Tell whether a session of that application_name waits for that event."""
    found = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND wait_event = '{event}'"
    return cluster.scalar(found) == 1


@contextmanager
def peak_of(proxy: ProxyProcess) -> Iterator[list[int]]:
    """Watch how far the proxy's memory grows meanwhile; the list's last entry is the growth in bytes."""
    before = proxy.rss_bytes()
    growth = [0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            growth[-1] = max(growth[-1], proxy.rss_bytes() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield growth
    finally:
        over.set()
        watcher.join()


# Cancelling


def test_cancel_reaches_its_session_whichever_worker_it_lands_on(
    new_proxy: Callable[..., ProxyProcess], cluster: Cluster
) -> None:
    """A cancel request ends the statement of its own session, also where another worker holds that session."""
    two = new_proxy(cluster.port, workers=2)
    person = dsn(two.port, user="person_ada", dbname="demo", application_name="asleep")
    for number in range(6):
        with psycopg.connect(person, options="-c statement_timeout=10s") as connection:

            def ask(held: psycopg.Connection = connection, number: int = number) -> None:
                until(lambda: waits(cluster, "asleep", "PgSleep"), f"session {number} sleeps")
                held.cancel_safe(timeout=5)

            asking = threading.Thread(target=ask)
            asking.start()
            with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
                connection.execute("SELECT pg_sleep(60)")
            asking.join()


def test_cancel_with_a_wrong_key_ends_nothing(proxy: ProxyProcess) -> None:
    """A forged cancel request is answered by silence and closes; the session goes on."""
    with Speaker(proxy.port) as person:
        (key,) = (m.body for m in person.do(hello()) if m.code == "K")
        with Speaker(proxy.port) as forger:
            forged = struct.pack("!iii", 16, 80877102, struct.unpack("!i", key[:4])[0]) + b"nope"
            assert [m.code for m in forger.do(say(forged, until="$"))] == ["$"]
        assert [m.code for m in person.do(say(query("SELECT 1")))] == ["T", "D", "C", "Z"]


# Much data


def test_copy_in_streams_in_bounded_memory(proxy: ProxyProcess) -> None:
    """A long COPY stream, in messages of 8 MiB and of 8 kB, passes without being collected."""
    with Speaker(proxy.port) as person, peak_of(proxy) as growth:
        person.do(hello())
        large, small = (b"y" * 65535 + b"\n") * 128, b"z" * 8191 + b"\n"
        person.do(say(query("COPY journal (line) FROM STDIN WHERE id < 0"), until="G"))
        for _ in range(STREAM_MIB // 16):
            person.socket.sendall(copy_data(large) + copy_data(small) * 1024)
        assert [told(m) for m in person.do(say(COPY_DONE))] == ["C 'COPY 0\\x00'", "Z 'I'"]
    assert growth[-1] < GROWTH


def test_large_result_streams_in_bounded_memory(proxy: ProxyProcess) -> None:
    """A long result passes without being collected, by row, and as COPY."""
    person = dsn(proxy.port, user="person_ada", dbname="demo")
    with psycopg.connect(person, autocommit=True) as connection, peak_of(proxy) as growth:
        received = sum(len(row[0]) for row in connection.cursor().stream(ROWS.encode()))
        with connection.cursor().copy(f"COPY ({ROWS}) TO STDOUT".encode()) as out:
            copied = sum(len(data) for data in out)
    assert (received, copied) == (STREAM_MIB * MIB, STREAM_MIB * (MIB + 16))
    assert growth[-1] < GROWTH


def test_client_that_does_not_read_stops_the_server(cluster: Cluster, proxy: ProxyProcess) -> None:
    """Where the client does not read, the server waits and the proxy does not fill; then everything arrives."""
    with Speaker(proxy.port) as person, peak_of(proxy) as growth:
        person.do(hello(application_name="unread"))
        person.do(say(query(ROWS), until=""))
        until(lambda: waits(cluster, "unread", "ClientWrite"), "the server waits for its client")
        assert sum(m.code == "D" for m in person.read("Z")) == STREAM_MIB * 16
    assert growth[-1] < GROWTH


def test_server_that_does_not_read_stops_the_client(cluster: Cluster, proxy: ProxyProcess) -> None:
    """Where the server is busy, the client is stopped and the proxy does not fill; then everything is answered."""
    batch = [parse("SELECT length($1::text)"), bind(b"p" * (8 * MIB)), execute(), SYNC]
    with psycopg.connect(cluster.dsn("demo"), autocommit=True) as holder, Speaker(proxy.port) as person:
        holder.execute("SELECT pg_advisory_lock(1)")
        person.do(hello(application_name="blocked"))
        with peak_of(proxy) as growth:
            person.do(say(query("SELECT pg_advisory_lock_shared(1)"), until=""))
            until(lambda: waits(cluster, "blocked", "advisory"), "the server waits for the lock")
            sender = threading.Thread(target=person.socket.sendall, args=(b"".join(batch) * 8,))
            sender.start()
            sender.join(0.5)
            assert sender.is_alive()
            holder.execute("SELECT pg_advisory_unlock(1)")
            answers = person.read("Z" * 9)
            sender.join()
    assert sum(m.code == "D" for m in answers) == 9
    assert growth[-1] < GROWTH


def test_client_that_asks_without_reading_is_stopped(proxy: ProxyProcess) -> None:
    """Tiny questions without end, whose answers nobody reads, are not taken; others are served meanwhile."""
    flood = query("") * 4_000_000
    with Speaker(proxy.port, receive_bytes=4_096) as person, Speaker(proxy.port) as other, peak_of(proxy) as growth:
        person.do(hello())
        other.do(hello())
        person.socket.settimeout(1.0)
        with suppress(TimeoutError):
            while flood:
                flood = flood[person.socket.send(flood) :]
        assert flood
        assert "".join(m.code for m in other.do(say(query("SELECT 1")))) == "TDCZ"
    assert growth[-1] < GROWTH


def test_texts_of_clients_that_are_gone_hold_nobody_up(cluster: Cluster, proxy: ProxyProcess) -> None:
    """Large texts wait to be read one after the other; whose client has gone, leaves at once, and others go on."""
    columns = ", ".join(f"c{nth} + (SELECT max(x{nth}) FROM t{nth})" for nth in range(10_000))
    with Speaker(proxy.port) as person:
        person.do(hello())
        for nth in range(20):
            with Speaker(proxy.port) as gone:
                gone.do(hello(application_name="gone"))
                gone.do(say(query(f"SELECT {nth} AS a{nth}, {columns}"), until=""))
                until(lambda: proxy.has_read(gone.socket.getsockname()[1]), "the text has arrived")
                gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        text = "SELECT " + ", ".join(f"{nth} AS b{nth}" for nth in range(1_000))
        assert person.do(say(query(text)))[-1].code == "Z"
        until(lambda: sessions(cluster, "gone") == 0, "the sessions of those that are gone have ended")


# Cut connections


@pytest.mark.parametrize(
    "before",
    [
        say(query("BEGIN; LOCK TABLE orders")),
        say(query("COPY journal (line) FROM STDIN"), copy_data(b"half a li"), until="G"),
        say(query(ROWS), until="T"),
        say(parse("SELECT 1"), bind(), FLUSH, until="12"),
        say(b"Q\0\0\xff\xffSELECT", until=""),
    ],
    ids=["in a transaction", "in a copy", "in a result", "in a batch", "in a message"],
)
@pytest.mark.parametrize("abrupt", [True, False], ids=["reset", "closed"])
def test_cut_client_leaves_nothing_behind(before: Step, abrupt: bool, cluster: Cluster, proxy: ProxyProcess) -> None:
    """A client that is gone leaves no session on the server, no lock, and no socket in the proxy."""
    sockets = proxy.sockets()
    with Speaker(proxy.port) as person:
        person.do(hello(application_name="cut"))
        person.do(before)
        if abrupt:
            person.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: sessions(cluster, "cut") == 0, "the server's session has ended")
    until(lambda: proxy.sockets() <= sockets, "the proxy has closed both its sockets")


def test_cut_server_session_is_told_in_the_servers_words(cluster: Cluster, proxy: ProxyProcess) -> None:
    """A session that an administrator ends hears 57P01 and the end, like a session without a proxy."""
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed'"
    heard = []
    for port in (cluster.port, proxy.port):
        with Speaker(port) as person:
            person.do(hello(application_name="doomed"))
            cluster.scalar(ended)
            heard.append(lines(person.read("$")))
    assert heard[0] == heard[1]
    assert "57P01" in heard[0][0]


def test_restart_of_the_server_is_told_and_survived(
    new_cluster: Callable[..., Cluster], new_proxy: Callable[..., ProxyProcess]
) -> None:
    """Open sessions hear the server's own words, new ones a clear error meanwhile, and afterwards all is well."""
    server = new_cluster()
    front = new_proxy(server.port, connect_timeout_s=5.0)
    with Speaker(server.port) as without, Speaker(front.port) as idle, Speaker(front.port) as busy:
        without.do(hello())
        idle.do(hello())
        busy.do(hello())
        busy.do(say(query("BEGIN; DELETE FROM orders")))
        server.stop()
        expected = lines(without.read("$"))
        assert lines(idle.read("$")) == expected
        assert lines(busy.read("$")) == expected
    with Speaker(front.port) as early:
        (refusal, end) = early.do(say(startup("person_trust"), until="$"))
        assert (told(refusal), end.code) == ("E FATAL 08006", "$")
    server.start()
    with psycopg.connect(dsn(front.port, user="person_ada", dbname="demo")) as late:
        assert late.execute("SELECT count(*) FROM orders").fetchone() == (60,)


# Nonsense

NONSENSE = {
    "a length below its own size": b"Q\0\0\0\3SELECT 1\0",
    "a negative length": b"Q\xff\xff\xff\xffSELECT 1\0",
    "a length beyond all bounds": b"Q\x7f\xff\xff\xffSELECT 1\0",
    "a Sync beyond its bounds": b"S\0\x10\0\0" + b"x" * 64,
    "garbage": bytes(range(1, 255)) * 4,
    "a second startup packet": startup("person_trust"),
}

NONSENSE_AT_FIRST = {
    "a length below its own size": b"\0\0\0\3\0\3\0\0",
    "a length beyond all bounds": b"\x7f\xff\xff\xff\0\3\0\0",
    "a long startup packet": startup("person_trust", filler="x" * 20_000),
    "HTTP": b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "a parameter without its value": b"\0\0\0\x0d\0\3\0\0user\0",
    "a message before startup": query("SELECT 1"),
    "nothing": b"",
}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_ends_a_session_as_the_server_would(nonsense: str, cluster: Cluster, proxy: ProxyProcess) -> None:
    """A forged length or an unknown message is a protocol violation, with the server's SQLSTATE, and the end."""
    heard = []
    for port in (cluster.port, proxy.port):
        with Speaker(port) as person:
            person.do(hello())
            heard.append([told(m) for m in person.do(say(NONSENSE[nonsense], until="$"))])
    assert heard[0] == heard[1]


@pytest.mark.parametrize("nonsense", NONSENSE_AT_FIRST)
def test_nonsense_at_first_ends_as_the_server_would(nonsense: str, cluster: Cluster, proxy: ProxyProcess) -> None:
    """A client that cannot even say hello is told what the server would tell it."""
    heard = []
    for port in (cluster.port, proxy.port):
        with Speaker(port) as person:
            said = say(NONSENSE_AT_FIRST[nonsense], half_close=True, until="$")
            heard.append([told(m) for m in person.do(said)])
    assert heard[0] == heard[1]


@pytest.mark.parametrize(
    "said", [b"", startup("person_trust")[:9], startup("person_md5")], ids=["silence", "half a packet", "no password"]
)
def test_slow_startup_is_ended(said: bytes, impatient: ProxyProcess) -> None:
    """A client that does not come to the point is cut off after the startup timeout."""
    sockets = impatient.sockets()
    with Speaker(impatient.port) as person:
        heard = person.do(say(said, until="$"))
    assert heard[-1].code == "$"
    until(lambda: impatient.sockets() <= sockets, "the proxy has closed both its sockets")


def test_connection_limit_is_told_and_lifts(new_proxy: Callable[..., ProxyProcess], cluster: Cluster) -> None:
    """One connection too many hears 53300, and there is room again when another ends."""
    small = new_proxy(cluster.port, max_connections=2)
    with Speaker(small.port) as first, Speaker(small.port) as second:
        first.do(hello())
        second.do(hello())
        with Speaker(small.port) as third:
            assert [told(m) for m in third.do(say(startup("person_trust"), until="$"))] == ["E FATAL 53300", "$ ''"]

    def room() -> bool:
        with Speaker(small.port) as again:
            return again.do(say(startup("person_trust"), until="Z"))[-1].code == "Z"

    until(room, "a freed place is given away")


@pytest.fixture(scope="module")
def impatient(new_proxy: Callable[..., ProxyProcess], cluster: Cluster) -> ProxyProcess:
    """Start a proxy that waits a second for a client's hello."""
    front = new_proxy(cluster.port, startup_timeout_s=1.0)
    with Speaker(front.port) as person:  # what a worker opens once and keeps is open now
        person.do(hello())
    return front
