"""What a session's client has sent and the server has not answered yet, and which names stand for which statement.

Pure. The server answers in order, so the messages that matter stand in a queue. An error in the extended protocol makes
the server skip everything up to Sync (documentation: Extended Query, "discards messages until a Sync"), a simple Query
among them included. Names of statements and portals follow what the server holds: a Parse counts at once for what
follows it before the next Sync (if it fails, that is skipped, too), but until it is answered, the statement that stood
under its name before is remembered, and both count for what comes after that Sync.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final, Protocol

NAME_BYTES: Final = 63
"""The server keeps names of statements and portals in hash tables of NAMEDATALEN, so longer ones are cut."""
NAMES_KEPT: Final = 10_000
"""Statements and portals remembered per session. The server bounds them by memory only; beyond this, a name counts as
unknown."""
_CHAIN: Final = 8


class Ruling:
    """What was ruled on one message that asks for something. A referee makes them; the session only reads these."""

    __slots__ = ("enforced", "held", "nonce")

    def __init__(self, *, nonce: bytes | None = None, held: bool = False, enforced: bool = False) -> None:
        """Not None `nonce`: refused, and the nonce under which the server is made to fail."""
        self.nonce = nonce
        self.held = held
        """The message must not leave before its record is written."""
        self.enforced = enforced
        """If its record cannot be written, it must not leave at all."""


class End(Enum):
    """How the answer to a ruled message ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    SUSPENDED = "suspended"
    SKIPPED = "skipped"


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
    MARK = 7
    """Messages of the extended protocol came before this without a Sync: an error may be theirs, and then a Query
    behind them is skipped."""


_QUERY: Final = Kind.QUERY
_PARSE: Final = Kind.PARSE
_EXECUTE: Final = Kind.EXECUTE
_SYNC: Final = Kind.SYNC
_MARK: Final = Kind.MARK


class Entry:
    """One message that awaits its answer."""

    __slots__ = ("copy_ends", "kind", "prepared", "rows", "ruling", "sqlstate")

    def __init__(self, kind: Kind, ruling: Ruling | None, copy_ends: int, prepared: Prepared | None = None) -> None:
        self.kind = kind
        self.ruling = ruling
        self.copy_ends = copy_ends
        """CopyDone and CopyFail that the client had sent before it."""
        self.prepared = prepared
        self.rows: int | None = None
        self.sqlstate: str | None = None


_PLAIN_SYNC: Final = Entry(_SYNC, None, 0)


class Prepared:
    """A statement under a name: what was ruled on its Parse, and what stood there until that is answered."""

    __slots__ = ("batch", "before", "name", "ruling")

    def __init__(self, name: bytes, ruling: Ruling, batch: int, before: Prepared | None) -> None:
        self.name = name
        self.ruling = ruling
        self.batch = batch
        self.before = before


class Ledger:
    """The queue and the names of one session."""

    __slots__ = ("_batch", "_copy_ends", "_copying", "_open", "_portals", "_queue", "_statements", "_told")

    def __init__(self, told: Told) -> None:
        self._told = told
        self._queue: deque[Entry] = deque()
        self._statements: dict[bytes, Prepared] = {}
        self._portals: dict[bytes, tuple[Ruling, ...]] = {}
        self._batch = 0
        self._open = False
        self._copy_ends = 0
        self._copying = False

    # The client's messages

    def query(self, ruling: Ruling, kind: Kind) -> None:
        """Expect the answer to a Query or FunctionCall."""
        if self._open:
            self._queue.append(Entry(_MARK, None, self._copy_ends))
        self._queue.append(Entry(kind, ruling, self._copy_ends))

    def parse(self, name: bytes, ruling: Ruling) -> None:
        """Expect the answer to a Parse, and let its name stand for it."""
        self._open = True
        name = name[:NAME_BYTES]
        prepared = None
        if ruling.nonce is None and (len(self._statements) < NAMES_KEPT or name in self._statements):
            prepared = Prepared(name, ruling, self._batch, self._statements.get(name))
            self._statements[name] = prepared
        self._queue.append(Entry(_PARSE, ruling, self._copy_ends, prepared))

    def bind(self, portal: bytes, statement: bytes) -> None:
        """Let a portal stand for what its statement stands for."""
        self._open = True
        portal = portal[:NAME_BYTES]
        if len(self._portals) < NAMES_KEPT or portal in self._portals:
            self._portals[portal] = self._rulings_of(statement[:NAME_BYTES])

    def bound(self, portal: bytes) -> tuple[Ruling, ...]:
        """Give what was ruled on the statements that a portal may run; empty: unknown (a cursor made by SQL, say)."""
        return self._portals.get(portal[:NAME_BYTES], ())

    def execute(self, ruling: Ruling) -> None:
        """Expect the answer to an Execute."""
        self._open = True
        self._queue.append(Entry(_EXECUTE, ruling, self._copy_ends))

    def close(self, kind: int, name: bytes) -> None:
        """Expect the answer to a Close; forget a portal at once, a statement when it is answered."""
        self._open = True
        name = name[:NAME_BYTES]
        if kind == ord("P"):
            self._portals.pop(name, None)
            return
        entry = Entry(Kind.CLOSE, None, self._copy_ends)
        entry.prepared = self._statements.get(name)
        self._queue.append(entry)

    def extended(self) -> None:
        """Note a message of the extended protocol that needs no more than that."""
        self._open = True

    def sync(self) -> None:
        """Expect ReadyForQuery, unless the server is in COPY FROM STDIN: it ignores Sync there."""
        if self._copying:
            return
        self._open = False
        self._batch += 1
        # Nothing is ever written to a Sync's entry, and there is one for each round trip.
        self._queue.append(_PLAIN_SYNC if not self._copy_ends else Entry(_SYNC, None, self._copy_ends))

    def copy_ended(self) -> None:
        """Note CopyDone or CopyFail."""
        self._copy_ends += 1
        self._copying = False

    # The server's messages

    def copy_began(self) -> None:
        """CopyInResponse: Syncs that came before the copy's end are ignored by the server."""
        head = self._head()
        if head is None or self._copy_ends > head.copy_ends:
            return
        self._copying = True
        self._queue = deque(
            entry for entry in self._queue if entry.kind is not _SYNC or entry.copy_ends != head.copy_ends
        )

    def completed(self, rows: int | None) -> None:
        """CommandComplete or EmptyQueryResponse."""
        head = self._head()
        if head is None or head.ruling is None:
            return
        if rows is not None:
            head.rows = rows if head.rows is None else head.rows + rows
        if head.kind is _EXECUTE:
            self._queue.popleft()
            self._told.ended(head.ruling, End.COMPLETED, head.rows, None)

    def suspended(self) -> None:
        """PortalSuspended."""
        head = self._head()
        if head is not None and head.kind is _EXECUTE and head.ruling is not None:
            self._queue.popleft()
            self._told.ended(head.ruling, End.SUSPENDED, None, None)

    def parsed(self) -> None:
        """ParseComplete: the statement stands, and what stood under its name before is gone."""
        head = self._head()
        if head is not None and head.kind is _PARSE and head.ruling is not None:
            self._queue.popleft()
            if head.prepared is not None:
                head.prepared.before = None
            self._told.ended(head.ruling, End.COMPLETED, None, None)

    def closed(self) -> None:
        """CloseComplete; of portals' ones nothing is expected, so it may be one of those."""
        head = self._head()
        if head is not None and head.kind is Kind.CLOSE:
            self._queue.popleft()
            if head.prepared is not None and self._statements.get(head.prepared.name) is head.prepared:
                del self._statements[head.prepared.name]

    def failed(self, sqlstate: str, nonce: bytes | None) -> Ruling | None:
        """ErrorResponse; gives the refused ruling that it answers, if its nonce says so."""
        self._copying = False
        refused = self._refused_by(nonce) if nonce is not None else None
        if not self._queue:
            return refused
        head = self._queue[0]
        match head.kind:
            case Kind.QUERY | Kind.FUNCTION_CALL:
                head.sqlstate = sqlstate
            case Kind.SYNC:
                pass
            case Kind.PARSE | Kind.EXECUTE | Kind.CLOSE | Kind.MARK:
                self._queue.popleft()
                self._dropped(head, End.FAILED, sqlstate)
                while self._queue and self._queue[0].kind is not _SYNC:
                    self._dropped(self._queue.popleft(), End.SKIPPED, None)
        return refused

    def ready(self, *, idle: bool) -> None:
        """ReadyForQuery; `idle`: outside a transaction, where no portal outlives."""
        if idle and self._portals:
            self._portals.clear()
        head = self._head()
        if head is None:
            return
        self._queue.popleft()
        if head.ruling is not None:
            end = End.COMPLETED if head.sqlstate is None else End.FAILED
            self._told.ended(head.ruling, end, head.rows, head.sqlstate)

    def forget_statement(self, name: bytes) -> None:
        """DEALLOCATE of one name."""
        self._statements.pop(name[:NAME_BYTES], None)

    def forget_statements(self) -> None:
        """DEALLOCATE ALL or DISCARD ALL."""
        self._statements.clear()

    def broken_off(self) -> None:
        """Give up on what awaits an answer."""
        while self._queue:
            self._dropped(self._queue.popleft(), End.SKIPPED, None)

    # Inside

    def _head(self) -> Entry | None:
        queue = self._queue
        while queue and queue[0].kind is _MARK:
            queue.popleft()
        return queue[0] if queue else None

    def _refused_by(self, nonce: bytes) -> Ruling | None:
        """Find the refused message; what stands before it has been answered or swallowed without our noticing."""
        if not any(entry.ruling is not None and entry.ruling.nonce == nonce for entry in self._queue):
            return None
        while True:
            head = self._queue[0]
            if head.ruling is not None and head.ruling.nonce == nonce:
                return head.ruling
            self._dropped(self._queue.popleft(), End.SKIPPED, None)

    def _dropped(self, entry: Entry, end: End, sqlstate: str | None) -> None:
        if entry.kind is _PARSE and entry.prepared is not None:
            self._unlink(entry.prepared)
        if entry.ruling is not None:
            self._told.ended(entry.ruling, end, None, sqlstate)

    def _unlink(self, failed: Prepared) -> None:
        """Let what stood under a failed Parse's name before stand again."""
        newest = self._statements.get(failed.name)
        if newest is failed:
            if failed.before is None:
                del self._statements[failed.name]
            else:
                self._statements[failed.name] = failed.before
            return
        while newest is not None and newest.before is not failed:
            newest = newest.before
        if newest is not None:
            newest.before = failed.before

    def _rulings_of(self, name: bytes) -> tuple[Ruling, ...]:
        prepared = self._statements.get(name)
        if prepared is None:
            return ()
        if prepared.before is None or prepared.batch == self._batch:
            return (prepared.ruling,)
        rulings: list[Ruling] = []
        step: Prepared | None = prepared
        while step is not None:
            rulings.append(step.ruling)
            step = step.before
            if len(rulings) > _CHAIN:
                return ()
        return tuple(rulings)
