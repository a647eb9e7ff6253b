"""What streams cost, counted in lines run and pieces joined: `test_work.py` runs these where sources are imported."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from proxy.wire import Held
from tests.wire.conversation import READY, SYNC, Conversation, bind, error, message, parse, query
from tests.wire.work import joins, lines_run

OVERLONG = 24_096
POISON = b"interlock-refusal-"


def each_byte(stream: bytes) -> Iterable[bytes]:
    """Cut a stream into single bytes."""
    return (stream[at : at + 1] for at in range(len(stream)))


def pieces(stream: bytes, size: int) -> list[bytes]:
    """Cut a stream into pieces of one size."""
    return [stream[at : at + size] for at in range(0, len(stream), size)]


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("Query", query(b"x" * 20_000)),
        ("Parse", parse(b"a" * 5_000, b"x" * 15_000)),
        ("Parse beyond the bound", parse(b"a" * 15_000, b"x" * OVERLONG)),
        ("Bind of long names", bind(b"p" * 9_000, b"s" * 9_000)),
        ("Bind of many values", bind(b"p", b"s", b"\1" * 30_000)),
        ("Close", message("C", b"S" + b"a" * 9_000 + b"\0")),
        ("CopyData", message("d", b"1\n" * 10_000)),
    ],
)
def test_message_in_single_bytes_is_joined_a_few_times(name: str, stream: bytes) -> None:
    """However small the pieces of a message are, what has come is not put together anew for each of them."""
    talk = Conversation()
    passed: list[bytes | Held] = []

    def work() -> None:
        for piece in each_byte(stream):
            passed.extend(talk.session.from_frontend(piece))

    assert joins(work) <= 4, name
    assert b"".join(part for part in passed if isinstance(part, bytes)) == stream


def test_long_error_in_small_pieces_is_joined_a_few_times() -> None:
    """A client's text can make the server word an error of megabytes; it is put together once."""
    talk = Conversation()
    talk.client(query(b"SELECT repeat('x', 1000000)::int"))
    stream = error(b"22P02", b"x" * 1_000_000) + READY
    heard: list[bytes] = []
    assert joins(lambda: heard.extend(part for p in pieces(stream, 500) for part in talk.session.from_backend(p))) <= 4
    assert b"".join(heard) == stream


def failing(talk: Conversation, count: int) -> None:
    """Pipeline Parses of one name, all of which the server refuses."""
    talk.client(*(parse(b"a", b"SELECT nope") + SYNC for _ in range(count)))
    talk.server(*((error(b"42703", b"nope") + READY) for _ in range(count)))


def forging(talk: Conversation, count: int) -> None:
    """Pipeline Queries whose errors carry a nonce that is none of ours."""
    talk.client(*(query(b"SELECT 1") for _ in range(count)))
    talk.server(*((error(b"22P02", POISON + b"f" * 32) + READY) for _ in range(count)))


def copying(talk: Conversation, count: int) -> None:
    """Pipeline copies, each with its end."""
    talk.client(*(query(b"COPY t FROM STDIN") + message("c") for _ in range(count)))
    talk.server(*((message("G", b"\0\0\0") + message("C", b"COPY 0\0") + READY) for _ in range(count)))


def doubting(talk: Conversation, count: int) -> None:
    """Pipeline Binds and Queries without a Sync, whose errors could be either's."""
    talk.client(*(bind(b"", b"") + query(b"SELECT nope") for _ in range(count)))
    talk.server(*((error(b"42703", b"nope") + READY) for _ in range(count)))


@pytest.mark.parametrize("pipeline", [failing, forging, copying, doubting])
def test_long_pipeline_costs_no_more_for_each_message(pipeline: object) -> None:
    """Twice the pipeline is twice the work: no client can make the machine search a long queue again and again."""
    assert callable(pipeline)
    short, long = (lines_run(lambda count=count: pipeline(Conversation(), count)) for count in (200, 400))  # type: ignore[misc]
    assert short * 1.9 < long < short * 2.1
