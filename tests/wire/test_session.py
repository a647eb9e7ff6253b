"""What a session passes on, what it asks, and what it tells, message by message."""

from __future__ import annotations

import pytest

from proxy.wire import End, Session
from tests.wire.conversation import (
    HELLO,
    READY,
    SYNC,
    Clerk,
    Conversation,
    bind,
    error,
    execute,
    message,
    parse,
    query,
)

MARK = b"interlock-refusal-"


def poisoned(number: int) -> bytes:
    """Give the server's error for the poison of the `number`th refusal."""
    text = b'invalid input syntax for type integer: "' + MARK + b"%032x" % number + b'"'
    return error(b"22P02", text)


def test_permitted_messages_pass_untouched() -> None:
    """What is permitted goes on as the very bytes that came."""
    talk = Conversation()
    sent = query(b"SELECT 1") + parse(b"a", b"SELECT 2") + bind(b"", b"a") + execute() + SYNC
    assert talk.client(sent) == sent
    assert talk.clerk.asked == ["query b'SELECT 1'", "parse b'SELECT 2'", "execute [\"parse b'SELECT 2'\"] b''"]


def test_refused_query_is_replaced_and_its_error_rewritten() -> None:
    """A refused Query fails in the server by its replacement, and the client hears the refusal in its place."""
    talk = Conversation()
    passed = talk.client(query(b"SELECT 1") + query(b"REFUSE me") + query(b"SELECT 2"))
    assert passed.startswith(query(b"SELECT 1"))
    assert passed.endswith(query(b"SELECT 2"))
    assert b"REFUSE" not in passed
    assert MARK in passed
    heard = talk.server(message("C", b"SELECT 1\0") + READY + poisoned(1) + READY + message("C", b"SELECT 1\0") + READY)
    assert heard.count(b"42501") == 1
    assert MARK not in heard
    assert [end for _, end, _, _ in talk.clerk.ends] == [End.COMPLETED, End.FAILED, End.COMPLETED]


def test_refused_parse_keeps_its_name_and_skips_to_sync() -> None:
    """The replacement names the statement that was refused; what follows it up to Sync is counted as skipped."""
    talk = Conversation()
    passed = talk.client(parse(b"gone", b"REFUSE") + bind(b"", b"gone") + execute() + SYNC)
    assert passed.startswith(message("P", b"gone\0SELECT '" + MARK + b"%032x" % 1 + b"'::pg_catalog.int4\0\0\0"))
    assert b"42501" in talk.server(poisoned(1) + READY)
    assert [(end, state) for _, end, _, state in talk.clerk.ends] == [(End.FAILED, "22P02"), (End.SKIPPED, None)]


def test_error_of_another_nonce_is_the_servers_own() -> None:
    """A nonce answers its own refusal only: somebody else's text is not rewritten."""
    talk = Conversation()
    talk.client(query(b"SELECT 'x'::int"))
    assert talk.server(poisoned(7) + READY) == poisoned(7) + READY


def test_refusal_in_a_failed_transaction_is_the_servers_answer() -> None:
    """Where the server answers 25P02 instead, that is what the client hears, and the nonce is forgotten."""
    talk = Conversation()
    talk.client(query(b"REFUSE"))
    aborted = error(b"25P02", b"current transaction is aborted") + message("Z", b"E")
    assert talk.server(aborted) == aborted
    talk.client(query(b"REFUSE"))
    assert b"42501" in talk.server(poisoned(2) + message("Z", b"E"))


def test_failed_parse_leaves_the_earlier_statement() -> None:
    """A Parse that fails does not change what its name stands for."""
    talk = Conversation()
    talk.client(parse(b"a", b"HOLD first") + SYNC)
    talk.server(message("1") + READY)
    talk.client(parse(b"a", b"second") + SYNC)
    talk.server(error(b"42P05", b"prepared statement exists") + READY)
    talk.client(bind(b"", b"a") + execute() + SYNC)
    assert talk.clerk.asked[-1] == "execute [\"parse b'HOLD first'\"] b''"


def test_both_statements_count_until_the_parse_is_answered() -> None:
    """After a Sync, an unanswered Parse may or may not have replaced the statement under its name."""
    talk = Conversation()
    talk.client(parse(b"a", b"first") + SYNC)
    talk.server(message("1") + READY)
    talk.client(parse(b"a", b"second") + SYNC + bind(b"", b"a") + execute() + SYNC)
    assert talk.clerk.asked[-1] == "execute [\"parse b'second'\", \"parse b'first'\"] b''"


def test_names_are_cut_as_the_server_cuts_them() -> None:
    """Two names that differ after 63 bytes are one statement."""
    talk = Conversation()
    long = b"n" * 63
    talk.client(parse(long + b"1", b"first") + bind(long + b"p", long + b"2") + execute(long + b"q") + SYNC)
    assert talk.clerk.asked[-1] == "execute [\"parse b'first'\"] b''"


def test_closed_statement_is_forgotten() -> None:
    """After CloseComplete the name stands for nothing known."""
    talk = Conversation()
    talk.client(parse(b"a", b"first") + message("C", b"Sa\0") + SYNC)
    talk.server(message("1") + message("3") + READY)
    talk.client(bind(b"", b"a") + execute() + SYNC)
    assert talk.clerk.asked[-1] == "execute [] b''"


def test_sync_during_copy_in_expects_no_answer() -> None:
    """The server ignores Sync in COPY FROM STDIN, so the outcomes that follow stay with their statements."""
    talk = Conversation()
    talk.client(parse(b"", b"COPY t FROM STDIN") + bind(b"", b"") + execute() + SYNC)
    talk.server(message("1") + message("2") + message("G", b"\0\0\0"))
    talk.client(message("d", b"1\n") + message("c") + SYNC + query(b"SELECT 1"))
    talk.server(message("C", b"COPY 1\0") + READY + message("C", b"SELECT 5\0") + READY)
    assert [(about, rows) for about, _, rows, _ in talk.clerk.ends][-1] == ("query b'SELECT 1'", 5)


@pytest.mark.parametrize(
    "forged",
    [
        b"S\0\0\0\x03",
        b"S\xff\xff\xff\xff",
        b"Q\0\0\0\0",
        b"d\0\0\0\x01",
        b"E\x7f\xff\xff\xff",
        b"Q\x7f\xff\xff\xff",
        b"!\0\0\0\x04",
        b"\0\0\0\0\x04",
    ],
)
def test_forged_header_is_the_last_thing_the_server_hears(forged: bytes) -> None:
    """What the server would end the connection over is passed on for it to do so, and nothing behind it."""
    talk = Conversation()
    assert talk.client(SYNC + forged + b"\0" * 50 + query(b"DROP TABLE users")) == SYNC + forged
    assert talk.session.ended
    assert talk.client(query(b"DROP TABLE users")) == b""
    assert talk.clerk.asked == []


@pytest.mark.parametrize(("size", "passes"), [(20_000 + 4_096 + 2, True), (20_000 + 4_096 + 3, False)])
def test_query_that_is_too_long_is_ruled_on_by_its_size(size: int, passes: bool) -> None:
    """A text beyond the bound is never held: it streams through, or is swallowed with the poison in its place."""
    talk = Conversation()
    long = message("Q", b"x" * (size - 1) + b"\0")
    chunks = [long[start : start + 1_000] for start in range(0, len(long), 1_000)]
    passed = talk.client(*chunks, query(b"SELECT 1"))
    assert talk.clerk.asked[0] == f"query {size}"
    assert passed.endswith(query(b"SELECT 1"))
    assert (passed == long + query(b"SELECT 1")) is passes
    assert (len(passed) > size) is passes


def test_two_overlong_queries_in_a_row_are_each_dealt_with() -> None:
    """A swallowed message does not make the next long one disappear."""
    talk = Conversation()
    refused, permitted = (message("Q", b"x" * size + b"\0") for size in (24_200, 24_201))
    stream = refused + permitted
    passed = talk.client(*(stream[start : start + 777] for start in range(0, len(stream), 777)))
    assert passed.endswith(permitted)
    assert len(passed) == len(permitted) + len(passed.split(permitted[:10])[0])


def test_nothing_is_asked_before_the_server_is_ready() -> None:
    """Only answers to authentication pass; the rest waits until the server has said what decides the reading."""
    clerk = Clerk()
    session = Session(clerk, statement_bytes=4_096)
    password, early = message("p", b"secret\0"), query(b"SELECT 1")
    assert session.from_frontend(password + early) == [password]
    assert clerk.asked == []
    session.from_backend(HELLO)
    assert session.early() == [early]
    assert clerk.asked == ["query b'SELECT 1'"]


def test_held_message_can_be_refused_late() -> None:
    """A write whose record could not be written is replaced on its way."""
    talk = Conversation()
    (held,) = [part for part in talk.session.from_frontend(query(b"HOLD")) if not isinstance(part, bytes)]
    assert talk.session.held
    held.ruling.nonce = b"%032x" % 99
    assert MARK in talk.session.refuse_late(held)
    assert b"42501" in talk.server(poisoned(99) + READY)


def test_scram_plus_is_not_offered() -> None:
    """Channel binding cannot hold through the proxy, so it is taken from the offer."""
    session = Session(Clerk(), statement_bytes=4_096)
    offer = message("R", b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
    assert b"".join(session.from_backend(offer)) == message("R", b"\0\0\0\x0aSCRAM-SHA-256\0\0")


def test_function_call_is_refused_as_a_query_is() -> None:
    """A refused FunctionCall is replaced by a Query: both are answered up to ReadyForQuery."""
    talk = Conversation()
    passed = talk.client(message("F", b"\0\0\x04\xd2\0\0\0\0\0\0"))
    assert talk.clerk.asked == ["call 1234 b'REFUSE'"]
    assert passed[:1] == b"Q"
    assert b"42501" in talk.server(poisoned(1) + READY)
