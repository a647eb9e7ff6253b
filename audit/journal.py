"""Append records to a chained journal: one write per flush, and honesty about what could not be written.

Law: what `flush` reports as written has been handed to the kernel, whole and in order. `append` only remembers; the
caller schedules one `flush` per turn of its event loop, and whoever must not go on before a record is written
registers with `on_written`. When the folder cannot be written, `writable` is False, those callers hear False, records
are kept up to a bound and counted as lost beyond it; `flush` tries again by itself, with a growing pause, and the
first thing that it writes after what it kept is a record of what is missing. Nothing here raises for the disk's sake
once it is open.

One thread per journal, off the event loop, does the interval's fsync and replaces the head file (`Tape.tend`). Not for
use by several threads otherwise.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from audit.body import timestamp
from audit.folder import is_journal_name
from audit.storage import JournalBusy, words
from audit.tape import Fsync, Tape

_log = structlog.get_logger("audit.journal")

_RETRY_FIRST_S = 0.1
_RETRY_MOST_S = 5.0
_BATCH_RECORDS = 2_000
"""Records per write: what was kept through an outage goes out in steps that a nearly full disk can take one by one."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Journal:
    """One writer's journal in a folder, open for appending from construction to `close`."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        file_bytes: int = 64 << 20,
        file_age_s: float = 86_400.0,
        fsync: Fsync = Fsync.INTERVAL,
        interval_s: float = 1.0,
        kept_bytes: int = 16 << 20,
        look_s: float = 0.25,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Continue the journal in a new file, or begin it; the folder is made if there is none.

        `file_bytes`, `file_age_s`: a file is closed before it grows past either (a batch larger than a file gets one of
        its own). `interval_s`: how often the head file is replaced and, under `Fsync.INTERVAL`, fsync runs.
        `kept_bytes`: how much is kept while nothing can be written. `look_s`: how often a flush makes sure that the
        file is still in its place. `clock`: seconds since 1970.

        Raises ValueError for a name that is none, JournalBusy, and OSError where the folder cannot be written.
        """
        if not is_journal_name(name):
            raise ValueError(f"not a journal's name: {name!r}")
        self._folder, self._name, self._kept_bytes, self._look_s = folder, name, kept_bytes, look_s
        self._interval_s, self._clock = interval_s, clock

        self._pending: list[bytes] = []
        self._waiting: list[Callable[[bool], None]] = []

        self._failure: OSError | None = None
        self._failed_s = self._tried_s = 0.0
        self._pause_s = _RETRY_FIRST_S
        self._kept = self._late = self._lost = self._lost_ever = 0

        self._closed = False
        self._looked_s = clock()
        self._tape = Tape(folder, name, file_bytes=file_bytes, file_age_s=file_age_s, fsync=fsync, now_s=self._looked_s)
        self._stop = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"audit-{name}", daemon=True)
        self._keeper.start()

    @property
    def writable(self) -> bool:
        """False from the first failed write to the first one that succeeds again."""
        return self._failure is None

    @property
    def pending(self) -> int:
        """Records that are appended and not yet written."""
        return len(self._pending)

    @property
    def lost(self) -> int:
        """Records given up since the journal was opened."""
        return self._lost_ever

    @property
    def seq(self) -> int:
        """Number of the last record written."""
        return self._tape.seq

    @property
    def path(self) -> Path:
        """The file being written."""
        return self._tape.path

    def append(self, body: bytes) -> None:
        """Remember a record for the next flush: a JSON object on one line, without `seq` and `chain`. Never raises."""
        self._pending.append(body)
        if self._failure is not None:
            self._kept += len(body)
            self._give_up_overflow()

    def on_written(self, told: Callable[[bool], None]) -> None:
        """Have the flush that covers what is appended so far say whether it was written. Called once, in order.

        False means not written now. The record is kept and written later if that can be, so who is told False and turns
        back records that, too.
        """
        self._waiting.append(told)

    def flush(self, now_s: float | None = None) -> bool:
        """Write what is pending, in one write; True if nothing is left unwritten. `now_s` as the journal's clock.

        Call it once a second as well when nothing is pending: it notices a removed file and tries again after failures.
        """
        now_s = self._clock() if now_s is None else now_s
        # Distances either way: callers' readings of the clock may be a little apart, and the clock may be set back.
        if self._failure is None:
            try:
                if abs(now_s - self._looked_s) >= self._look_s:
                    self._looked_s = now_s
                    self._tape.look(now_s)
                if self._pending:
                    self._write_pending(now_s)
            except OSError as error:
                self._fail(error, now_s)
        elif abs(now_s - self._tried_s) >= self._pause_s:
            self.retry(now_s)
        written = self._failure is None
        if self._waiting:
            self._tell(written)
        return written

    def retry(self, now_s: float | None = None) -> bool:
        """Try now, without the pause, to write again after a failure; True if it is over."""
        if self._failure is None:
            return True
        now_s = self._clock() if now_s is None else now_s
        reason = words(self._failure)
        try:
            self._tape.mend(now_s)
            self._write_pending(now_s)
            self._tape.write_own(
                "recovered",
                now_s,
                reason=reason,
                since=timestamp(self._failed_s).decode(),
                lost=self._lost,
                late=self._late,
            )
        except (OSError, JournalBusy) as error:
            failure = error if isinstance(error, OSError) else OSError(errno.EBUSY, str(error))
            self._fail(failure, now_s)
            return False
        _log.warning("audit journal is written again", journal=self._name, late=self._late, lost=self._lost, was=reason)
        self._failure, self._pause_s = None, _RETRY_FIRST_S
        self._kept = self._late = self._lost = 0
        return True

    def close(self) -> None:
        """Write what is pending and the chain's end, and let the journal go. Doing it again does nothing."""
        if self._closed:
            return
        self._closed = True
        now_s = self._clock()
        self._stop.set()
        self._keeper.join()
        self.flush(now_s)
        if self.retry(now_s):
            try:
                self._tape.end(now_s)
            except OSError as error:
                self._fail(error, now_s)
        if self._pending:
            _log.error("audit records lost at close", journal=self._name, records=len(self._pending))
        self._tape.close()

    # Inside

    def _write_pending(self, now_s: float) -> None:
        while self._pending:
            bodies = self._pending[:_BATCH_RECORDS]
            self._tape.write(bodies, now_s)
            del self._pending[: len(bodies)]
            if self._failure is not None:
                self._late += len(bodies)

    def _tell(self, written: bool) -> None:
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            try:
                told(written)
            except Exception:
                # One caller's bug must not leave the others waiting for ever.
                _log.exception("a caller failed on hearing whether its record was written", journal=self._name)

    def _fail(self, error: OSError, now_s: float) -> None:
        if self._failure is None:
            self._failed_s, self._pause_s = now_s, _RETRY_FIRST_S
        else:
            self._pause_s = min(self._pause_s * 2, _RETRY_MOST_S)
        self._failure, self._tried_s = error, now_s
        self._kept = sum(map(len, self._pending))
        if error.errno not in _FULL:
            # A full disk empties again and the file goes on; whatever else happened to this file may happen again.
            self._tape.distrust()
        self._give_up_overflow()
        _log.error(
            "audit journal cannot be written: enforced accounts are refused until it can",
            journal=self._name,
            folder=str(self._folder),
            error=words(error),
            kept=len(self._pending),
            lost=self._lost,
            since=timestamp(self._failed_s).decode(),
        )

    def _give_up_overflow(self) -> None:
        # The newest go: what is kept continues the chain without a hole, and the count says what follows is missing.
        while self._kept > self._kept_bytes and self._pending:
            self._kept -= len(self._pending.pop())
            self._lost += 1
            self._lost_ever += 1

    def _keep(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._tape.tend(self._clock())
