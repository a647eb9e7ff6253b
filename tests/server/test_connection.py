"""A connection between real sockets: what waits, in which order it leaves, and what happens at the ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy.policy import Account
from proxy.server.connection import Connection
from proxy.sql import LARGE_TEXT_BYTES, Bounds, Study, normalize, study
from proxy.wire.frontend_stream import UNANSWERED
from tests.server.dockets import Office
from tests.server.loops import each_loop, run
from tests.wire.conversation import HELLO, READY, SYNC, bind, error, execute, message, parse, query

Loop = Callable[[], asyncio.AbstractEventLoop]
INSERT = b"INSERT INTO interlock.recommendation (model) VALUES ('m')"
POISON = b"interlock-refusal-"
LARGE = b"SELECT a FROM t WHERE a IN (" + b", ".join(b"%d" % number for number in range(LARGE_TEXT_BYTES // 4)) + b")"


@dataclass
class House:
    """What a connection needs of its worker: here a flush happens when the test says so."""

    office: Office
    bytes_up: int = 0
    bytes_down: int = 0
    gone: list[str] = field(default_factory=list)
    studying: list[tuple[str, Callable[[Study], None]]] = field(default_factory=list)
    called_off: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.moment = self.office.moment
        self.journal = self.office.journal

    def flush_soon(self) -> None:
        """Wait for the test."""

    def flush_later(self) -> None:
        """Wait for the test."""

    def study(self, text: str, account: Account, told: Callable[[Study], None]) -> Callable[[], object]:  # noqa: ARG002
        """Note it; the test tells."""
        self.studying.append((text, told))
        return lambda: self.called_off.append(text)

    def went(self, connection: Connection, reason: str) -> None:  # noqa: ARG002 - one connection
        """Note it."""
        self.gone.append(reason)


class Ends:
    """The far ends of a connection: a client and a server that do what the test says."""

    def __init__(self, house: House, connection: Connection, client: socket.socket, server: socket.socket) -> None:
        self.house = house
        self.connection = connection
        self.client = client
        self.server = server
        self._loop = asyncio.get_running_loop()

    async def say(self, end: socket.socket, data: bytes) -> None:
        """Send, and let the connection take it."""
        seen = self.house.bytes_up + self.house.bytes_down
        await self._loop.sock_sendall(end, data)
        # As many turns of the loop as the bytes take: a socket pair hands them over in the next.
        for _ in range(1_000):
            if self.house.bytes_up + self.house.bytes_down == seen + len(data):
                return
            await asyncio.sleep(0)
        raise TimeoutError("the connection did not take what was said")

    async def hear(self, end: socket.socket, count: int) -> bytes:
        """Read that many bytes, or up to the end."""
        heard = b""
        while len(heard) < count:
            piece = await self._loop.sock_recv(end, count - len(heard))
            if not piece:
                break
            heard += piece
        return heard

    async def nothing(self, end: socket.socket) -> bool:
        """Tell whether nothing is there to be read, after what was written had time to arrive."""
        for _ in range(20):
            await asyncio.sleep(0)
        with contextlib.suppress(BlockingIOError):
            return end.recv(1) == b"nothing"
        return True


@contextlib.asynccontextmanager
async def connected(folder: Path, user: str = "model_a", *, ready: bool = True) -> AsyncIterator[Ends]:
    """Join a client and a server by a connection."""
    loop = asyncio.get_running_loop()
    house = House(Office(folder))
    (client, near_client), (server, near_server) = socket.socketpair(), socket.socketpair()
    for sock in (client, near_client, server, near_server):
        sock.setblocking(False)
    inward, _ = await loop.connect_accepted_socket(asyncio.Protocol, near_client)
    connection = Connection(house, inward, house.office.docket(user), statement_bytes=1 << 20, buffer_bytes=1 << 18)
    outward, _ = await loop.connect_accepted_socket(lambda: connection.server_side, near_server)
    connection.begin(outward, b"startup", buffer_bytes=1 << 18, on_ready=lambda: None)
    inward.set_protocol(connection.client_side)
    ends = Ends(house, connection, client, server)
    assert await ends.hear(server, 7) == b"startup"
    if ready:
        await ends.say(server, HELLO)
        assert await ends.hear(client, len(HELLO)) == HELLO
    try:
        yield ends
    finally:
        connection.end(b"", "test over")
        client.close()
        server.close()
        await asyncio.sleep(0)
        house.office.journal.close()


@each_loop
def test_write_waits_for_its_record_and_what_follows_waits_behind_it(loop: Loop, tmp_path: Path) -> None:
    """Nothing overtakes a statement that waits for its record, whenever it came before the flush."""

    async def work() -> None:
        async with connected(tmp_path / "audit") as ends:
            write, read = query(INSERT), query(b"SELECT 1")
            await ends.say(ends.client, write)
            await ends.say(ends.client, read)
            await ends.say(ends.client, write + SYNC)
            assert await ends.nothing(ends.server)
            ends.house.journal.flush()
            expected = write + read + write + SYNC
            assert await ends.hear(ends.server, len(expected)) == expected

    run(loop, work())


@each_loop
def test_read_does_not_wait(loop: Loop, tmp_path: Path) -> None:
    """A read leaves at once; its record may follow, though it may not wait for an answer that is long in coming."""

    async def work() -> None:
        async with connected(tmp_path / "audit") as ends:
            read = query(b"SELECT 1")
            await ends.say(ends.client, read)
            assert await ends.hear(ends.server, len(read)) == read
            assert ends.house.office.records("decision") == []
            ends.connection.record_overdue(ends.house.moment.monotonic_s + 1.0)
            (decided,) = ends.house.office.records("decision")
            assert (decided["statement"]["text"], decided["outcome"]) == ("SELECT $1", None)

    run(loop, work())


@each_loop
def test_write_is_refused_late_where_its_record_cannot_be_written(loop: Loop, tmp_path: Path) -> None:
    """Held statements are replaced in their places, what is between them is not, and the client is told."""

    async def work() -> None:
        folder = tmp_path / "audit"
        async with connected(folder) as ends:
            await ends.say(ends.client, query(b"SELECT 1") + query(INSERT) + query(b"SELECT 2"))
            folder.rename(tmp_path / "away")
            folder.touch()
            assert not ends.house.journal.flush()
            sent = await ends.hear(ends.server, len(query(b"SELECT 1") * 2 + query(INSERT)))
            assert INSERT not in sent
            assert sent.startswith(query(b"SELECT 1"))
            nonce = sent[sent.index(POISON) :][len(POISON) :][:32]
            await ends.say(ends.server, message("C", b"SELECT 1\0") + READY + error(b"22P02", POISON + nonce) + READY)
            heard = await ends.hear(ends.client, 200)
            assert b"42501" in heard
            assert b"put on record" in heard
            folder.unlink()
            (tmp_path / "away").rename(folder)

    run(loop, work())


@each_loop
@pytest.mark.parametrize("user", ["person_ada", "model_a"])
def test_large_text_is_read_elsewhere_and_what_follows_waits_with_it(loop: Loop, user: str, tmp_path: Path) -> None:
    """What came before it leaves; it and all behind it, the end included, go when it has been read, in order."""

    async def work() -> None:
        async with connected(tmp_path / "audit", user) as ends:
            first, last = query(b"SELECT 1"), query(b"SELECT 2")
            large = LARGE + b" AND b IN (0)"
            others = query(large) + parse(b"", large) + bind(b"", b"") + execute() + SYNC
            await ends.say(ends.client, first + others + last)
            ends.client.shutdown(socket.SHUT_WR)
            assert await ends.hear(ends.server, len(first)) == first
            assert await ends.nothing(ends.server)
            # The Query's text, and then the Parse's: each is studied for itself.
            for nth in (1, 2):
                assert [text for text, _ in ends.house.studying] == [large.decode()] * nth
                found = study(large.decode(), normalize(large.decode()), Bounds())
                ends.house.studying[-1][1](found)
            assert await ends.hear(ends.server, len(others + last) + 1) == others + last

    run(loop, work())


@each_loop
def test_large_text_is_refused_like_any_other(loop: Loop, tmp_path: Path) -> None:
    """Where the text was read does not matter to what is ruled on it."""

    async def work() -> None:
        async with connected(tmp_path / "audit", "model_a") as ends:
            text = LARGE.replace(b"SELECT a FROM", b"DELETE FROM")
            await ends.say(ends.client, query(text))
            ends.house.studying[-1][1](study(text.decode(), normalize(text.decode()), Bounds()))
            ends.house.journal.flush()
            assert POISON in await ends.hear(ends.server, 60)
            (decided,) = ends.house.office.records("decision")
            assert (decided["refused"], decided["statement"]["tag"]) == (True, "DELETE")

    run(loop, work())


@each_loop
def test_client_that_leaves_while_its_text_is_read_is_gone(loop: Loop, tmp_path: Path) -> None:
    """What is found out about the text then is of no use, and does no harm."""

    async def work() -> None:
        async with connected(tmp_path / "audit") as ends:
            await ends.say(ends.client, query(LARGE))
            ends.connection.client_lost()
            ends.house.studying[-1][1](study(LARGE.decode(), normalize(LARGE.decode()), Bounds()))
            assert (ends.house.gone, ends.house.called_off) == (["client closed"], [LARGE.decode()])
            assert await ends.hear(ends.server, 1) == b""
            (decided,), (outcome,) = (ends.house.office.records(kind) for kind in ("decision", "outcome"))
            assert (decided["because"], outcome["state"]) == (
                "It cannot be read: the session ended before it had been read.",
                "skipped",
            )

    run(loop, work())


@each_loop
def test_client_that_breaks_off_while_its_text_is_read_is_noticed(loop: Loop, tmp_path: Path) -> None:
    """It is read on for that, as far as a bound; so nobody's server session waits for a text of somebody gone."""

    async def work() -> None:
        async with connected(tmp_path / "audit") as ends:
            await ends.say(ends.client, query(LARGE) + query(b"SELECT 1"))
            # Closed with bytes unread, a socket's other end is told of a reset.
            await ends.say(ends.server, READY)
            ends.client.close()
            assert await ends.hear(ends.server, 1) == b""
            assert ends.house.called_off == [LARGE.decode()]

    run(loop, work())


@each_loop
def test_client_that_sends_on_while_its_text_is_read_is_not_read_without_end(loop: Loop, tmp_path: Path) -> None:
    """What waits behind a large text is bounded, and all of it arrives in the end."""

    async def work() -> None:
        async with connected(tmp_path / "audit") as ends:
            behind = query(b"SELECT '" + b"x" * 4_000 + b"'") * 1_000
            sending = asyncio.ensure_future(ends.say(ends.client, query(LARGE)))
            await sending
            sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(ends.client, behind))
            assert await ends.nothing(ends.server)
            assert not sending.done()
            assert ends.house.bytes_up < len(LARGE) + 1_000_000
            ends.house.studying[-1][1](study(LARGE.decode(), normalize(LARGE.decode()), Bounds()))
            expected = query(LARGE) + behind
            assert await ends.hear(ends.server, len(expected)) == expected
            await sending

    run(loop, work())


@each_loop
def test_flood_of_questions_waits_for_answers(loop: Loop, tmp_path: Path) -> None:
    """A client that asks without end is read no further than the bound, and on when the server answers."""

    async def work() -> None:
        async with connected(tmp_path / "audit") as ends:
            count = UNANSWERED + 1_000
            sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(ends.client, SYNC * count))
            assert await ends.hear(ends.server, len(SYNC) * UNANSWERED) == SYNC * UNANSWERED
            assert await ends.nothing(ends.server)
            await ends.say(ends.server, READY * UNANSWERED)
            assert await ends.hear(ends.server, len(SYNC) * 1_000) == SYNC * 1_000
            await sending

    run(loop, work())


@each_loop
def test_half_close_waits_for_what_waits(loop: Loop, tmp_path: Path) -> None:
    """A client that says its last and closes its half is heard out; the server then hears the end."""

    async def work() -> None:
        async with connected(tmp_path / "audit") as ends:
            write = parse(b"", INSERT) + bind(b"", b"") + execute() + SYNC
            await ends.say(ends.client, write)
            ends.client.shutdown(socket.SHUT_WR)
            assert await ends.nothing(ends.server)
            ends.house.journal.flush()
            assert await ends.hear(ends.server, len(write) + 1) == write
            await ends.say(ends.server, READY)
            assert await ends.hear(ends.client, len(READY)) == READY

    run(loop, work())


@each_loop
def test_half_close_before_the_server_is_ready_loses_nothing(loop: Loop, tmp_path: Path) -> None:
    """What was said before the server was ready reaches it, and the end of the stream behind it."""

    async def work() -> None:
        async with connected(tmp_path / "audit", ready=False) as ends:
            early = query(b"SELECT 1")
            await ends.say(ends.client, early)
            ends.client.shutdown(socket.SHUT_WR)
            assert await ends.nothing(ends.server)
            await ends.say(ends.server, HELLO)
            assert await ends.hear(ends.server, len(early) + 1) == early
            await ends.say(ends.server, message("C", b"SELECT 1\0") + READY)
            answer = HELLO + message("C", b"SELECT 1\0") + READY
            assert await ends.hear(ends.client, len(answer)) == answer
            assert ends.house.gone == []

    run(loop, work())


@each_loop
def test_forged_header_before_the_server_is_ready_ends_it_then(loop: Loop, tmp_path: Path) -> None:
    """What the server would end the connection over is passed on when it is ready, and the end behind it."""

    async def work() -> None:
        async with connected(tmp_path / "audit", ready=False) as ends:
            await ends.say(ends.client, b"!\0\0\0\4" + query(b"SELECT 1"))
            await ends.say(ends.server, HELLO)
            assert await ends.hear(ends.server, 100) == b"!\0\0\0\4"

    run(loop, work())


@each_loop
def test_client_that_leaves_with_a_write_waiting_has_sent_it(loop: Loop, tmp_path: Path) -> None:
    """What a client had sent before it went would have reached the server, and so it does, recorded first."""

    async def work() -> None:
        async with connected(tmp_path / "audit") as ends:
            write = query(INSERT)
            await ends.say(ends.client, write)
            ends.connection.client_lost()
            assert await ends.hear(ends.server, len(write) + 1) == write
            assert ends.house.gone == ["client closed"]
            decided = ends.house.office.records("decision")
            outcomes = ends.house.office.records("outcome")
            assert [(each["decision"], each["state"]) for each in outcomes] == [(decided[0]["id"], "skipped")]

    run(loop, work())


@each_loop
def test_server_that_breaks_the_protocol_ends_both_sides(loop: Loop, tmp_path: Path) -> None:
    """The client is told in PostgreSQL's words, and neither side is left open."""

    async def work() -> None:
        async with connected(tmp_path / "audit") as ends:
            await ends.say(ends.server, b"D\0\0\0\0")
            heard = await ends.hear(ends.client, 10_000)
            assert b"FATAL" in heard
            assert b"08P01" in heard
            assert await ends.hear(ends.server, 1) == b""
            assert ends.house.gone == ["server broke the protocol"]

    run(loop, work())
