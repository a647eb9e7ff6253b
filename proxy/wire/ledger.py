"""What a session's client has sent and the server has not answered yet, and which names stand for which statement.

Pure. The server answers in order, so the messages that matter stand in a queue. An error in the extended protocol makes
the server skip everything up to Sync (documentation: Extended Query, "discards messages until a Sync"), a simple Query
among them included. Names of statements and portals follow what the server holds: a Parse counts at once for what
follows it before the next Sync (if it fails, that is skipped, too), but until it is answered, the statement that stood
under its name before is remembered, and both count for what comes after that Sync.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
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
        """`nonce` not None: refused, and the nonce under which the server is made to fail.

        `held`: must not leave before its record is written; `enforced`: if that cannot be, must not leave at all.
        """
        self.nonce, self.held, self.enforced = nonce, held, enforced


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


class Prepared:
    """A statement under a name: what was ruled on its Parse, and what stood there until that is answered."""

    __slots__ = ("after", "batch", "before", "name", "ruling", "stands")

    def __init__(self, name: bytes, ruling: Ruling, batch: int, before: Prepared | None) -> None:
        self.name, self.ruling, self.batch, self.before = name, ruling, batch, before
        self.after: Prepared | None = None
        """What was sent under the same name next, so that a failed one of many is taken out in one step."""
        self.stands = False
        """The server has answered ParseComplete."""


class Ledger:
    """The queue and the names of one session."""

    __slots__ = (
        "_copy_ends",
        "_copying",
        "_nonces",
        "_portals",
        "_queue",
        "_statements",
        "_told",
        "_unnoticed",
        "batch",
    )

    def __init__(self, told: Told) -> None:
        self._told = told
        self._queue: deque[Entry] = deque()
        self._statements: dict[bytes, Prepared] = {}
        self._portals: dict[bytes, tuple[Ruling, ...]] = {}
        self.batch = 0
        """How many Syncs were sent."""
        self._unnoticed = False
        """Behind all that is queued, messages were sent whose answers are not looked at."""
        self._nonces: set[bytes] = set()
        """Of what stands in the queue, so that nobody else's error is searched for there."""
        self._copy_ends = 0
        self._copying = False

    # The client's messages

    def query(self, ruling: Ruling, kind: Kind) -> None:
        """Expect the answer to a Query or FunctionCall."""
        if self._unnoticed:
            self._unnoticed = False
            self._queue.append(DoubtedEntry(kind, ruling, self._copy_ends, self.batch))
        else:
            self._queue.append(Entry(kind, ruling, self._copy_ends))

    def parse(self, name: bytes, ruling: Ruling) -> None:
        """Expect the answer to a Parse, and let its name stand for it."""
        self._unnoticed = False
        name = name[:NAME_BYTES]
        prepared = None
        if ruling.nonce is None:
            before = self._statements.get(name)
            if before is not None or len(self._statements) < NAMES_KEPT:
                prepared = Prepared(name, ruling, self.batch, before)
                if before is not None:
                    before.after = prepared
                self._statements[name] = prepared
        self._queue.append(Entry(_PARSE, ruling, self._copy_ends, prepared))

    def bind(self, portal: bytes, statement: bytes) -> None:
        """Let a portal stand for what its statement stands for."""
        self._unnoticed = True
        portal = portal[:NAME_BYTES]
        if len(self._portals) < NAMES_KEPT or portal in self._portals:
            self._portals[portal] = self._rulings_of(statement[:NAME_BYTES])

    def bound(self, portal: bytes) -> tuple[Ruling, ...]:
        """Give what was ruled on the statements that a portal may run; empty: unknown (a cursor made by SQL, say)."""
        return self._portals.get(portal[:NAME_BYTES], ())

    def execute(self, ruling: Ruling) -> None:
        """Expect the answer to an Execute."""
        self._unnoticed = False
        self._queue.append(Entry(_EXECUTE, ruling, self._copy_ends))

    def close(self, kind: int, name: bytes) -> None:
        """Expect the answer to a Close; forget a portal at once, a statement when it is answered."""
        name = name[:NAME_BYTES]
        if kind == ord("P"):
            # That never fails, so nothing hangs on its answer.
            self._portals.pop(name, None)
            return
        self._unnoticed = False
        entry = Entry(Kind.CLOSE, None, self._copy_ends)
        entry.prepared = self._statements.get(name)
        self._queue.append(entry)

    def extended(self) -> None:
        """Note a message of the extended protocol that needs no more than that."""
        self._unnoticed = True

    def poisoned(self, nonce: bytes) -> None:
        """Expect the error that carries this nonce."""
        self._nonces.add(nonce)

    def sync(self) -> None:
        """Expect ReadyForQuery, unless the server is in COPY FROM STDIN: it ignores Sync there."""
        if self._copying:
            return
        self._unnoticed = False
        self.batch += 1
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
            prepared = head.prepared
            if prepared is not None:
                prepared.stands = True
                if prepared.before is not None:
                    prepared.before.after = None
                    prepared.before = None
            self._told.ended(head.ruling, End.COMPLETED, None, None)

    def closed(self) -> None:
        """CloseComplete; of portals' ones nothing is expected, so it may be one of those."""
        head = self._queue[0] if self._queue else None
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
                if refused is not None and isinstance(head, DoubtedEntry):
                    head.batch = None
            case Kind.SYNC:
                pass
            case Kind.PARSE | Kind.EXECUTE | Kind.CLOSE:
                self._queue.popleft()
                self._dropped(head, End.FAILED, sqlstate)
                while self._queue and self._queue[0].kind is not _SYNC:
                    self._dropped(self._queue.popleft(), End.SKIPPED, None)
        return refused

    def ready(self, *, idle: bool) -> None:
        """ReadyForQuery; `idle`: outside a transaction, which no portal outlives."""
        queue = self._queue
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
        if idle and self._portals and not queue and not self._unnoticed:
            self._portals.clear()

    def forget_statement(self, name: bytes) -> None:
        """DEALLOCATE of one name; what was sent under it since is not meant."""
        name = name[:NAME_BYTES]
        prepared = self._statements.get(name)
        if prepared is not None and prepared.stands:
            del self._statements[name]

    def forget_statements(self) -> None:
        """DEALLOCATE ALL or DISCARD ALL; what was sent since is not meant."""
        self._statements = {name: prepared for name, prepared in self._statements.items() if not prepared.stands}

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
        if head.rows is None and head.batch not in (None, self.batch):
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
            self._unlink(entry.prepared)
        if entry.ruling is not None:
            if entry.ruling.nonce is not None:
                self._nonces.discard(entry.ruling.nonce)
            self._told.ended(entry.ruling, end, None, sqlstate)

    def _unlink(self, failed: Prepared) -> None:
        """Let what stood under a failed Parse's name before stand again."""
        before, after = failed.before, failed.after
        failed.before = failed.after = None
        if before is not None:
            before.after = after
        if after is not None:
            after.before = before
        elif self._statements.get(failed.name) is failed:
            if before is None:
                del self._statements[failed.name]
            else:
                self._statements[failed.name] = before

    def _rulings_of(self, name: bytes) -> tuple[Ruling, ...]:
        prepared = self._statements.get(name)
        if prepared is None:
            return ()
        if prepared.before is None or prepared.batch == self.batch:
            return (prepared.ruling,)
        rulings: list[Ruling] = []
        step: Prepared | None = prepared
        while step is not None:
            rulings.append(step.ruling)
            step = step.before
            if len(rulings) > _CHAIN:
                return ()
        return tuple(rulings)
