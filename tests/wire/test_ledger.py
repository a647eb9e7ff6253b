"""What awaits an answer when the client does not wait: pipelines, COPY, failures."""

from __future__ import annotations

import pytest

from proxy.wire import End
from proxy.wire.frontend_stream import UNANSWERED
from tests.wire.conversation import READY, SYNC, Conversation, bind, error, execute, message, parse, query

COPY_IN = message("G", b"\0\0\0")
COPY_DONE = message("c")
POISON = b'invalid input syntax for type integer: "interlock-refusal-%b"'
FAILED = error(b"42703", b"column nope does not exist")
PARSED = message("1")


def completed(tag: bytes) -> bytes:
    """Give a CommandComplete."""
    return message("C", tag + b"\0")


def ends(talk: Conversation) -> list[tuple[str, End]]:
    """Give what ended how, in order; of an Execute, no more than that."""
    return [(about.split(" ")[0], end) for about, end, _, _ in talk.clerk.ends]


@pytest.mark.parametrize(
    "before",
    [parse(b"", b"SELECT 1"), execute(), message("C", b"Sa\0"), parse(b"", b"SELECT 1") + message("H")],
    ids=["Parse", "Execute", "Close", "Parse and Flush"],
)
def test_error_before_a_query_without_sync_skips_the_query(before: bytes) -> None:
    """An error in the extended protocol makes the server skip a Query up to the next Sync."""
    talk = Conversation()
    talk.client(before + query(b"SELECT 2") + SYNC + query(b"SELECT 3"))
    talk.server(FAILED + READY + completed(b"SELECT 3") + READY)
    assert ends(talk)[-2:] == [("query", End.SKIPPED), ("query", End.COMPLETED)]


@pytest.mark.parametrize(
    "before", [bind(b"", b"a"), message("D", b"Sa\0"), message("C", b"S"), message("C", b"Px"), message("H", b"x")]
)
def test_error_of_a_message_without_a_noticed_answer_skips_the_query(before: bytes) -> None:
    """So does the error of a Bind, a Describe, a malformed Close or Flush: the Sync's answer is not the Query's."""
    talk = Conversation()
    talk.client(before + query(b"SELECT 2") + SYNC)
    talk.server(FAILED + READY)
    talk.client(query(b"SELECT 3"))
    talk.server(completed(b"SELECT 3") + READY)
    assert talk.clerk.ends == [
        ("query b'SELECT 2'", End.SKIPPED, None, None),
        ("query b'SELECT 3'", End.COMPLETED, 3, None),
    ]


@pytest.mark.parametrize("before", [parse(b"a", b"SELECT 1") + message("D", b"Sa\0") + message("H"), bind(b"", b"a")])
def test_query_that_fails_behind_an_answered_describe_has_failed(before: bytes) -> None:
    """Where no Sync was sent, ReadyForQuery after the error can only be the Query's own."""
    talk = Conversation()
    talk.client(before)
    talk.server(PARSED + message("t", b"\0\0") + message("n"))
    talk.client(query(b"SELECT nope"))
    talk.server(FAILED + READY)
    assert talk.clerk.ends[-1] == ("query b'SELECT nope'", End.FAILED, None, "42703")


def test_refused_query_behind_a_bind_is_told_apart_by_its_nonce() -> None:
    """A refused Query's error is its own, whatever came before it without a Sync."""
    talk = Conversation()
    talk.client(bind(b"", b"a") + query(b"REFUSE") + SYNC + query(b"SELECT 1"))
    heard = talk.server(error(b"22P02", POISON % (b"%032x" % 1)) + READY + READY + completed(b"SELECT 1") + READY)
    assert heard.count(b"42501") == 1
    assert ends(talk) == [("query", End.FAILED), ("query", End.COMPLETED)]


def test_syncs_inside_a_pipelined_copy_await_no_answer() -> None:
    """All sent at once, the Sync between COPY and its CopyDone is ignored by the server, and only that one."""
    talk = Conversation()
    copy = parse(b"", b"COPY t FROM STDIN") + bind(b"", b"") + execute() + SYNC + message("d", b"1\n") + SYNC
    talk.client(copy + COPY_DONE + SYNC + query(b"SELECT 2"))
    talk.server(PARSED + message("2") + COPY_IN + completed(b"COPY 1") + READY + completed(b"SELECT 2") + READY)
    assert [rows for _, _, rows, _ in talk.clerk.ends] == [None, 1, 2]


def test_second_copy_of_a_query_has_an_end_of_its_own() -> None:
    """One Query may hold two COPY statements; a Sync inside the second awaits no answer either."""
    talk = Conversation()
    talk.client(query(b"COPY t FROM STDIN; COPY u FROM STDIN"))
    talk.server(COPY_IN)
    talk.client(message("d", b"1\n") + COPY_DONE)
    talk.server(completed(b"COPY 1") + COPY_IN)
    talk.client(message("d", b"1\n") + SYNC + COPY_DONE)
    talk.server(completed(b"COPY 1") + READY)
    talk.client(query(b"SELECT 7"))
    talk.server(completed(b"SELECT 7") + READY)
    assert [rows for _, _, rows, _ in talk.clerk.ends] == [2, 7]


def test_failed_copy_ends_where_the_server_says() -> None:
    """After an error in COPY the server answers the next Sync, whatever of the copy is still on its way."""
    talk = Conversation()
    talk.client(parse(b"", b"COPY t FROM STDIN") + bind(b"", b"") + execute() + SYNC)
    talk.server(PARSED + message("2") + COPY_IN)
    talk.server(error(b"22P04", b"extra data"))
    talk.client(message("d", b"1\n") + COPY_DONE + SYNC + query(b"SELECT 7"))
    talk.server(READY + completed(b"SELECT 7") + READY)
    assert ends(talk) == [("parse", End.COMPLETED), ("execute", End.FAILED), ("query", End.COMPLETED)]


def test_what_is_never_answered_is_told_as_skipped() -> None:
    """A session that breaks off leaves no ruling without an outcome, and no long chain of names to unwind."""
    talk = Conversation()
    count = UNANSWERED // 2
    talk.client(*(parse(b"a", b"SELECT 1") + SYNC for _ in range(count)))
    talk.session.broken_off()
    assert len(talk.clerk.ends) == count
    assert {end for _, end, _, _ in talk.clerk.ends} == {End.SKIPPED}


@pytest.mark.parametrize(
    "failing", [parse(b"a", b"SELECT nope"), execute(b"gone"), bind(b"", b"gone"), message("D", b"Sgone\0")]
)
def test_what_is_sent_after_an_error_is_passed_over_up_to_sync(failing: bytes) -> None:
    """A client that has seen the error and sends on without a Sync gets no answer to that, and what follows counts."""
    talk = Conversation()
    talk.client(failing + message("H"))
    talk.server(FAILED)
    talk.clerk.ends.clear()
    talk.client(parse(b"", b"REFUSE") + bind(b"", b"") + execute() + query(b"SELECT 2") + message("C", b"Sa\0"))
    talk.client(parse(b"b", b"SELECT 4") + SYNC)
    talk.server(READY)
    talk.client(query(b"SELECT 3") + bind(b"", b"b") + execute() + SYNC)
    talk.server(completed(b"SELECT 3") + READY)
    assert [(about.split(" ")[0], end, rows) for about, end, rows, _ in talk.clerk.ends] == [
        ("parse", End.SKIPPED, None),
        ("execute", End.SKIPPED, None),
        ("query", End.SKIPPED, None),
        ("parse", End.SKIPPED, None),
        ("query", End.COMPLETED, 3),
    ]
    assert talk.clerk.asked[-1] == "execute [] b''"
