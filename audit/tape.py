"""One journal's files, open at their end: chained writes, rotation, fsync, the head file. Raises, and decides nothing.

Law: a write is whole or leaves no trace, and the chain moves only with it. Where neither can be had (the half line
cannot be cut off again), the next file's header declares what was left. The head file vouches only for what has been
forced to the disk, where forcing is wanted at all: a power failure must not look like a cut.

One thread writes. `tend` may run in another, because fsync takes as long as the disk likes; it alone closes the files
that rotation leaves to it.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Literal

import structlog

from audit.body import timestamp
from audit.chain import Link, seal
from audit.folder import CLOCK_SLACK_S, file_name, files_of, torn_part, where_it_ended, write_head
from audit.record import JournalRecord, Previous, Torn, Vouched, encode
from audit.storage import fsync_folder, is_lock_of, take_lock, words, write_all

_log = structlog.get_logger("audit.journal")


class Fsync(StrEnum):
    """When a written record is forced to the disk. Written means handed to the kernel in every case."""

    ALWAYS = "always"
    """In every flush, before `on_written` is told: survives a power failure, and costs one fsync each time."""
    INTERVAL = "interval"
    NEVER = "never"


class Tape:
    """The end of one journal, locked against other writers from construction to `close`."""

    def __init__(
        self, folder: Path, name: str, *, file_bytes: int, file_age_s: float, fsync: Fsync, now_s: float
    ) -> None:
        """Go on where the journal ended, in a new file. Raises JournalBusy, and OSError where the folder fails."""
        self._folder, self._name = folder, name
        self._file_bytes, self._file_age_s, self._fsync = file_bytes, file_age_s, fsync
        self._link = Link()
        self._number, self._fd, self._size, self._header_size = 0, -1, 0, 0
        self._identity = (0, 0)
        self._opened_s = self._latest_s = 0.0
        self._distrusted = self._left_over = False

        self._swap = threading.Lock()
        self._retired: list[int] = []
        self._sync_error: OSError | None = None
        self._vouched_seq = 0
        self._head_failed = False

        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_fd = take_lock(folder, name)
        try:
            self._continue(now_s)
            self.tend(now_s)
        except BaseException:
            self.close()
            raise

    @property
    def seq(self) -> int:
        """Number of the last record written."""
        return self._link.seq

    @property
    def path(self) -> Path:
        """The file being written."""
        return self._folder / file_name(self._name, self._number)

    def write(self, bodies: Iterable[bytes], now_s: float) -> None:
        """Write the records in one write, in the next file if this one would grow too long. Raises OSError."""
        data, link = seal(bodies, self._link)
        if self._size + len(data) > self._file_bytes and self._size > self._header_size:
            self._next("rotation", now_s)
            data, link = seal(bodies, self._link)
        self._put(data, link)

    def write_own(
        self,
        event: Literal["recovered", "closed"],
        now_s: float,
        *,
        reason: str | None = None,
        since: str | None = None,
        lost: int | None = None,
        late: int | None = None,
    ) -> None:
        """Write a record of the journal about itself, in this file. Raises OSError."""
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
        self._put(*seal([encode(record)], self._link))

    def look(self, now_s: float) -> None:
        """Raise OSError if what is written would not be found again; begin the next file where time asks for it."""
        if self._sync_error is not None:
            raise self._sync_error
        found = self.path.stat()
        if (found.st_dev, found.st_ino) != self._identity:
            raise OSError(errno.ESTALE, "the file was replaced", str(self.path))
        if found.st_size != self._size:
            raise OSError(errno.EBADMSG, "the file was changed by another", str(self.path))
        if now_s < self._latest_s - CLOCK_SLACK_S:
            # A file's times grow, which searches rely on; and its age would not come before the old time comes again.
            self._next("clock", now_s)
        elif now_s - self._opened_s >= self._file_age_s and self._size > self._header_size:
            self._next("rotation", now_s)
        self._latest_s = max(self._latest_s, now_s)

    def distrust(self) -> None:
        """Have the next `mend` begin a new file, whatever this one looks like."""
        self._distrusted = True

    def mend(self, now_s: float) -> None:
        """Give the next write a place after a failure. Raises OSError, JournalBusy."""
        in_place = self._in_place()
        if in_place and not self._distrusted:
            return
        if not is_lock_of(self._lock_fd, self._folder, self._name):
            # The folder was removed and made again, and its lock with it.
            fresh = take_lock(self._folder, self._name)
            os.close(self._lock_fd)
            self._lock_fd = fresh
        if in_place and self._left_over:
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)
        torn: Torn | None = None
        with suppress(OSError):
            torn = torn_part(self.path, self._size) if in_place else None
        # A number may be taken: by a file that could not be written nor removed, or by a writer that had no right.
        taken = [file.number for file in files_of(self._folder, self._name)]
        self._next("recovery", now_s, number=max([self._number, *taken]) + 1, torn=torn)

    def tend(self, now_s: float) -> None:
        """Force to the disk what is written, where the interval does that, and vouch for it in the head file.

        Failures of fsync are raised by the next `look`; those of the head file are logged.
        """
        with self._swap:
            link, file, fd = self._link, self.path.name, self._fd
            retired, self._retired = self._retired, []
        if link.seq == self._vouched_seq:
            return
        if self._fsync is Fsync.INTERVAL:
            try:
                for each in (*retired, fd):
                    os.fsync(each)
                fsync_folder(self._folder)
            except OSError as error:
                self._sync_error = error
                return
            finally:
                for each in retired:
                    os.close(each)
        self._vouch(Vouched(file=file, seq=link.seq, chain=link.chain.decode()), now_s)

    def end(self, now_s: float) -> None:
        """Write the chain's orderly end, and vouch for it. Raises OSError."""
        self.write_own("closed", now_s)
        self.tend(now_s)
        if self._sync_error is not None:
            raise self._sync_error

    def close(self) -> None:
        """Let the files and the lock go. Writes nothing."""
        for fd in (*self._retired, self._fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._retired, self._fd, self._lock_fd = [], -1, -1

    # Writing

    def _put(self, data: bytes, link: Link) -> None:
        try:
            write_all(self._fd, data)
            if self._fsync is Fsync.ALWAYS:
                os.fsync(self._fd)
        except OSError:
            try:
                os.ftruncate(self._fd, self._size)
            except OSError:
                self._distrusted = self._left_over = True
            raise
        self._size += len(data)
        self._link = link

    # Files

    def _continue(self, now_s: float) -> None:
        """Go on where the journal ended, in a new file."""
        ending = where_it_ended(self._folder, self._name)
        self._link = ending.last
        if ending.vouched is not None:
            _log.error("audit records are gone that were vouched for", journal=self._name, found=ending.last.seq)
        if ending.torn is not None:
            _log.warning("audit journal ended in the middle of a record", journal=self._name, bytes=ending.torn.bytes)
        previous: Previous | None = None
        if ending.previous or ending.vouched is not None:
            previous = Previous(
                file=ending.previous,
                seq=ending.last.seq,
                chain=ending.last.chain.decode(),
                torn=ending.torn,
                vouched=ending.vouched,
            )
        self._begin("restart", now_s, ending.number + 1, previous)

    def _next(self, reason: str, now_s: float, *, number: int | None = None, torn: Torn | None = None) -> None:
        previous = Previous(file=self.path.name, seq=self._link.seq, chain=self._link.chain.decode(), torn=torn)
        self._begin(reason, now_s, number or self._number + 1, previous)

    def _begin(self, reason: str, now_s: float, number: int, previous: Previous | None) -> None:
        """Begin a file with its header; nothing changes if that fails."""
        path = self._folder / file_name(self._name, number)
        header = JournalRecord(
            event="opened" if previous is None else "continued",
            at=timestamp(now_s).decode(),
            journal=self._name,
            file=path.name,
            previous=previous,
            reason=None if previous is None else reason,
        )
        data, link = seal([encode(header)], self._link)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            write_all(fd, data)
            if self._fsync is Fsync.ALWAYS:
                os.fsync(fd)
                fsync_folder(self._folder)
            found = os.fstat(fd)
        except OSError:
            os.close(fd)
            with suppress(OSError):
                path.unlink()
            raise
        with self._swap:
            if self._fd >= 0 and self._fsync is Fsync.INTERVAL:
                # Its last records are not forced yet, and `tend` may be at it.
                self._retired.append(self._fd)
            elif self._fd >= 0:
                os.close(self._fd)
            self._fd, self._number, self._link = fd, number, link
            self._sync_error = None
        self._size = self._header_size = len(data)
        self._identity = (found.st_dev, found.st_ino)
        self._opened_s = self._latest_s = now_s
        self._distrusted = self._left_over = False

    def _in_place(self) -> bool:
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _vouch(self, vouched: Vouched, now_s: float) -> None:
        try:
            at = timestamp(now_s).decode()
            write_head(self._folder, self._name, vouched, at, sync=self._fsync is not Fsync.NEVER)
        except OSError as error:
            if not self._head_failed:
                _log.warning("audit head file cannot be written", journal=self._name, error=words(error))
            self._head_failed = True
            return
        self._vouched_seq, self._head_failed = vouched.seq, False
