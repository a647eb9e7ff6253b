from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit import Fsync, Journal, JournalBusy, Question, query, verify
from audit.folder import files_of
from tests.audit.journals import NOON_S, bodies, fill, open_journal


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mounting a file system needs root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def written(folder: Path, kind: str = "decision") -> int:
    """Count the journal's records of that kind."""
    return len(list(query(folder, Question(kind=kind))))


def test_written_is_told_only_after_the_flush(tmp_path: Path) -> None:
    """Who waits for a record hears True when it is in the file, and not before."""
    journal = open_journal(tmp_path)
    told: list[tuple[bool, int]] = []
    journal.append(bodies(1)[0])
    journal.on_written(lambda ok: told.append((ok, written(tmp_path))))
    assert told == []
    assert journal.flush(NOON_S)
    assert told == [(True, 1)]
    journal.close()


@pytest.mark.parametrize("fsync", list(Fsync))
def test_closed_journal_is_sound_and_continued(tmp_path: Path, fsync: Fsync) -> None:
    """Opening again goes on with the same chain in a new file, under every fsync policy."""
    for _ in range(3):
        fill(tmp_path, 7, fsync=fsync)
    found = verify(tmp_path)
    assert (found.findings, found.notes) == ([], [])
    assert [(chain.files, chain.seq) for chain in found.chains] == [(3, 27)]


def test_files_rotate_by_size(tmp_path: Path) -> None:
    """No file grows past its size, and the files are one chain."""
    fill(tmp_path, 100, file_bytes=8_000)
    assert all(file.path.stat().st_size <= 8_000 for file in files_of(tmp_path))
    assert verify(tmp_path).sound
    assert (written(tmp_path), written(tmp_path, "outcome")) == (50, 50)


def test_file_rotates_by_age(tmp_path: Path) -> None:
    """A file with records in it is closed when it is old enough; an empty one is not."""
    journal = open_journal(tmp_path, file_age_s=60.0)
    journal.flush(NOON_S + 100)
    journal.append(bodies(1)[0])
    journal.flush(NOON_S + 59)
    assert len(files_of(tmp_path)) == 1
    journal.flush(NOON_S + 61)
    assert len(files_of(tmp_path)) == 2
    journal.close()


def test_second_writer_is_refused(tmp_path: Path) -> None:
    """Two writers never share a chain, and the second is told who holds it."""
    journal = open_journal(tmp_path)
    with pytest.raises(JournalBusy, match=f"process {os.getpid()}"):
        open_journal(tmp_path)
    open_journal(tmp_path, "w1").close()
    journal.close()
    open_journal(tmp_path).close()


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".hidden", "a b"])
def test_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    """A journal's name cannot lead out of the folder."""
    with pytest.raises(ValueError, match="not a journal's name"):
        Journal(tmp_path, name)


def test_full_disk_refuses_then_recovers(small_disk: Path) -> None:
    """A full disk makes the journal unwritable and leaves no half line; when it empties, nothing kept is missing."""
    ballast = small_disk / "ballast"
    journal = open_journal(small_disk)
    ballast.write_bytes(b"x" * 40_000)
    told: list[bool] = []
    for body in bodies(60):
        journal.append(body)
    journal.on_written(told.append)
    assert (journal.flush(NOON_S), journal.writable, told) == (False, False, [False])
    assert journal.path.read_bytes().endswith(b'"}\n')
    assert not journal.flush(NOON_S + 1)
    ballast.unlink()
    assert journal.flush(NOON_S + 2)
    assert journal.writable
    journal.close()
    found = verify(small_disk)
    assert (found.findings, found.notes) == ([], [])
    assert written(small_disk) == 30
    (recovered,) = [one for one in query(small_disk, Question(kind="journal")) if one["event"] == "recovered"]
    assert (recovered["lost"], recovered["late"], recovered["since"]) == (0, 60, "2026-02-03T12:00:00.000000Z")


def test_overflow_is_counted_when_the_disk_stays_full(small_disk: Path) -> None:
    """What cannot be kept is given up, and the chain says how much."""
    ballast = small_disk / "ballast"
    journal = open_journal(small_disk, kept_bytes=5_000)
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(b"x" * 100_000)
    for body in bodies(100):
        journal.append(body)
        journal.flush(NOON_S)
    kept, lost = journal.pending, journal.lost
    assert lost > 0
    ballast.unlink()
    assert journal.retry(NOON_S + 9)
    journal.close()
    found = verify(small_disk)
    assert ([], lost) == (found.findings, found.chains[0].lost)
    assert 100 - lost == written(small_disk) + written(small_disk, "outcome")
    assert kept <= 100 - lost


def test_short_write_is_taken_back_when_the_file_may_not_grow(tmp_path: Path) -> None:
    """A write that the kernel cuts short leaves whole lines only, and what was cut goes to a new file."""
    journal = open_journal(tmp_path)
    size = journal.path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 700, hard))
        for body in bodies(20):
            journal.append(body)
        assert not journal.flush(NOON_S)
        assert size == journal.path.stat().st_size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal.flush(NOON_S + 1)
    journal.close()
    assert (verify(tmp_path).findings, written(tmp_path)) == ([], 10)


def test_folder_replaced_by_a_file_then_restored(tmp_path: Path) -> None:
    """A folder that is none any more is noticed at the next flush, and the chain goes on when it is back."""
    folder = tmp_path / "audit"
    journal = open_journal(folder)
    folder.rename(tmp_path / "aside")
    folder.write_bytes(b"")
    journal.append(bodies(1)[0])
    assert not journal.flush(NOON_S)
    assert not journal.flush(NOON_S + 1)
    folder.unlink()
    (tmp_path / "aside").rename(folder)
    assert journal.flush(NOON_S + 9)
    journal.close()
    assert (verify(folder).findings, written(folder)) == ([], 1)


def test_removed_folder_made_anew_is_written_and_the_loss_found(tmp_path: Path) -> None:
    """The journal recovers in an empty folder, and verification says which file is gone."""
    folder = tmp_path / "audit"
    journal = open_journal(folder)
    shutil.rmtree(folder)
    journal.append(bodies(1)[0])
    assert not journal.flush(NOON_S)
    folder.mkdir()
    assert journal.flush(NOON_S + 1)
    with pytest.raises(JournalBusy):
        open_journal(folder)
    journal.close()
    assert written(folder) == 1
    assert [str(found).rsplit(":", 1)[0] for found in verify(folder).findings] == ["w0-00000002.jsonl:1"]


def test_file_changed_by_another_is_left_and_found(tmp_path: Path) -> None:
    """A line that someone else appends is noticed; the journal goes on in a new file and the evidence stays."""
    journal = open_journal(tmp_path)
    with journal.path.open("ab") as file:
        file.write(b'{"forged":true}\n')
    assert not journal.flush(NOON_S)
    assert journal.flush(NOON_S + 1)
    journal.close()
    assert {(found.file, found.line) for found in verify(tmp_path).findings} == {("w0-00000001.jsonl", 2)}


KILLED = """
import sys
from pathlib import Path
from tests.audit.journals import NOON_S, bodies, open_journal
journal = open_journal(Path(sys.argv[1]))
for body in bodies(9):
    journal.append(body)
    journal.flush(NOON_S)
print("written", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("torn", [b"", b'{"v":1,"kind":"deci', b"\0" * 5000], ids=["whole", "half line", "zeros"])
def test_killed_writer_s_chain_is_continued(tmp_path: Path, torn: bytes) -> None:
    """After kill -9, with whatever lies torn at the end, a new process goes on with the chain and loses nothing."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        with pytest.raises(JournalBusy, match=f"process {process.pid}"):
            open_journal(tmp_path)
        process.send_signal(signal.SIGKILL)
    with files_of(tmp_path)[-1].path.open("ab") as file:
        file.write(torn)
    fill(tmp_path, 2)
    found = verify(tmp_path)
    assert found.findings == []
    assert bool(torn) == bool(found.notes)
    assert written(tmp_path) == 5 + 1


def test_waiting_callers_are_told_in_order_although_one_fails(tmp_path: Path) -> None:
    """A caller that raises does not keep the next one waiting, and order is that of registration."""
    journal = open_journal(tmp_path)
    told: list[object] = []

    def broken(written: bool) -> None:
        told.append(written)
        raise RuntimeError("a bug")

    journal.on_written(broken)
    journal.on_written(lambda written: told.append(("second", written)))
    journal.flush(NOON_S)
    journal.close()
    assert told == [True, ("second", True)]


def test_caller_may_append_and_flush_while_it_is_told(tmp_path: Path) -> None:
    """A flush from within a flush writes once, tells everyone once, and the chain holds."""
    journal = open_journal(tmp_path)
    first, second, *_ = bodies(4)
    told: list[str] = []

    def again(_: bool) -> None:
        told.append("outer")
        journal.append(second)
        journal.on_written(lambda _: told.append("inner"))
        journal.flush(NOON_S)

    journal.append(first)
    journal.on_written(again)
    journal.on_written(lambda _: told.append("last"))
    journal.flush(NOON_S)
    journal.close()
    assert told == ["outer", "inner", "last"]
    assert (verify(tmp_path).findings, written(tmp_path), written(tmp_path, "outcome")) == ([], 1, 1)


def test_pause_holds_for_a_clock_that_is_a_little_behind(tmp_path: Path) -> None:
    """Callers whose readings of the clock differ by a hair do not defeat the pause between attempts."""
    folder = tmp_path / "audit"
    journal = open_journal(folder)
    folder.rename(tmp_path / "aside")
    assert not journal.flush(NOON_S + 1)
    (tmp_path / "aside").rename(folder)
    assert not journal.flush(NOON_S + 0.99)
    assert journal.flush(NOON_S + 1.2)
    journal.close()


def test_late_records_are_all_counted_when_the_disk_takes_them_in_parts(small_disk: Path) -> None:
    """The recovery record counts what was written late over all attempts, not over the last one alone."""
    journal = open_journal(small_disk)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(b"x" * 100_000)
    records = bodies(4_000)
    for body in records:
        journal.append(body[:60].split(b',"')[0] + b"}")
    assert not journal.flush(NOON_S)
    # A batch of 2,000 of these needs more than 160 kB, so each attempt ends in a full disk until that is there.
    subprocess.run(["mount", "-o", "remount,size=420k", small_disk], check=True)
    assert not journal.retry(NOON_S + 9)
    assert 0 < journal.pending < 4_000
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    assert journal.retry(NOON_S + 20)
    journal.close()
    (recovered,) = [one for one in query(small_disk, Question(kind="journal")) if one["event"] == "recovered"]
    assert (recovered["lost"], recovered["late"]) == (0, 4_000)


def test_rotation_under_a_busy_thread_keeps_chain_and_head(tmp_path: Path) -> None:
    """The thread that syncs and vouches may run at any moment of a rotation; no file is closed under its hands."""
    open_before = len(list(Path("/dev/fd").iterdir()))
    journal = open_journal(tmp_path, file_bytes=3_000, fsync=Fsync.INTERVAL, interval_s=1e-5)
    for body in bodies(1_000):
        journal.append(body)
        journal.flush(NOON_S)
    assert journal.writable
    journal.close()
    journal.close()
    assert len(files_of(tmp_path)) > 100
    assert (verify(tmp_path).findings, written(tmp_path)) == ([], 500)
    assert len(list(Path("/dev/fd").iterdir())) == open_before


WRITING = """
import sys
from pathlib import Path
from audit import Fsync
from tests.audit.journals import NOON_S, bodies, open_journal
journal = open_journal(Path(sys.argv[1]), file_bytes=200_000, interval_s=0.001)
records = bodies(600)
print("writing", flush=True)
while True:
    for body in records:
        journal.append(body)
    journal.flush(NOON_S)
"""


def test_writer_killed_in_the_midst_leaves_a_sound_chain_again_and_again(tmp_path: Path) -> None:
    """Wherever kill -9 hits a writer in full swing, rotation included, the next start makes the chain whole."""
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITING, tmp_path], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"writing\n"
            # What is verified meanwhile is a living journal: half-written lines at its end are no findings.
            assert verify(tmp_path).findings == []
            process.send_signal(signal.SIGKILL)
        fill(tmp_path, 2)
        assert verify(tmp_path).findings == []


def test_head_file_removed_behind_a_stopped_writer_stays_found(tmp_path: Path) -> None:
    """Removing the head file with the end of the journal does not hide the cut once the journal is opened again."""
    fill(tmp_path, 20)
    path = files_of(tmp_path)[-1].path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))
    (tmp_path / "w0.head").unlink()
    fill(tmp_path, 20)
    assert [str(finding) for finding in verify(tmp_path).findings] == [
        "w0-00000002.jsonl:1: when the journal was opened here, its head file was gone or damaged"
    ]


@pytest.mark.parametrize("head", [b"", b"{}", b"[1]", b'{"file":"../x","seq":1,"chain":"0"}', b"\xff"])
def test_damaged_head_file_stops_nothing_and_is_found(tmp_path: Path, head: bytes) -> None:
    """A head file that is none keeps nobody from writing, and verification says that it was damaged."""
    fill(tmp_path, 3)
    (tmp_path / "w0.head").write_bytes(head)
    fill(tmp_path, 3)
    assert [finding.what for finding in verify(tmp_path).findings] == [
        "when the journal was opened here, its head file was gone or damaged"
    ]


def test_start_killed_before_its_header_is_a_note(tmp_path: Path) -> None:
    """An empty newest file, as a kill at the very moment of rotation leaves it, is continued and no finding."""
    fill(tmp_path, 3)
    (tmp_path / "w0-00000002.jsonl").touch()
    fill(tmp_path, 3)
    found = verify(tmp_path)
    assert (found.findings, [note.file for note in found.notes]) == ([], ["w0-00000002.jsonl"])


def test_recovery_passes_over_a_file_number_that_is_taken(tmp_path: Path) -> None:
    """A file that lies where the next one should be does not keep the journal from going on."""
    journal = open_journal(tmp_path)
    (tmp_path / "w0-00000002.jsonl").write_bytes(b"a stranger's\n")
    journal.path.rename(tmp_path / "aside")
    assert not journal.flush(NOON_S + 1)
    assert journal.flush(NOON_S + 2)
    assert journal.path.name == "w0-00000003.jsonl"
    journal.close()


def test_clock_set_back_begins_a_file_and_loses_nothing(tmp_path: Path) -> None:
    """A clock set back by an hour begins a new file, which rotates by its own age; searches by time find all."""
    journal = open_journal(tmp_path, file_age_s=60.0)
    for at_s in (NOON_S, NOON_S - 3_600, NOON_S - 3_500):
        journal.append(bodies(1, at_s)[0])
        journal.flush(at_s)
    reasons = [one["reason"] for one in query(tmp_path, Question(kind="journal"))]
    journal.close()
    assert sorted(map(str, reasons)) == ["None", "clock", "rotation"]
    assert verify(tmp_path).sound
    since = Question(kind="decision", since="2026-02-03T11:59:00.000000Z")
    until = Question(kind="decision", until="2026-02-03T11:59:00.000000Z")
    assert (len(list(query(tmp_path, since))), len(list(query(tmp_path, until)))) == (1, 2)


def test_records_written_late_are_found_by_their_own_time(tmp_path: Path) -> None:
    """A search by time finds what was kept through an outage, though its file begins after it."""
    folder = tmp_path / "audit"
    journal = open_journal(folder)
    folder.rename(tmp_path / "aside")
    journal.append(bodies(1)[0])
    assert not journal.flush(NOON_S)
    (tmp_path / "aside").rename(folder)
    assert journal.flush(NOON_S + 7_200)
    journal.close()
    assert len(list(query(folder, Question(kind="decision", until="2026-02-03T12:30:00.000000Z")))) == 1


@pytest.mark.parametrize("fsync", [Fsync.ALWAYS, Fsync.INTERVAL])
def test_failed_sync_is_a_failed_write_and_begins_a_new_file(tmp_path: Path, fsync: Fsync) -> None:
    """When the kernel cannot force a file to the disk, callers hear so, and the chain goes on in a new file."""
    journal = open_journal(tmp_path, fsync=fsync)
    first, second = bodies(2)
    # A pipe takes writes and cannot be synced, as a disk that has gone.
    reading, writing = os.pipe()
    told: list[bool] = []
    journal.append(first)
    if fsync is Fsync.INTERVAL:
        assert journal.flush(NOON_S)
    os.dup2(writing, journal._tape._fd)
    journal._tape.tend(NOON_S)
    journal.append(second)
    journal.on_written(told.append)
    assert (journal.flush(NOON_S), told, journal.writable) == (False, [False], False)
    assert journal.flush(NOON_S + 1)
    journal.close()
    os.close(reading)
    os.close(writing)
    assert (verify(tmp_path).findings, written(tmp_path), written(tmp_path, "outcome")) == ([], 1, 1)
    (recovered,) = [one for one in query(tmp_path, Question(kind="journal")) if one["event"] == "recovered"]
    assert (recovered["reason"], recovered["file"]) == ("Invalid argument", "w0-00000002.jsonl")
