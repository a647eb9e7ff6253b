"""What a session's client has sent and the server has not answered yet. Pure.

The server answers in order, so the messages that matter stand in a queue. An error in the extended protocol makes the
server skip everything up to Sync (documentation: Extended Query, "discards messages until a Sync"), a simple Query
among them included. What names stand for is kept by `names`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum
from typing import Final, Protocol

from proxy.wire.names import Names, Prepared
from proxy.wire.ruling import End, Ruling


class Told(Protocol):
    """Who is told how a ruled message ended."""

    def ended(self, ruling: Ruling, end: End, rows: int | None, sqlstate: str | None) -> None:
        """Take note; `rows` is the sum over the message's command tags, None where they have none."""


class Kind(Enum):
    """What stands in the queue."""

    QUERY = 1
    PARSE = 2
    EXECUTE = 3
    FUNCTION_CALL = 4
    SYNC = 5
    CLOSE = 6


_QUERY: Final = Kind.QUERY
_PARSE: Final = Kind.PARSE
_EXECUTE: Final = Kind.EXECUTE
_SYNC: Final = Kind.SYNC


class Entry:
    """One message that awaits its answer."""

    __slots__ = ("copy_ends", "kind", "prepared", "rows", "ruling", "sqlstate")

    def __init__(self, kind: Kind, ruling: Ruling | None, copy_ends: int, prepared: Prepared | None = None) -> None:
        self.kind, self.ruling = kind, ruling
        self.copy_ends = copy_ends
        """CopyDone and CopyFail that the client had sent before it, or before its next COPY."""
        self.prepared = prepared
        self.rows: int | None = None
        self.sqlstate: str | None = None


_PLAIN_SYNC: Final = Entry(_SYNC, None, 0)


class DoubtedEntry(Entry):
    """A Query or FunctionCall behind a Bind, a Describe or the like without a Sync between.

    Their answers are not looked at, so an error may be theirs, and then this one is skipped.
    """

    __slots__ = ("batch",)

    def __init__(self, kind: Kind, ruling: Ruling | None, copy_ends: int, batch: int) -> None:
        super().__init__(kind, ruling, copy_ends)
        self.batch: int | None = batch
        """The batch it was sent in; None: the error is known to be its own."""


class Ledger:
    """The queue of one session, and its names."""

    __slots__ = ("_copy_ends", "_copying", "_nonces", "_queue", "_skipping", "_told", "_unnoticed", "names")

    def __init__(self, told: Told) -> None:
        self._told = told
        self._queue: deque[Entry] = deque()
        self.names = Names()
        self._unnoticed = False
        """Behind all that is queued, messages were sent whose answers are not looked at."""
        self._nonces: set[bytes] = set()
        """Of what stands in the queue, so that nobody else's error is searched for there."""
        self._copy_ends = 0
        self._copying = False
        self._skipping = False
        """The server has failed and passes over what comes before the next Sync."""

    # The client's messages

    def query(self, ruling: Ruling, kind: Kind) -> None:
        """Expect the answer to a Query or FunctionCall."""
        if self._skipping:
            self._told.ended(ruling, End.SKIPPED, None, None)
        elif self._unnoticed:
            self._unnoticed = False
            self._queue.append(DoubtedEntry(kind, ruling, self._copy_ends, self.names.batch))
        else:
            self._queue.append(Entry(kind, ruling, self._copy_ends))

    def parse(self, name: bytes, ruling: Ruling) -> None:
        """Expect the answer to a Parse, and let its name stand for it."""
        if self._skipping:
            self._told.ended(ruling, End.SKIPPED, None, None)
            return
        self._unnoticed = False
        prepared = self.names.parse(name, ruling) if ruling.nonce is None else None
        self._queue.append(Entry(_PARSE, ruling, self._copy_ends, prepared))

    def bind(self, portal: bytes, prepared: tuple[Ruling, ...] | None) -> None:
        """Let a portal stand for what its statement stands for."""
        if self._skipping:
            return
        self._unnoticed = True
        self.names.bind(portal, prepared)

    def execute(self, ruling: Ruling) -> None:
        """Expect the answer to an Execute."""
        if self._skipping:
            self._told.ended(ruling, End.SKIPPED, None, None)
            return
        self._unnoticed = False
        self._queue.append(Entry(_EXECUTE, ruling, self._copy_ends))

    def close(self, kind: int, name: bytes) -> None:
        """Expect the answer to a Close; forget a portal at once, a statement when it is answered."""
        if self._skipping:
            return
        if kind == ord("P"):
            # That never fails, so nothing hangs on its answer.
            self.names.close_portal(name)
            return
        self._unnoticed = False
        entry = Entry(Kind.CLOSE, None, self._copy_ends)
        entry.prepared = self.names.statement(name)
        self._queue.append(entry)

    def extended(self) -> None:
        """Note a message of the extended protocol that needs no more than that."""
        self._unnoticed = True

    def poisoned(self, nonce: bytes) -> None:
        """Expect the error that carries this nonce."""
        if not self._skipping:
            self._nonces.add(nonce)

    def sync(self) -> None:
        """Expect ReadyForQuery, unless the server is in COPY FROM STDIN: it ignores Sync there."""
        if self._copying:
            return
        self._unnoticed = self._skipping = False
        self.names.batch += 1
        # Nothing is ever written to a Sync's entry, and there is one for each round trip.
        self._queue.append(_PLAIN_SYNC if not self._copy_ends else Entry(_SYNC, None, self._copy_ends))

    def copy_ended(self) -> None:
        """Note CopyDone or CopyFail."""
        self._copy_ends += 1
        self._copying = False

    # The server's messages

    def copy_began(self) -> None:
        """CopyInResponse: Syncs that come before the copy's end are ignored by the server."""
        queue = self._queue
        if not queue or queue[0].kind not in (_QUERY, _EXECUTE):
            return
        head = queue.popleft()
        ends = head.copy_ends
        self._copying = self._copy_ends <= ends
        # One Query may hold several COPY statements, and each has its end.
        head.copy_ends += 1
        inside: list[Entry] = []
        while queue and queue[0].copy_ends <= ends:
            inside.append(queue.popleft())
        queue.extendleft(entry for entry in reversed(inside) if entry.kind is not _SYNC)
        queue.appendleft(head)

    def completed(self, rows: int | None) -> None:
        """CommandComplete or EmptyQueryResponse."""
        head = self._queue[0] if self._queue else None
        if head is None or head.ruling is None:
            return
        if rows is not None:
            head.rows = rows if head.rows is None else head.rows + rows
        if head.kind is _EXECUTE:
            self._queue.popleft()
            self._told.ended(head.ruling, End.COMPLETED, head.rows, None)

    def suspended(self) -> None:
        """PortalSuspended."""
        head = self._queue[0] if self._queue else None
        if head is not None and head.kind is _EXECUTE and head.ruling is not None:
            self._queue.popleft()
            self._told.ended(head.ruling, End.SUSPENDED, None, None)

    def parsed(self) -> None:
        """ParseComplete: the statement stands, and what stood under its name before is gone."""
        head = self._queue[0] if self._queue else None
        if head is not None and head.kind is _PARSE and head.ruling is not None:
            self._queue.popleft()
            if head.prepared is not None:
                self.names.parsed(head.prepared)
            self._told.ended(head.ruling, End.COMPLETED, None, None)

    def closed(self) -> None:
        """CloseComplete; of portals' ones nothing is expected, so it may be one of those."""
        head = self._queue[0] if self._queue else None
        if head is not None and head.kind is Kind.CLOSE:
            self._queue.popleft()
            if head.prepared is not None:
                self.names.closed(head.prepared)

    def failed(self, sqlstate: str, nonce: bytes | None) -> Ruling | None:
        """ErrorResponse; gives the refused ruling that it answers, if its nonce says so."""
        self._copying = False
        refused = self._refused_by(nonce) if nonce is not None else None
        if not self._queue:
            # A message failed that is not looked at, a Bind say.
            self._skipping = True
            return refused
        head = self._queue[0]
        match head.kind:
            case Kind.QUERY | Kind.FUNCTION_CALL:
                head.sqlstate = sqlstate
                if refused is not None and isinstance(head, DoubtedEntry):
                    head.batch = None
            case Kind.SYNC:
                pass
            case Kind.PARSE | Kind.EXECUTE | Kind.CLOSE:
                self._queue.popleft()
                self._dropped(head, End.FAILED, sqlstate)
                while self._queue and self._queue[0].kind is not _SYNC:
                    self._dropped(self._queue.popleft(), End.SKIPPED, None)
                self._skipping = not self._queue
        return refused

    def ready(self, *, idle: bool) -> None:
        """ReadyForQuery; `idle`: outside a transaction, which no portal outlives."""
        queue = self._queue
        self._skipping = False
        if queue:
            head = queue[0]
            if head.sqlstate is not None and isinstance(head, DoubtedEntry):
                head = self._after_doubt(head)
            queue.popleft()
            if head.ruling is not None:
                if head.ruling.nonce is not None:
                    self._nonces.discard(head.ruling.nonce)
                end = End.COMPLETED if head.sqlstate is None else End.FAILED
                self._told.ended(head.ruling, end, head.rows, head.sqlstate)
        # What was sent since may have bound portals anew.
        if idle and not queue and not self._unnoticed:
            self.names.close_portals()

    def forget_statement(self, name: bytes) -> None:
        """DEALLOCATE of one name."""
        self.names.forget_statement(name, set(self.outstanding()))

    def forget_statements(self) -> None:
        """DEALLOCATE ALL or DISCARD ALL."""
        self.names.forget_statements(set(self.outstanding()))

    @property
    def unanswered(self) -> int:
        """How many messages await their answer."""
        return len(self._queue)

    @property
    def resting(self) -> bool:
        """True where nothing awaits an answer."""
        return not self._queue

    def outstanding(self) -> Iterator[Ruling]:
        """Give the rulings that await the end of their answer, in order."""
        return (entry.ruling for entry in self._queue if entry.ruling is not None)

    def broken_off(self) -> None:
        """Give up on what awaits an answer."""
        while self._queue:
            self._dropped(self._queue.popleft(), End.SKIPPED, None)

    # Inside

    def _after_doubt(self, head: DoubtedEntry) -> Entry:
        """Find whose ReadyForQuery it is that follows an error before a Query's answer.

        The Query's own, unless a Sync was sent that may have ended what came before: then the Query was skipped.
        """
        queue = self._queue
        if head.rows is None and head.batch not in (None, self.names.batch):
            while len(queue) > 1 and queue[0].kind is not _SYNC:
                self._dropped(queue.popleft(), End.SKIPPED, None)
        return queue[0]

    def _refused_by(self, nonce: bytes) -> Ruling | None:
        """Find the refused message; what stands before it has been answered or swallowed without our noticing."""
        if nonce not in self._nonces:
            return None
        self._nonces.discard(nonce)
        while self._queue:
            head = self._queue[0]
            if head.ruling is not None and head.ruling.nonce == nonce:
                return head.ruling
            self._dropped(self._queue.popleft(), End.SKIPPED, None)
        return None

    def _dropped(self, entry: Entry, end: End, sqlstate: str | None) -> None:
        if entry.kind is _PARSE and entry.prepared is not None:
            self.names.not_parsed(entry.prepared)
        if entry.ruling is not None:
            if entry.ruling.nonce is not None:
                self._nonces.discard(entry.ruling.nonce)
            self._told.ended(entry.ruling, end, None, sqlstate)
