"""One session: both streams over one ledger. Pure, sans-IO.

Four calls make the loop: `from_frontend` and `from_backend` take bytes and give bytes, `early` gives what the client
said before the server was ready, `broken_off` ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proxy.wire.backend_stream import BackendStream
from proxy.wire.codes import FrontendCode
from proxy.wire.frontend_stream import FrontendStream, Held
from proxy.wire.ledger import Ledger
from proxy.wire.pqformat import int32_at
from proxy.wire.referee import Referee
from proxy.wire.ruling import Ruling

AUTHENTICATION_BYTES: Final = 65_535
"""PG_MAX_AUTH_TOKEN_LENGTH of auth.h: the longest answer to an authentication request."""
_PASSWORD: Final = int(FrontendCode.PASSWORD_MESSAGE)


class Session:
    """The transition of both streams. Feed it what arrives; send what it gives."""

    __slots__ = ("_early", "_ledger", "backend", "frontend")

    def __init__(self, referee: Referee, *, statement_bytes: int) -> None:
        """`statement_bytes`: longest Query, Parse or FunctionCall that is held for reading."""
        self._ledger = Ledger(referee)
        self.frontend = FrontendStream(self._ledger, referee, statement_bytes=statement_bytes)
        """The client's stream, to be fed directly once `ready`."""
        self.backend = BackendStream(self._ledger, referee)
        """The server's stream, to be fed directly at any time."""
        self._early = b""

    @property
    def ready(self) -> bool:
        """True from the server's first ReadyForQuery on."""
        return self.backend.ready

    @property
    def idle(self) -> bool:
        """True where the server last said that no transaction is open."""
        return self.backend.status == b"I"

    @property
    def resting(self) -> bool:
        """True where the server has answered everything that the referee was asked about."""
        return self._ledger.resting

    @property
    def unanswered(self) -> int:
        """How many messages await the server's answer."""
        return self._ledger.unanswered

    @property
    def batch(self) -> int:
        """How many Syncs the client has sent."""
        return self._ledger.names.batch

    @property
    def held(self) -> bool:
        """True after `from_frontend` or `early` where what it gave must wait for its records to be written."""
        return self.frontend.held

    @property
    def ended(self) -> bool:
        """Nothing more of the client is read: the server is to be sent the end of the stream."""
        return self.frontend.ended

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the client that wait for the server to be ready; the caller bounds them."""
        return len(self._early)

    def from_frontend(self, data: bytes) -> list[bytes | Held]:
        """Take bytes of the client, give what to send to the server, in order.

        A Held stands where a ruling is `enforced` and `held`: if its record cannot be written, `refuse_late` replaces
        it. Until the server is ready only answers to its authentication requests pass; the rest waits for `early`,
        since how a statement is read depends on what the server reports until then.
        """
        if self.backend.ready:
            return self.frontend.feed(data)
        data = self._early + data
        position = 0
        while len(data) - position >= 5 and data[position] == _PASSWORD:
            length = int32_at(data, position + 1)
            if not 4 <= length <= AUTHENTICATION_BYTES or position + 1 + length > len(data):
                break
            position += 1 + length
        self._early = data[position:]
        return [data[:position]] if position else []

    def early(self) -> list[bytes | Held]:
        """Give what the client said before the server was ready; call it once, as soon as `ready`."""
        data, self._early = self._early, b""
        return self.frontend.feed(data) if data else []

    def refuse_late(self, held: Held) -> bytes:
        """Give what to send in the place of a held message whose record could not be written.

        Its ruling must have been given a nonce by then.
        """
        return self.frontend.refuse_late(held)

    def from_backend(self, data: bytes) -> list[bytes]:
        """Take bytes of the server, give what to send to the client, in order. Raises ProtocolViolation."""
        return self.backend.feed(data)

    def outstanding(self) -> Iterator[Ruling]:
        """Give the rulings whose end the referee has not been told yet, in order."""
        return self._ledger.outstanding()

    def prepared_by_sql(self, name: bytes, ruling: Ruling) -> None:
        """Let a name stand for what SQL's PREPARE puts there, too."""
        self._ledger.names.prepared_by_sql(name, ruling)

    def prepared(self, name: bytes) -> tuple[Ruling, ...] | None:
        """Give what was ruled on the statements that a name may stand for; empty: unknown, None: it cannot be told."""
        return self._ledger.names.prepared(name)

    def bound(self, portal: bytes) -> tuple[Ruling, ...] | None:
        """Give what was ruled on what a portal may run; empty: no Bind made it, None: it cannot be told."""
        return self._ledger.names.bound(portal)

    def forget_statement(self, name: bytes) -> None:
        """Forget a name that SQL deallocated."""
        self._ledger.forget_statement(name)

    def broken_off(self) -> None:
        """Tell the referee that nothing more will be answered."""
        self._ledger.broken_off()
