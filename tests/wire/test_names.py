"""What the names of statements and portals stand for, when the client does not wait and when there are many."""

from __future__ import annotations

import pytest

from tests.wire.conversation import READY, SYNC, Conversation, bind, error, execute, message, parse, query

FAILED = error(b"42703", b"column nope does not exist")
DEALLOCATED = message("C", b"DEALLOCATE ALL\0")
PARSED = message("1")
IN_TRANSACTION = message("Z", b"T")


def completed(tag: bytes) -> bytes:
    """Give a CommandComplete."""
    return message("C", tag + b"\0")


def test_portal_bound_in_a_later_batch_outlives_an_earlier_ready() -> None:
    """ReadyForQuery of one batch says nothing of the portals that the next has bound by then."""
    talk = Conversation()
    talk.client(parse(b"a", b"SELECT 1") + SYNC)
    talk.client(bind(b"p", b"a"))
    talk.server(PARSED + READY)
    talk.client(execute(b"p") + SYNC)
    assert talk.clerk.asked[-1] == "execute [\"parse b'SELECT 1'\"] b''"


def test_portal_is_gone_after_the_transaction() -> None:
    """Outside a transaction no portal outlives ReadyForQuery; inside one it does."""
    talk = Conversation()
    talk.client(parse(b"a", b"SELECT 1") + bind(b"p", b"a") + SYNC)
    talk.server(PARSED + message("2") + message("Z", b"T"))
    talk.client(execute(b"p") + SYNC)
    talk.server(message("s") + READY)
    talk.client(execute(b"p") + SYNC)
    assert talk.clerk.asked[1:] == ["execute [\"parse b'SELECT 1'\"] b''", "execute [] b''"]


def test_statement_parsed_since_outlives_a_deallocation() -> None:
    """DEALLOCATE ALL takes what stood when it ran, not what was sent behind it."""
    talk = Conversation()
    talk.client(parse(b"old", b"SELECT 1") + SYNC)
    talk.server(PARSED + READY)
    talk.client(query(b"DEALLOCATE ALL") + parse(b"new", b"SELECT 2"))
    talk.server(DEALLOCATED + READY)
    talk.client(bind(b"", b"new") + execute() + bind(b"", b"old") + execute() + SYNC)
    assert talk.clerk.asked[-2:] == ["execute [\"parse b'SELECT 2'\"] b''", "execute [] b''"]


def test_statement_parsed_again_outlives_the_deallocation_of_its_name() -> None:
    """So with DEALLOCATE of one name, told when it has completed."""
    talk = Conversation()
    talk.client(parse(b"a", b"SELECT 1") + SYNC)
    talk.server(PARSED + READY)
    talk.client(query(b"DEALLOCATE a") + parse(b"a", b"SELECT 2"))
    talk.session.forget_statement(b"a")
    talk.client(bind(b"", b"a") + execute() + SYNC)
    assert talk.clerk.asked[-1] == "execute [\"parse b'SELECT 2'\"] b''"
    talk.server(completed(b"DEALLOCATE") + READY + PARSED)
    talk.session.forget_statement(b"a")
    talk.client(bind(b"", b"a") + execute() + SYNC)
    assert talk.clerk.asked[-1] == "execute [] b''"


@pytest.mark.parametrize("failing", [(0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2)])
def test_name_stands_for_the_last_parse_that_did_not_fail(failing: tuple[int, ...]) -> None:
    """Of several Parses under one name in flight, those that fail leave the others in their order."""
    talk = Conversation()
    talk.client(parse(b"a", b"SELECT first") + SYNC)
    talk.server(PARSED + READY)
    talk.client(*(parse(b"a", b"SELECT %d" % nth) + SYNC for nth in range(3)))
    talk.server(*((FAILED if nth in failing else PARSED) + READY for nth in range(3)))
    talk.client(bind(b"", b"a") + execute() + SYNC)
    standing = ["first", "0", "1", "2"]
    expected = [text for nth, text in enumerate(standing) if nth - 1 not in failing][-1]
    assert talk.clerk.asked[-1] == f"execute [\"parse b'SELECT {expected}'\"] b''"


def test_name_beyond_the_bound_cannot_be_told() -> None:
    """A client that names without end does not fill the memory, and what it closes makes room again."""
    talk = Conversation()
    names = [b"%d" % nth for nth in range(10_001)]
    for name in names:
        talk.client(parse(name, b"SELECT 1") + SYNC)
        talk.server(PARSED + IN_TRANSACTION)
    talk.client(*(bind(b"p" + name, name) for name in names), bind(b"", b"none"))
    talk.client(*(execute(portal) for portal in (b"p0", b"p10000", b"none")), SYNC)
    assert talk.clerk.asked[-3:] == ["execute [\"parse b'SELECT 1'\"] b''", "execute None b''", "execute None b''"]
    talk.server(completed(b"SELECT 1") + FAILED + READY)
    talk.client(message("C", b"S0\0") + SYNC)
    talk.server(message("3") + READY)
    talk.client(parse(names[-1], b"SELECT 2") + bind(b"", names[-1]) + execute() + execute(b"none") + SYNC)
    assert talk.clerk.asked[-2:] == ["execute [\"parse b'SELECT 2'\"] b''", "execute [] b''"]


def test_what_a_name_beyond_the_bound_was_cannot_be_told_until_all_are_forgotten() -> None:
    """A statement that was not remembered is nothing that no Parse made."""
    talk = Conversation()
    for nth in range(10_001):
        talk.client(parse(b"%d" % nth, b"SELECT 1") + SYNC)
        talk.server(PARSED + READY)
    talk.client(bind(b"", b"10000") + execute() + SYNC)
    assert talk.clerk.asked[-1] == "execute None b''"
    talk.server(completed(b"SELECT 1") + READY)
    talk.client(query(b"DEALLOCATE ALL"))
    talk.server(DEALLOCATED + READY)
    talk.client(bind(b"", b"10000") + execute() + SYNC)
    assert talk.clerk.asked[-1] == "execute [] b''"


def test_what_sql_prepares_stands_beside_what_a_parse_did() -> None:
    """Whether PREPARE succeeds is not followed: the name may stand for either, until DEALLOCATE."""
    talk = Conversation()
    talk.client(parse(b"a", b"SELECT 1") + SYNC)
    talk.server(PARSED + READY)
    for text in (b"SELECT 2", b"SELECT 3", b"SELECT 3"):
        talk.client(query(b"PREPARE a AS " + text))
        ruling = list(talk.session.outstanding())[-1]
        ruling.text = text
        talk.session.prepared_by_sql(b"a", ruling)
        talk.server(completed(b"PREPARE") + READY)
    talk.client(bind(b"", b"a") + execute() + SYNC)
    asked = talk.clerk.asked[-1]
    assert [asked.count(text) for text in ("SELECT 1", "SELECT 2", "SELECT 3")] == [1, 1, 1]
    talk.server(message("2") + completed(b"SELECT 1") + READY)
    talk.session.forget_statement(b"a")
    assert talk.session.prepared(b"a") == ()


def test_what_sql_prepares_since_outlives_a_deallocation() -> None:
    """DEALLOCATE and DEALLOCATE ALL take what was there, not a PREPARE that was sent behind them."""
    talk = Conversation()
    talk.client(query(b"PREPARE a AS SELECT 2"))
    (ruling,) = talk.session.outstanding()
    talk.session.prepared_by_sql(b"a", ruling)
    talk.session.forget_statement(b"a")
    assert talk.session.prepared(b"a") == (ruling,)
    talk.server(DEALLOCATED)
    assert talk.session.prepared(b"a") == (ruling,)
    talk.server(completed(b"PREPARE") + READY + DEALLOCATED)
    assert talk.session.prepared(b"a") == ()


def test_sql_name_with_too_many_meanings_cannot_be_told() -> None:
    """Sessions that prepare under one name again and again are bounded, too."""
    talk = Conversation()
    for nth in range(9):
        talk.client(query(b"PREPARE a AS SELECT %d" % nth))
        ruling = list(talk.session.outstanding())[-1]
        ruling.text = b"%d" % nth
        talk.session.prepared_by_sql(b"a", ruling)
    assert talk.session.prepared(b"a") is None
