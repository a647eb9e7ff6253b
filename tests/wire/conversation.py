"""A conversation with the protocol machine: what each side sends, what is passed on, what is asked and told.

No socket and no server: bytes in, bytes out. The referee here refuses what contains the word REFUSE and holds what
contains HOLD, and writes everything down, so that two runs can be compared.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise

from proxy.wire import End, ErrorResponse, Held, Ruling, Session, Severity, SqlState, Wait

NONCE = b"0123456789abcdef0123456789abcdef"


def message(code: str, body: bytes = b"") -> bytes:
    """Give a whole message."""
    return code.encode() + struct.pack("!i", len(body) + 4) + body


def query(text: bytes) -> bytes:
    """Give a simple Query."""
    return message("Q", text + b"\0")


def parse(name: bytes, text: bytes) -> bytes:
    """Give a Parse without parameter types."""
    return message("P", name + b"\0" + text + b"\0\0\0")


def bind(portal: bytes, statement: bytes, tail: bytes = b"\0\0\0\0\0\0") -> bytes:
    """Give a Bind; `tail` is what follows the names."""
    return message("B", portal + b"\0" + statement + b"\0" + tail)


def execute(portal: bytes = b"") -> bytes:
    """Give an Execute without a limit."""
    return message("E", portal + b"\0\0\0\0\0")


SYNC = message("S")
READY = message("Z", b"I")
HELLO = message("R", b"\0\0\0\0") + message("S", b"client_encoding\0UTF8\0") + READY


def error(sqlstate: bytes, text: bytes) -> bytes:
    """Give an ErrorResponse as a server words it."""
    return message("E", b"SERROR\0VERROR\0C" + sqlstate + b"\0M" + text + b"\0\0")


class Clerk:
    """The referee of the tests."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ends: list[tuple[str, End, int | None, str | None]] = []
        self.reports: dict[bytes, bytes] = {}
        self._refused = 0
        self.about: dict[Ruling, str] = {}

    def _rule(self, kind: str, text: bytes | None, size: int) -> Ruling:
        about = f"{kind} {size if text is None else text!r}"
        self.asked.append(about)
        wanted = text or b""
        if b"REFUSE" in wanted or (text is None and size % 2):
            self._refused += 1
            ruling = Ruling(nonce=b"%032x" % self._refused, held=True, enforced=True)
        else:
            holds = b"HOLD" in wanted
            ruling = Ruling(held=holds, enforced=holds)
        self.about[ruling] = about
        return ruling

    def query(self, text: bytes | None, size: int) -> Ruling:
        """Rule on a Query."""
        return self._rule("query", text, size)

    def parse(self, text: bytes | None, size: int, types: bytes) -> Ruling:  # noqa: ARG002 - the text is enough here
        """Rule on a Parse."""
        ruling = self._rule("parse", text, size)
        ruling.text = text
        return ruling

    def binding(self, prepared: tuple[Ruling, ...] | None) -> Ruling | None:
        """Rule on a Bind: refused where its statement has been withdrawn since."""
        if prepared is None or not any(b"WITHDRAWN" in (ruling.text or b"") for ruling in prepared):
            return None
        return self._rule("bind", b"REFUSE", 0)

    def execution(self, prepared: tuple[Ruling, ...] | None) -> Ruling:
        """Rule on an Execute."""
        names = None if prepared is None else [self.about[ruling] for ruling in prepared]
        return self._rule(f"execute {names}", b"", 0)

    def function_call(self, oid: int | None) -> Ruling:
        """Rule on a FunctionCall: always refused."""
        return self._rule(f"call {oid}", b"REFUSE", 0)

    def refusal_of(self, ruling: Ruling) -> ErrorResponse:
        """Word a refusal."""
        return ErrorResponse.build(Severity.ERROR, SqlState.INSUFFICIENT_PRIVILEGE, f"refused: {self.about[ruling]}")

    def reported(self, name: bytes, value: bytes) -> None:
        """Note a setting."""
        self.reports[name] = value

    def backend_started(self, process_id: int) -> None:
        """Note nothing."""

    def ended(self, ruling: Ruling, end: End, rows: int | None, sqlstate: str | None) -> None:
        """Note an outcome."""
        self.ends.append((self.about[ruling], end, rows, sqlstate))


class Conversation:
    """A session that is ready, and its clerk."""

    def __init__(self, *, statement_bytes: int = 4_096, clerk: Clerk | None = None) -> None:
        self.clerk = Clerk() if clerk is None else clerk
        self.session = Session(self.clerk, statement_bytes=statement_bytes)
        self.session.from_backend(HELLO)

    def client(self, *chunks: bytes) -> bytes:
        """Let the client send; gives what goes on to the server, as far as that waits for nothing but its turn."""
        passed = b""
        for chunk in chunks:
            passed += _bytes(self.session.from_frontend(chunk))
            while self.session.frontend.waits is Wait.TURN:
                passed += _bytes(self.session.frontend.resume())
        return passed

    def server(self, *chunks: bytes) -> bytes:
        """Let the server send; gives what goes on to the client."""
        return b"".join(b"".join(self.session.from_backend(chunk)) for chunk in chunks)


def _bytes(parts: Iterable[bytes | Held]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else part.data for part in parts)


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut a stream into chunks at these places."""
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[start:end] for start, end in pairwise(edges)]
