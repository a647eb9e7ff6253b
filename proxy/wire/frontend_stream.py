"""What the client sends once its session is up (documentation: Message Flow). Pure, sans-IO.

The laws: what the client sent is passed on untouched, as slices of what came in, or not at all; nothing is framed anew.
A message that asks for something (Query, Parse, Execute, FunctionCall) is put to the referee before it is passed on; a
refused one is replaced (see `refusal`). The stream is framed by type and length alone, so no state of the server can
make the two sides disagree about where a message begins. What the server answers with the end of the connection (a
forged length, an unknown type) is passed on for the server to do just that, and nothing behind it is read any more.

Nothing is raised for bytes of the client.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from proxy.wire.codes import FrontendCode
from proxy.wire.ledger import Kind, Ledger
from proxy.wire.pqformat import MESSAGE_BYTES, end_of_run, int32_at, marks
from proxy.wire.referee import NotRead, Referee
from proxy.wire.refusal import poison_parse, poison_query
from proxy.wire.ruling import Ruling

HEADER_BYTES: Final = 5
SMALL_MESSAGE_BYTES: Final = 10_000
"""PQ_SMALL_MESSAGE_LIMIT of libpq.h: the longest body of the messages that carry no data."""
AUTHENTICATION_BYTES: Final = 65_535
"""PG_MAX_AUTH_TOKEN_LENGTH of auth.h: the longest answer to an authentication request."""
NAMES_BYTES: Final = 20_000
"""Where a Bind's or a long Parse's names must have ended; no client names anything so."""

MESSAGES_AT_ONCE: Final = 500
"""Messages put to the referee before the caller may do something else."""
UNANSWERED: Final = 4_096
"""Messages that may await their answer; more, and the client is not read. A server that sends when its buffer of 8 KiB
is full, or when told to, keeps fewer than half as many answers to itself, at 5 bytes for the shortest (libpq's
PQ_SEND_BUFFER_SIZE), so it never waits for the client while the client waits for it."""

_EXECUTE: Final = int(FrontendCode.EXECUTE)
_BIND: Final = int(FrontendCode.BIND)
_SYNC: Final = int(FrontendCode.SYNC)
_QUERY: Final = int(FrontendCode.QUERY)
_PARSE: Final = int(FrontendCode.PARSE)
_DESCRIBE: Final = int(FrontendCode.DESCRIBE)
_CLOSE: Final = int(FrontendCode.CLOSE)
_FLUSH: Final = int(FrontendCode.FLUSH)
_FUNCTION_CALL: Final = int(FrontendCode.FUNCTION_CALL)
_COPY_DATA: Final = int(FrontendCode.COPY_DATA)
_COPIED: Final = marks(_COPY_DATA)
_COPY_DONE: Final = int(FrontendCode.COPY_DONE)
_COPY_FAIL: Final = int(FrontendCode.COPY_FAIL)
_TERMINATE: Final = int(FrontendCode.TERMINATE)
_PASSWORD: Final = int(FrontendCode.PASSWORD_MESSAGE)

_DESCRIBE_UNNAMED: Final = b"D\0\0\0\6P\0"
_WHOLE_SYNC: Final = b"S\0\0\0\4"
"""What most drivers send behind a Bind and an Execute: stepped over in their place, as the loop would."""

_ASKING: Final = marks(_QUERY, _PARSE, _FUNCTION_CALL)
_SMALL: Final = marks(_EXECUTE, _SYNC, _DESCRIBE, _CLOSE, _FLUSH, _COPY_DONE, _COPY_FAIL, _TERMINATE)


class Wait(Enum):
    """What a stream waits for before it goes on."""

    TEXT = "text"
    """A text that must be read elsewhere first."""
    TURN = "turn"
    """Others, for whom it is time to do something."""
    ANSWERS = "answers"
    """Too much was asked that the server has not answered."""


class Held:
    """A ruled message on its way: the bytes to send, and how to refuse it after all."""

    __slots__ = ("code", "data", "ruling")

    def __init__(self, data: bytes, code: int, ruling: Ruling) -> None:
        self.data = data
        self.code = code
        self.ruling = ruling


class FrontendStream:
    """The client's stream. Feed it what arrives; send what it gives."""

    __slots__ = (
        "_ledger",
        "_referee",
        "_skip",
        "_statement_bytes",
        "_swallow",
        "_waiting",
        "_waiting_need",
        "_waiting_size",
        "ended",
        "held",
        "waits",
    )

    def __init__(self, ledger: Ledger, referee: Referee, *, statement_bytes: int) -> None:
        """`statement_bytes`: longest Query, Parse or FunctionCall that is held for reading."""
        self._ledger = ledger
        self._referee = referee
        self._statement_bytes = statement_bytes
        self._waiting: list[bytes] = []
        self._waiting_size = 0
        self._waiting_need = 0
        self._skip = 0
        self._swallow = False
        self.held = False
        """True after `feed` where what it gave must wait for its records to be written."""
        self.waits: Wait | None = None
        """Not None after `feed` or `resume` where the next message waits here, and all that follows it."""
        self.ended = False
        """What followed would not be read by the server either: send it the end of the stream."""

    def feed(self, data: bytes) -> list[bytes | Held]:  # noqa: C901 - one loop over all messages, the hottest there is
        """Take bytes of the client, give what to send to the server, in order.

        A Held stands where a ruling is `enforced` and `held`: if its record cannot be written, `refuse_late` replaces
        it.
        """
        self.held = False
        if self.ended:
            return []
        if self._waiting:
            self._waiting.append(data)
            self._waiting_size += len(data)
            if self._waiting_size < self._waiting_need or self.waits is not None:
                return []
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._waiting_size = 0
        out: list[bytes | Held] = []
        size = len(data)
        position = start = 0
        if self._skip:
            position = min(self._skip, size)
            self._skip -= position
            if self._swallow:
                start = position
                self._swallow = self._skip > 0
        ledger = self._ledger
        left = min(MESSAGES_AT_ONCE, UNANSWERED - ledger.unanswered)
        while position < size:
            if left <= 0:
                self._block(Wait.TURN if ledger.unanswered < UNANSWERED else Wait.ANSWERS, data, position)
                break
            left -= 1
            if size - position < HEADER_BYTES:
                self._wait(data, position, HEADER_BYTES)
                break
            code = data[position]
            if code == _COPY_DATA:
                passed = end_of_run(data, position, _COPIED)
                if passed == position:
                    return self._cut_off(out, data, start, position)
                self._swallow = False
                position = passed
                if position > size:
                    self._skip = position - size
                    position = size
                continue
            body = position + HEADER_BYTES
            length = int32_at(data, position + 1) - 4
            end = body + length
            if code == _BIND and 0 <= length <= MESSAGE_BYTES:
                # Most name no portal.
                portal_end = body if body < size and not data[body] and length else data.find(0, body, end)
                statement_end = data.find(0, portal_end + 1, end) if portal_end >= 0 else -1
                if 0 <= statement_end < body + NAMES_BYTES:
                    prepared = ledger.names.prepared(data[portal_end + 1 : statement_end])
                    try:
                        refused = self._referee.binding(prepared)
                    except NotRead:
                        self._block(Wait.TEXT, data, position)
                        break
                    if refused is not None:
                        ledger.execute(refused)
                        out.append(data[start:position])
                        out.append(self._poison(code, refused, b""))
                        start = min(end, size)
                        self._swallow = end > size
                        self.held |= refused.held
                    else:
                        ledger.bind(data[body:portal_end], prepared)
                    if data.startswith(_DESCRIBE_UNNAMED, end):
                        end += len(_DESCRIBE_UNNAMED)
                elif size < body + min(length, NAMES_BYTES):
                    self._wait(data, position, HEADER_BYTES + min(length, NAMES_BYTES))
                    break
                elif length > NAMES_BYTES:
                    return self._cut_off(out, data, start, position)
                else:
                    ledger.extended()
            elif _SMALL[code]:
                if not 0 <= length <= SMALL_MESSAGE_BYTES:
                    return self._cut_off(out, data, start, position)
                if end > size:
                    self._wait(data, position, end - position)
                    break
                if code == _EXECUTE:
                    name_end = body if length and not data[body] else data.find(0, body, end)
                    try:
                        ruling = self._referee.execution(
                            ledger.names.bound(data[body:name_end]) if name_end >= 0 else ()
                        )
                    except NotRead:
                        self._block(Wait.TEXT, data, position)
                        break
                    ledger.execute(ruling)
                    if ruling.nonce is not None or (ruling.held and ruling.enforced):
                        out.append(data[start:position])
                        out.append(self._ruled(data[position:end], code, ruling))
                        start = end
                    elif ruling.held:
                        self.held = True
                    if data.startswith(_WHOLE_SYNC, end):
                        ledger.sync()
                        end += len(_WHOLE_SYNC)
                elif code == _SYNC:
                    ledger.sync()
                elif code == _CLOSE and length >= 2 and data.find(0, body + 1, end) == end - 1:
                    ledger.close(data[body], data[body + 1 : end - 1])
                elif code in (_COPY_DONE, _COPY_FAIL):
                    ledger.copy_ended()
                elif code != _FLUSH or length:
                    # A Flush fails only where it has a body.
                    ledger.extended()
            elif _ASKING[code]:
                if not 0 <= length <= MESSAGE_BYTES:
                    return self._cut_off(out, data, start, position)
                whole = end <= size
                # By its length alone, so that it does not matter in which pieces it comes.
                readable = length <= self._statement_bytes + NAMES_BYTES
                if not whole and readable:
                    self._wait(data, position, end - position)
                    break
                if not readable and code != _QUERY:
                    # A FunctionCall's number and a Parse's name must be there; what follows streams through.
                    needed = 4
                    if code == _PARSE and data.find(0, body, body + NAMES_BYTES) < 0:
                        needed = NAMES_BYTES
                    if size < body + needed:
                        self._wait(data, position, HEADER_BYTES + needed)
                        break
                    if needed == NAMES_BYTES:
                        return self._cut_off(out, data, start, position)
                try:
                    ruling, name = self._rule(code, data, body, end, readable=readable)
                except NotRead:
                    self._block(Wait.TEXT, data, position)
                    break
                if ruling.nonce is not None:
                    out.append(data[start:position])
                    out.append(self._poison(code, ruling, name))
                    start = min(end, size)
                    self._swallow = not whole
                    self.held |= ruling.held
                elif ruling.held:
                    self.held = True
                    if ruling.enforced:
                        if not readable:
                            # It may have begun to leave by then, and could not be taken back.
                            return self._cut_off(out, data, start, position)
                        out.append(data[start:position])
                        out.append(Held(data[position:end], code, ruling))
                        start = end
            elif code == _PASSWORD:
                # After authentication the server ends the connection over it by itself.
                if not 0 <= length <= AUTHENTICATION_BYTES:
                    return self._cut_off(out, data, start, position)
            else:
                return self._cut_off(out, data, start, position)
            if end > size:
                self._skip = end - size
                position = size
                break
            self._swallow = False
            position = end
        if start < position:
            out.append(data if start == 0 and position == size else data[start:position])
        return out

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the client that wait for the rest of a message, or for what the stream waits for."""
        return self._waiting_size

    @property
    def answered(self) -> bool:
        """True where a stream that waits for answers may go on."""
        return self._ledger.unanswered <= UNANSWERED // 2

    def resume(self) -> list[bytes | Held]:
        """Put the message that the stream waited with to the referee, and go on as `feed` does."""
        self.waits = None
        return self.feed(b"")

    def refuse_late(self, held: Held) -> bytes:
        """Give what to send in the place of a held message whose record could not be written.

        Its ruling must have been given a nonce by then.
        """
        return self._poison(held.code, held.ruling, _name_of(held))

    # Inside

    def _wait(self, data: bytes, position: int, need: int) -> None:
        rest = data[position:]
        self._waiting.append(rest)
        self._waiting_size = len(rest)
        self._waiting_need = need

    def _block(self, waits: Wait, data: bytes, position: int) -> None:
        self.waits = waits
        self._wait(data, position, 0)

    def _cut_off(self, out: list[bytes | Held], data: bytes, start: int, position: int) -> list[bytes | Held]:
        """Pass on the header that ends the connection, and read nothing more."""
        self.ended = True
        out.append(data[start : position + HEADER_BYTES])
        return out

    def _rule(self, code: int, data: bytes, body: int, end: int, *, readable: bool) -> tuple[Ruling, bytes]:
        size = end - body
        if code == _QUERY:
            text = data[body : end - 1] if readable and size and data.find(0, body, end) == end - 1 else None
            ruling = self._referee.query(text, size)
            self._ledger.query(ruling, Kind.QUERY)
            return ruling, b""
        if code == _PARSE:
            name_end = data.find(0, body, end)
            name = data[body:name_end] if name_end >= 0 else b""
            text_end = data.find(0, name_end + 1, end) if readable and name_end >= 0 else -1
            text = data[name_end + 1 : text_end] if text_end >= 0 else None
            ruling = self._referee.parse(text, size, data[text_end + 1 : end] if text_end >= 0 else b"")
            self._ledger.parse(name, ruling)
            return ruling, name
        ruling = self._referee.function_call(int.from_bytes(data[body : body + 4], "big") if size >= 4 else None)
        self._ledger.query(ruling, Kind.FUNCTION_CALL)
        return ruling, b""

    def _ruled(self, data: bytes, code: int, ruling: Ruling) -> bytes | Held:
        self.held |= ruling.held
        return Held(data, code, ruling) if ruling.nonce is None else self._poison(code, ruling, b"")

    def _poison(self, code: int, ruling: Ruling, name: bytes) -> bytes:
        nonce = ruling.nonce
        if nonce is None:
            raise ValueError("a permitted message is not replaced")
        self._ledger.poisoned(nonce)
        return poison_query(nonce) if code in (_QUERY, _FUNCTION_CALL) else poison_parse(nonce, name)


def _name_of(held: Held) -> bytes:
    # Not decoded: the server would find more wrong with it than matters here.
    return held.data[HEADER_BYTES : held.data.find(0, HEADER_BYTES)] if held.code == _PARSE else b""
