"""What the server's stream costs, where it is cut, and how a server breaks the protocol."""

from __future__ import annotations

import struct

import pytest

from proxy.wire import End, ProtocolViolation
from tests.wire.conversation import READY, Conversation, error, message, query

POISON = b"interlock-refusal-"
ROW = message("D", b"\0\1\0\0\0\x0aten bytes.")


def pieces(stream: bytes, size: int) -> list[bytes]:
    """Cut a stream into pieces of one size."""
    return [stream[at : at + size] for at in range(0, len(stream), size)]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6, 7, 13, 64, 1_000])
def test_refusal_behind_rows_is_found_wherever_the_stream_is_cut(size: int) -> None:
    """Rows are stepped over without being put together, and what stands behind them is still seen."""
    talk = Conversation()
    talk.client(query(b"SELECT 1") + query(b"REFUSE"))
    before = message("T", b"\0\1a\0" + b"\0" * 18) + ROW * 20 + message("d", b"x" * 300) + message("C", b"SELECT 20\0")
    refused = error(b"22P02", b"'" + POISON + b"%032x'" % 1)
    heard = talk.server(*pieces(before + READY + refused + READY, size))
    assert heard.startswith(before + READY)
    assert heard.endswith(READY)
    assert b"42501" in heard
    assert POISON not in heard
    assert [(end, rows) for _, end, rows, _ in talk.clerk.ends] == [(End.COMPLETED, 20), (End.FAILED, None)]


@pytest.mark.parametrize("code", ["Z", "C", "1", "T", "D", "d", "N", "2", "3", "I", "s", "G", "?"])
def test_message_without_a_body_passes(code: str) -> None:
    """A server that leaves out what belongs into a message is its client's to judge."""
    talk = Conversation()
    talk.client(query(b"SELECT 1"))
    assert talk.server(message(code)) == message(code)


@pytest.mark.parametrize("code", ["Z", "C", "E", "S", "1", "T", "D", "d", "N", "2", "?"])
@pytest.mark.parametrize("length", [3, 0, -1, -(2**31)])
@pytest.mark.parametrize("size", [1, 100])
def test_length_that_none_can_have_breaks_the_protocol(code: str, length: int, size: int) -> None:
    """A server's message is at least its length; less, and nothing that follows could be read."""
    talk = Conversation()
    stream = ROW + code.encode() + struct.pack("!i", length)
    with pytest.raises(ProtocolViolation, match="server sent message"):
        talk.server(*pieces(stream, size))


@pytest.mark.parametrize("code", ["E", "C", "S", "Z", "R"])
def test_message_that_must_be_whole_is_bounded(code: str) -> None:
    """What is looked at is held until it is whole, so it may not be of any length."""
    with pytest.raises(ProtocolViolation):
        Conversation().server(code.encode() + struct.pack("!i", (64 << 20) + 4))


@pytest.mark.parametrize("code", ["D", "d", "T", "N", "A", "V"])
def test_message_that_is_not_looked_at_streams_through(code: str) -> None:
    """Rows, copied data, notices and the like pass in the pieces in which they come, however long they are."""
    talk = Conversation()
    header = code.encode() + struct.pack("!i", 0x3FFFFFFF)
    assert talk.session.from_backend(header) == [header]
    assert talk.session.from_backend(b"x" * 1_000) == [b"x" * 1_000]


def test_error_keeps_its_severity_and_nothing_else() -> None:
    """The refusal is as severe as the server's error was, in the server's language; its place and routine go."""
    talk = Conversation()
    talk.client(query(b"REFUSE"))
    body = b"SFEHLER\0VERROR\0C22P02\0M" + POISON + b"%032x" % 1 + b"\0P8\0Fscan.c\0L1\0Rscanner_yyerror\0\0"
    heard = talk.server(message("E", body))
    assert heard.startswith(b"E")
    assert b"SFEHLER\0VERROR\0C42501\0" in heard
    assert b"scan.c" not in heard
    assert b"P8" not in heard


def test_transaction_status_is_what_the_server_last_said() -> None:
    """Idle only where ReadyForQuery says so."""
    talk = Conversation()
    said = []
    for status in (b"T", b"E", b"I"):
        talk.server(message("Z", status))
        said.append((talk.session.backend.status, talk.session.idle))
    assert said == [(b"T", False), (b"E", False), (b"I", True)]
