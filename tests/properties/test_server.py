"""The ledger against a real server: whatever a client pipelines, each answer is counted to the message it answers."""

from __future__ import annotations

import itertools
import select
import socket
import struct
from collections.abc import Iterator
from typing import Self

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.wire import End, Held, Session
from tests.clusters import Cluster
from tests.wire.conversation import SYNC, Clerk, bind, cut, execute, message, parse, query

SENTINEL = "query b'SELECT generate_series(1, 4242)'"
COPY = b"COPY copied FROM STDIN"
COPYING = parse(b"", COPY) + bind(b"", b"") + execute()
DATA, DONE, FAIL = message("d", b"1\n"), message("c"), message("f", b"enough\0")
TEXTS = [b"SELECT 1", b"SELECT nope", b"REFUSE", b"", b"BEGIN", b"COMMIT", b"DEALLOCATE ALL"]
NAMES = st.sampled_from([b"", b"a", b"b"])
STEPS = st.one_of(
    st.builds(query, st.sampled_from([*TEXTS, b"SELECT 1; SELECT 2", b"SELECT 1; SELECT nope", b"SELECT 1; REFUSE"])),
    st.builds(parse, NAMES, st.sampled_from(TEXTS)),
    st.builds(bind, NAMES, NAMES),
    st.builds(execute, NAMES),
    st.builds(lambda kind, name: message("C", kind + name + b"\0"), st.sampled_from([b"S", b"P"]), NAMES),
    st.builds(lambda kind, name: message("D", kind + name + b"\0"), st.sampled_from([b"S", b"P"]), NAMES),
    st.sampled_from([SYNC, SYNC, SYNC, message("H"), message("H", b"x"), message("C", b"S")]),
    st.just(message("F", b"\0\0\0\0")),
    # A COPY whose data, end and stray Syncs follow, in either protocol; what stands outside a copy is ignored.
    st.sampled_from(
        [
            query(COPY) + DATA + DONE,
            query(COPY) + message("d", b"x\n") + DONE,
            query(COPY + b"; " + COPY) + DATA + SYNC + DONE + DATA + FAIL,
            query(COPY + b"; " + COPY) + DATA + DONE + DATA + SYNC + DONE,
            COPYING + DATA + SYNC + DATA + DONE,
            COPYING + SYNC + message("d", b"x\n") + DATA + DONE,
            COPYING + message("H") + DATA + FAIL,
            DONE,
            FAIL,
            DATA,
        ]
    ),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """Run a PostgreSQL 18 with a table to copy into."""
    with Cluster() as running:
        with Line(running) as line:
            line.talk([query(b"CREATE TABLE copied (a int)")])
        yield running


class Line:
    """A client's connection to the server through a session of the protocol machine."""

    def __init__(self, server: Cluster) -> None:
        self.clerk = Clerk()
        self.session = Session(self.clerk, statement_bytes=4_096)
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        packet = struct.pack("!i", 0x30000) + b"user\0postgres\0\0"
        self._socket.sendall(struct.pack("!i", len(packet) + 4) + packet)
        while not self.session.ready:
            self.session.from_backend(self._socket.recv(65_536))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def talk(self, chunks: list[bytes], *, listening: bool = False) -> None:
        """Send all, then a last Sync and Query, and read until that is answered or the server hangs up.

        `listening`: read what has come before each chunk, so that some is sent after an error was seen.
        """
        closing = [SYNC, query(b"ROLLBACK"), query(b"SELECT generate_series(1, 4242)")]
        for chunk in itertools.chain(chunks, closing):
            while listening and select.select([self._socket], [], [], 0.003)[0]:
                self.session.from_backend(self._socket.recv(65_536))
            parts = self.session.from_frontend(chunk)
            self._socket.sendall(b"".join(part.data if isinstance(part, Held) else part for part in parts))
        heard = b""
        while b"SELECT 4242\0" + message("Z", b"I") not in heard:
            received = self._socket.recv(65_536)
            assert received, heard[-300:]
            heard = heard[-100:] + received
            self.session.from_backend(received)


STEPS_SENT = st.lists(STEPS, max_size=14)
PLACES = st.lists(st.integers(0, 2_000), max_size=6)


def doubtless(steps: list[bytes]) -> list[bytes]:
    """Set a Sync before each Query behind a Bind or Describe, so that it is sure whose an error is."""
    sure: list[bytes] = []
    for step in steps:
        if sure and step[:1] in b"QF" and sure[-1][:1] not in b"QPES":
            sure.append(SYNC)
        sure.append(step)
    return sure


@settings(deadline=None, max_examples=100)
@given(steps=STEPS_SENT, places=PLACES, listening=st.booleans())
@example(steps=[bind(b"", b"gone"), execute(b""), parse(b"", b"SELECT 1"), SYNC], places=[14, 24], listening=True)
def test_every_answer_of_the_server_is_counted_to_its_message(
    server: Cluster, steps: list[bytes], places: list[int], listening: bool
) -> None:
    """When the server has answered all, nothing is left waiting, and the last Query's rows are counted as its own."""
    with Line(server) as line:
        line.talk(cut(b"".join(doubtless(steps)), places), listening=listening)
        about, end, rows, _ = line.clerk.ends[-1]
        assert (about, end, rows) == (SENTINEL, End.COMPLETED, 4242)
        assert not line.session._ledger._queue
        assert len(line.clerk.ends) == len(line.clerk.asked)


@settings(deadline=None, max_examples=50)
@given(steps=STEPS_SENT, places=PLACES)
@example(steps=[bind(b"", b""), message("D", b"P\0"), query(b"SELECT nope"), SYNC], places=[])
@example(steps=[COPYING, message("d", b"x\n"), SYNC, DATA, DONE], places=[])
def test_a_doubt_ends_when_all_is_answered(server: Cluster, steps: list[bytes], places: list[int]) -> None:
    """Where an error could be one of two messages', what is sent after all answers have come is counted right again."""
    with Line(server) as line:
        line.talk(cut(b"".join(steps), places))
        line.clerk.ends.clear()
        line.talk([])
        assert [(end, rows) for _, end, rows, _ in line.clerk.ends] == [(End.COMPLETED, None), (End.COMPLETED, 4242)]
