"""Append records to a chained journal: one write per flush, rotation, and honesty about what could not be written.

Law: what `flush` reports as written has been handed to the kernel, whole and in order. `append` only remembers; the
caller schedules one `flush` per turn of its event loop, and whoever must not go on before a record is written
registers with `on_written`. When the folder cannot be written, `writable` is False, those callers hear False, records
are kept up to a bound and counted as lost beyond it; `flush` tries again by itself, with a growing pause, and the
first thing that it writes after what it kept is a record of what is missing. Nothing here raises for the disk's sake
once it is open.

One thread per journal, off the event loop, does the interval's fsync and replaces the head file. Not for use by several
threads otherwise.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Literal

import structlog

from audit.chain import Link, seal
from audit.folder import file_name, is_journal_name, torn_part, where_it_ended, write_head
from audit.record import JournalRecord, Previous, Torn, Vouched, encode, timestamp
from audit.storage import JournalBusy, fsync_folder, take_lock, words, write_all

_log = structlog.get_logger("audit.journal")

_RETRY_FIRST_S = 0.1
_RETRY_MOST_S = 5.0
_BATCH_RECORDS = 2_000
"""Records per write: what was kept through an outage goes out in steps that a nearly full disk can take one by one."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Fsync(StrEnum):
    """When a written record is forced to the disk. Written means handed to the kernel in every case."""

    ALWAYS = "always"
    """In every flush, before `on_written` is told: survives a power failure, and costs one fsync each time."""
    INTERVAL = "interval"
    NEVER = "never"


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
        self._folder, self._name = folder, name
        self._file_bytes, self._file_age_s, self._kept_bytes, self._look_s = file_bytes, file_age_s, kept_bytes, look_s
        self._fsync, self._interval_s, self._clock = fsync, interval_s, clock

        self._pending: list[bytes] = []
        self._waiting: list[Callable[[bool], None]] = []
        self._link = Link()
        self._number, self._fd, self._size, self._header_size = 0, -1, 0, 0
        self._identity = (0, 0)
        self._opened_s = self._looked_s = 0.0

        self._failure: OSError | None = None
        self._failed_s = self._tried_s = 0.0
        self._pause_s = _RETRY_FIRST_S
        self._needs_new_file = False
        self._kept = self._lost = self._lost_ever = 0

        self._swap = threading.Lock()
        self._stop = threading.Event()
        self._sync_error: OSError | None = None
        self._headed = self._synced = 0
        self._head_failed = False

        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_fd = take_lock(folder, name)
        try:
            self._continue(clock())
            self._write_head()
        except BaseException:
            os.close(self._lock_fd)
            raise
        self._thread = threading.Thread(target=self._keep, name=f"audit-{name}", daemon=True)
        self._thread.start()

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
        return self._link.seq

    @property
    def path(self) -> Path:
        """The file being written."""
        return self._folder / file_name(self._name, self._number)

    def append(self, body: bytes) -> None:
        """Remember a record for the next flush: a JSON object on one line, without `seq` and `chain`. Never raises."""
        self._pending.append(body)
        if self._failure is not None:
            self._kept += len(body)
            self._give_up_overflow()

    def on_written(self, told: Callable[[bool], None]) -> None:
        """Have the flush that covers what is appended so far say whether it was written. Called once; must not raise.

        False means not written now. The record is kept and written later if that can be, so who is told False and turns
        back records that, too.
        """
        self._waiting.append(told)

    def flush(self, now_s: float | None = None) -> bool:
        """Write what is pending, in one write; True if nothing is left unwritten. `now_s` as the journal's clock.

        Call it once a second as well when nothing is pending: it notices a removed file and tries again after failures.
        """
        now_s = self._clock() if now_s is None else now_s
        if self._failure is None:
            try:
                # Both ends: a clock that was set back must not put the next look off.
                if not 0.0 <= now_s - self._looked_s < self._look_s:
                    self._look(now_s)
                if self._pending:
                    self._write_pending(now_s)
            except OSError as error:
                self._fail(error, now_s)
        elif not 0.0 <= now_s - self._tried_s < self._pause_s:
            self.retry(now_s)
        written = self._failure is None
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for told in waiting:
                told(written)
        return written

    def retry(self, now_s: float | None = None) -> bool:
        """Try now, without the pause, to write again after a failure; True if it is over."""
        if self._failure is None:
            return True
        now_s = self._clock() if now_s is None else now_s
        late, reason = len(self._pending), words(self._failure)
        try:
            if self._needs_new_file or not self._in_place():
                self._lock_again()
                self._next_file("recovery", now_s, torn=self._torn())
            self._write_pending(now_s)
            self._write_own(
                now_s,
                "recovered",
                reason=reason,
                since=timestamp(self._failed_s).decode(),
                lost=self._lost,
                late=late,
            )
        except (OSError, JournalBusy) as error:
            failure = error if isinstance(error, OSError) else OSError(errno.EBUSY, str(error))
            self._fail(failure, now_s)
            return False
        _log.warning("audit journal is written again", journal=self._name, late=late, lost=self._lost, was=reason)
        self._failure, self._pause_s, self._kept, self._lost = None, _RETRY_FIRST_S, 0, 0
        return True

    def close(self) -> None:
        """Write what is pending and the chain's end, and let the journal go."""
        now_s = self._clock()
        self._stop.set()
        self._thread.join()
        self.flush(now_s)
        if self.retry(now_s):
            try:
                self._write_own(now_s, "closed")
                if self._fsync is not Fsync.NEVER:
                    os.fsync(self._fd)
                self._write_head()
            except OSError as error:
                self._fail(error, now_s)
        if self._pending:
            _log.error("audit records lost at close", journal=self._name, records=len(self._pending))
        os.close(self._fd)
        os.close(self._lock_fd)

    # Writing

    def _write_pending(self, now_s: float) -> None:
        while self._pending:
            bodies = self._pending[:_BATCH_RECORDS]
            data, link = seal(bodies, self._link)
            if self._size + len(data) > self._file_bytes and self._size > self._header_size:
                self._next_file("rotation", now_s, torn=None)
                data, link = seal(bodies, self._link)
            self._write(data, link)
            del self._pending[: len(bodies)]

    def _write(self, data: bytes, link: Link) -> None:
        """Write whole, or leave the file as it was; only then does the chain move."""
        try:
            write_all(self._fd, data)
            if self._fsync is Fsync.ALWAYS:
                os.fsync(self._fd)
        except OSError:
            self._take_back()
            raise
        self._size += len(data)
        self._link = link

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            # The half line stays; the next file's header declares it.
            self._needs_new_file = True

    def _write_own(
        self,
        now_s: float,
        event: Literal["recovered", "closed"],
        *,
        reason: str | None = None,
        since: str | None = None,
        lost: int | None = None,
        late: int | None = None,
    ) -> None:
        record = JournalRecord(
            event=event,
            at=timestamp(now_s).decode(),
            journal=self._name,
            file=self.path.name,
            reason=reason,
            since=since,
            lost=lost,
            late=late,
        )
        self._write(*seal([encode(record)], self._link))

    # Files

    def _continue(self, now_s: float) -> None:
        """Go on where the journal ended, in a new file."""
        ending = where_it_ended(self._folder, self._name)
        self._number, self._link = ending.number, ending.last
        if ending.vouched is not None:
            _log.error("audit records are gone that were vouched for", journal=self._name, found=ending.last.seq)
        if ending.torn is not None:
            _log.warning("audit journal ended in the middle of a record", journal=self._name, bytes=ending.torn.bytes)
        reason = "restart" if ending.previous else "opened"
        self._next_file(reason, now_s, torn=ending.torn, vouched=ending.vouched, previous=ending.previous)

    def _next_file(
        self,
        reason: str,
        now_s: float,
        *,
        torn: Torn | None,
        vouched: Vouched | None = None,
        previous: str | None = None,
    ) -> None:
        """Begin the next file with its header; nothing changes if that fails."""
        number = self._number + 1
        path = self._folder / file_name(self._name, number)
        began = reason == "opened"
        header = JournalRecord(
            event="opened" if began else "continued",
            at=timestamp(now_s).decode(),
            journal=self._name,
            file=path.name,
            previous=Previous(
                file=previous or ("" if began else self.path.name),
                seq=self._link.seq,
                chain=self._link.chain.decode(),
                torn=torn,
                vouched=vouched,
            )
            if not began or vouched
            else None,
            reason=None if began else reason,
        )
        data, link = seal([encode(header)], self._link)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            write_all(fd, data)
            if self._fsync is not Fsync.NEVER:
                os.fsync(fd)
                fsync_folder(self._folder)
            found = os.fstat(fd)
        except OSError:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise
        with self._swap:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd, self._number, self._link = fd, number, link
            self._sync_error = None
        self._size = self._header_size = len(data)
        self._identity = (found.st_dev, found.st_ino)
        self._opened_s = self._looked_s = now_s
        self._needs_new_file = False

    def _look(self, now_s: float) -> None:
        """Raise OSError if what is written would not be found again; rotate by age."""
        if self._sync_error is not None:
            raise self._sync_error
        found = self.path.stat()
        if (found.st_dev, found.st_ino) != self._identity:
            raise OSError(errno.ESTALE, "the file was replaced", str(self.path))
        if found.st_size != self._size:
            raise OSError(errno.EBADMSG, "the file was changed by another", str(self.path))
        self._looked_s = now_s
        if now_s - self._opened_s >= self._file_age_s and self._size > self._header_size:
            self._next_file("rotation", now_s, torn=None)

    def _in_place(self) -> bool:
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _torn(self) -> Torn | None:
        """Describe what lies in the current file behind the last record written."""
        try:
            return torn_part(self.path, self._size) if self._in_place() else None
        except OSError:
            return None

    def _lock_again(self) -> None:
        """After the folder was removed and made again, its lock is another file."""
        try:
            found = (self._folder / f"{self._name}.lock").stat()
            held = os.fstat(self._lock_fd)
            if (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino):
                return
        except FileNotFoundError:
            pass
        fresh = take_lock(self._folder, self._name)
        os.close(self._lock_fd)
        self._lock_fd = fresh

    # Failure

    def _fail(self, error: OSError, now_s: float) -> None:
        if self._failure is None:
            self._failed_s, self._pause_s = now_s, _RETRY_FIRST_S
            self._kept = sum(map(len, self._pending))
        else:
            self._pause_s = min(self._pause_s * 2, _RETRY_MOST_S)
        self._failure, self._tried_s = error, now_s
        # A full disk empties again and the file goes on; whatever else happened to this file, it may happen again.
        self._needs_new_file = self._needs_new_file or error.errno not in _FULL
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

    # The thread

    def _keep(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._sync()
            self._write_head()

    def _sync(self) -> None:
        with self._swap:
            seq, fd = self._link.seq, os.dup(self._fd)
        try:
            if self._fsync is Fsync.INTERVAL and seq != self._synced:
                os.fsync(fd)
                self._synced = seq
        except OSError as error:
            self._sync_error = error
        finally:
            os.close(fd)

    def _write_head(self) -> None:
        with self._swap:
            link, file = self._link, self.path.name
        if link.seq == self._headed:
            return
        try:
            vouched = Vouched(file=file, seq=link.seq, chain=link.chain.decode())
            write_head(self._folder, self._name, vouched, timestamp(self._clock()).decode())
        except OSError as error:
            if not self._head_failed:
                _log.warning("audit head file cannot be written", journal=self._name, error=words(error))
            self._head_failed = True
            return
        self._headed, self._head_failed = link.seq, False
