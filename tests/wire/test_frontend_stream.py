"""What the client's stream costs, where it is cut, and what happens at the bounds."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import pytest

from proxy.wire import Held, Ruling
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
