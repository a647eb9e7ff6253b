"""What the client's stream costs, where it is cut, and what happens at the bounds."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import pytest

from proxy.wire import End, Held, Ruling, Wait
from proxy.wire.frontend_stream import UNANSWERED, FrontendStream
from tests.wire.conversation import READY, SYNC, Clerk, Conversation, bind, error, execute, message, parse, query

NAMES_BYTES = 20_000
OVERLONG = NAMES_BYTES + 4_096
POISON = b"interlock-refusal-"


def each_byte(stream: bytes) -> Iterable[bytes]:
    """Cut a stream into single bytes."""
    return (stream[at : at + 1] for at in range(len(stream)))


@pytest.mark.parametrize(
    ("stream", "passed"),
    [
        (bind(b"p" * (NAMES_BYTES - 2), b""), None),
        (bind(b"p" * (NAMES_BYTES - 1), b""), 5),
        (bind(b"p", b"s" * NAMES_BYTES), 5),
        (message("B", b"x" * (NAMES_BYTES - 1)), None),
        (message("B", b"x" * NAMES_BYTES), None),
        (message("B", b"x" * (NAMES_BYTES + 1)), 5),
        (parse(b"n" * (NAMES_BYTES - 1), b"x" * (OVERLONG + 1)), None),
        (parse(b"n" * NAMES_BYTES, b"x" * OVERLONG), 5),
    ],
)
@pytest.mark.parametrize("chunk", [1, 5, 777, 20_004, 20_005, 65_536])
def test_bounds_of_names_hold_wherever_the_stream_is_cut(chunk: int, stream: bytes, passed: int | None) -> None:
    """Names beyond the bound end the connection, whether they come at once or in pieces; all others pass."""
    whole, pieces = Conversation(), Conversation()
    stream += SYNC
    expected = whole.client(stream)
    assert expected == pieces.client(*(stream[at : at + chunk] for at in range(0, len(stream), chunk)))
    assert whole.clerk.asked == pieces.clerk.asked
    assert expected == (stream if passed is None else stream[:passed])


@pytest.mark.parametrize("code", ["B", "Q", "P", "F", "E", "D", "C", "S", "H", "c", "f", "X", "d", "p"])
@pytest.mark.parametrize("length", [3, 0, -1, -(2**31), 0x40000004, 2**31 - 1])
def test_forged_length_ends_the_connection_at_once(code: str, length: int) -> None:
    """A length that the server ends the connection over is passed on without waiting for more, and nothing behind."""
    talk = Conversation()
    forged = code.encode() + struct.pack("!i", length)
    assert talk.client(*each_byte(SYNC + forged)) == SYNC + forged
    assert talk.session.ended
    assert talk.client(query(b"DROP TABLE users")) == b""
    assert talk.clerk.asked == []


def test_unknown_type_ends_the_connection() -> None:
    """A type that no client sends in a session is the last thing the server hears, whatever its length says."""
    for code in set(range(256)) - set(b"BQPFEDCSHcfXdp"):
        talk = Conversation()
        unknown = bytes((code,)) + b"\0\0\0\x04"
        assert talk.client(SYNC, unknown + SYNC) == SYNC + unknown
        assert talk.session.ended


@pytest.mark.parametrize("types", [b"", b"\0", b"\0\2\0\0\0\x17", b"\xff\xff", b"\0\0garbage"])
def test_held_parse_is_refused_late_whatever_follows_its_text(types: bytes) -> None:
    """What is wrong with a message behind its text is the server's to say, and no reason not to refuse it."""
    talk = Conversation()
    (held,) = [part for part in talk.session.from_frontend(message("P", b"name\0HOLD\0" + types)) if part]
    assert isinstance(held, Held)
    held.ruling.nonce = b"%032x" % 5
    assert talk.session.refuse_late(held).startswith(message("P", b"name\0SELECT '" + POISON)[:1])
    assert b"name\0SELECT '" + POISON in talk.session.refuse_late(held)


def test_late_refusal_of_each_kind_is_heard_in_its_place() -> None:
    """Query, Parse and Execute that were held are replaced, and their errors are told as refusals."""
    talk = Conversation()
    stream = query(b"HOLD 1") + parse(b"a", b"HOLD 2") + SYNC + bind(b"", b"a") + execute() + SYNC
    parts = talk.session.from_frontend(stream)
    nonces = iter(range(90, 99))
    sent = b""
    for part in parts:
        if isinstance(part, Held):
            part.ruling.nonce = b"%032x" % next(nonces)
            part = talk.session.refuse_late(part)  # noqa: PLW2901 - as its caller does
        sent += part
    assert sent.count(POISON) == 2
    assert b"HOLD" not in sent
    heard = talk.server(*(error(b"22P02", POISON + b"%032x" % number) + READY for number in (90, 91)))
    assert heard.count(b"42501") == 2


class Strict(Clerk):
    """Permits every Query, as soon as its record is written."""

    def query(self, text: bytes | None, size: int) -> Ruling:  # noqa: ARG002 - whatever it says
        """Hold it."""
        ruling = Ruling(held=True, enforced=True)
        self.about[ruling] = f"query {size}"
        return ruling


def test_message_that_could_not_be_taken_back_is_not_begun() -> None:
    """One that is too long to be held, and whose record must be written first, ends the connection."""
    long = query(b"x" * (OVERLONG + 7))
    for chunk in (1_000, len(long)):
        talk = Conversation(clerk=Strict())
        assert talk.client(*(long[at : at + chunk] for at in range(0, len(long), chunk))) == long[:5]
        assert talk.session.ended


def test_number_of_a_long_function_call_is_waited_for() -> None:
    """The function's number decides, so it is read whole, also where the arguments stream through."""
    talk = Conversation()
    talk.client(*each_byte(message("F", b"\0\0\x04\xd2" + b"\0" * OVERLONG)[:100]))
    assert talk.clerk.asked == ["call 1234 b'REFUSE'"]


def test_ruling_of_one_refusal_is_not_given_to_another() -> None:
    """Errors are told by their nonce: of two refusals in flight, each gets its own words, and each once."""
    talk = Conversation()
    talk.client(query(b"REFUSE one") + query(b"REFUSE two"))
    first, second = (error(b"22P02", POISON + b"%032x" % number) for number in (1, 2))
    heard = talk.server(first + READY + second + READY)
    assert heard.index(b"REFUSE one") < heard.index(b"REFUSE two")
    assert talk.server(first) == first


@pytest.mark.parametrize("tail", [b"\0\0\0\0\0\0", b"x" * 50_000], ids=["short", "long"])
@pytest.mark.parametrize("whole", [True, False])
def test_refused_bind_is_replaced(tail: bytes, whole: bool) -> None:
    """A Bind runs code at the server, so one that is refused never arrives, and nothing of it."""
    talk = Conversation(statement_bytes=100_000)
    parsed, bound = parse(b"a", b"WITHDRAWN"), bind(b"p", b"a", tail)
    stream = parsed + bound + message("D", b"Pp\0") + execute(b"p") + SYNC
    passed = talk.client(*([stream] if whole else each_byte(stream)))
    assert passed.startswith(parsed + b"P")
    assert bound not in passed
    assert tail not in passed
    assert passed.count(POISON) == 1
    assert passed.endswith(message("D", b"Pp\0") + execute(b"p") + SYNC)
    talk.server(message("1") + error(b"22P02", POISON + b"%032x" % 1) + READY)
    assert [(about.split(" ")[0], end) for about, end, _, _ in talk.clerk.ends] == [
        ("parse", End.COMPLETED),
        ("bind", End.FAILED),
        ("execute", End.SKIPPED),
    ]
    assert talk.session.bound(b"p") == ()


@pytest.mark.parametrize("asking", [SYNC, query(b""), parse(b"", b""), execute(), query(b"REFUSE"), query(b"HOLD")])
def test_flood_of_messages_gives_others_their_turn(asking: bytes) -> None:
    """However many messages come at once, no more than 500 are looked at before the caller may do something else."""
    talk = Conversation()
    frontend = talk.session.frontend
    passed = b"".join(_bytes(part) for part in frontend.feed(asking * 1_200))
    turns = [talk.session.unanswered]
    while frontend.waits is Wait.TURN:
        passed += b"".join(_bytes(part) for part in frontend.resume())
        turns.append(talk.session.unanswered)
    assert (turns, frontend.waits) == ([500, 1_000, 1_200], None)
    assert len(passed) >= len(asking) * 1_200


def test_flood_without_an_end_waits_for_answers() -> None:
    """A client that asks on without reading is read again when the server has answered half."""
    talk = Conversation()
    frontend = talk.session.frontend
    count = UNANSWERED + 3_000
    assert len(talk.client(query(b"") * count)) == len(query(b"")) * UNANSWERED
    assert (frontend.waits, talk.session.unanswered) == (Wait.ANSWERS, UNANSWERED)
    assert talk.client(query(b"last")) == b""
    answer = message("I") + READY
    answered = []
    for answers in (UNANSWERED // 2 - 1, 1):
        talk.server(answer * answers)
        answered.append(frontend.answered)
    assert answered == [False, True]
    assert _gone_on(frontend) == query(b"") * (UNANSWERED // 2)
    talk.server(answer * UNANSWERED)
    assert _gone_on(frontend) == query(b"") * (3_000 - UNANSWERED // 2) + query(b"last")
    assert len(talk.clerk.asked) == count + 1


def _gone_on(frontend: FrontendStream) -> bytes:
    passed = b"".join(map(_bytes, frontend.resume()))
    while frontend.waits is Wait.TURN:
        passed += b"".join(map(_bytes, frontend.resume()))
    return passed


def _bytes(part: bytes | Held) -> bytes:
    return part if isinstance(part, bytes) else part.data
