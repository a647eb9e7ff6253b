"""The few calls to the operating system that a journal rests on. They raise OSError and know nothing of records."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class JournalBusy(Exception):  # noqa: N818 - a state of the world, as RogueModel and PermissionDenied are
    """Another process, or another Journal of this one, writes this journal."""


def take_lock(folder: Path, name: str) -> int:
    """Take the journal's lock; it goes with the process. Raises JournalBusy, naming the holder, and OSError."""
    path = folder / f"{name}.lock"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(fd, 20, 0).strip().decode("ascii", "replace") or "unknown"
        os.close(fd)
        raise JournalBusy(f"journal {name!r} in {folder} is written by process {holder}") from None
    except OSError:
        os.close(fd)
        raise
    # Whose it is serves people only: a full disk, which refuses even this, must not cost the lock.
    with suppress(OSError):
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    return fd


def check_free(folder: Path, name: str) -> None:
    """Find out whether a journal could be written now. Raises JournalBusy, naming the holder, and OSError."""
    os.close(take_lock(folder, name))


def is_lock_of(fd: int, folder: Path, name: str) -> bool:
    """Return whether the lock held is the one that others would find. Raises OSError."""
    try:
        found = (folder / f"{name}.lock").stat()
    except FileNotFoundError:
        return False
    held = os.fstat(fd)
    return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)


def write_all(fd: int, data: bytes) -> None:
    """Hand all bytes to the kernel, also where it takes them in parts. Raises OSError; a part may then be written."""
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, memoryview(data)[written:])


def fsync_folder(folder: Path) -> None:
    """Force the folder's entries to the disk. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def words(error: OSError) -> str:
    """Say what failed, and on which file."""
    return f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
