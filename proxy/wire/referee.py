"""Who rules on what a client asks for: the one thing that a session needs from outside. Pure.

The wire knows no SQL and no policy. It puts each asking message to a referee, at once and synchronously, and follows
the ruling; a test's referee is a few lines.
"""

from __future__ import annotations

from typing import Protocol

from proxy.wire.backend_messages import ErrorResponse
from proxy.wire.ledger import Told
from proxy.wire.ruling import Ruling


class NotRead(Exception):  # noqa: N818 - nothing went wrong
    """A text must be read elsewhere before it can be ruled on: the message is put to the referee again, later."""


class Referee(Told, Protocol):
    """Who rules on what a client asks for. Text is as the server will read it, without its terminator.

    `query`, `parse`, `binding` and `execution` may raise NotRead, having done nothing.
    """

    def query(self, text: bytes | None, size: int) -> Ruling:
        """Rule on a simple Query of `size` bytes; None: too long to be held, or not one terminated string."""

    def parse(self, text: bytes | None, size: int, types: bytes) -> Ruling:
        """Rule on a Parse, likewise; `types`: what follows the text, a count and that many type OIDs."""

    def binding(self, prepared: tuple[Ruling, ...] | None) -> Ruling | None:
        """Rule on a Bind of what was prepared under these rulings; None: permitted, and not worth a ruling.

        The server plans a statement, and reads the values of its parameters, when it binds it.
        """

    def execution(self, prepared: tuple[Ruling, ...] | None) -> Ruling:
        """Rule on an Execute of what was prepared under these rulings.

        Empty: of something that no Bind made (a cursor of SQL's, say); None: more is open than is remembered.
        """

    def function_call(self, oid: int | None) -> Ruling:
        """Rule on a FunctionCall; None: malformed."""

    def refusal_of(self, ruling: Ruling) -> ErrorResponse:
        """Give the error that the client is sent for a refused ruling."""

    def reported(self, name: bytes, value: bytes) -> None:
        """Take note of a ParameterStatus."""

    def backend_started(self, process_id: int) -> None:
        """Take note of the server process."""
