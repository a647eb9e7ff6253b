from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import Fsync, verify
from audit.folder import files_of, read_head
from audit.tape import Tape
from tests.audit.journals import NOON_S, bodies, fill

VOUCHED = 11
"""Records, header included, that the head file vouches for in `broken_off`."""
WRITTEN = 21


def tape(folder: Path, fsync: Fsync = Fsync.NEVER) -> Tape:
    """Open a tape of large files at noon."""
    return Tape(folder, "w0", file_bytes=1 << 20, file_age_s=86_400.0, fsync=fsync, now_s=NOON_S)


def broken_off(folder: Path) -> Path:
    """Leave a journal as a crash does: the head file is behind, and there is no orderly end. Return its one file."""
    writer = tape(folder)
    records = bodies(WRITTEN - 1)
    writer.write(records[: VOUCHED - 1], NOON_S)
    writer.tend(NOON_S)
    writer.write(records[VOUCHED - 1 :], NOON_S)
    writer.close()
    return files_of(folder)[0].path


def test_journal_broken_off_is_sound(tmp_path: Path) -> None:
    """A crash between two records is no finding, before the next start and after it."""
    broken_off(tmp_path)
    assert verify(tmp_path).findings == []
    fill(tmp_path, 2)
    assert verify(tmp_path).findings == []


@pytest.mark.parametrize("kept", range(WRITTEN))
def test_cut_of_whole_records_is_found_exactly_where_they_were_vouched_for(tmp_path: Path, kept: int) -> None:
    """After a crash, whole records cut from the end are missed down to the head file's, at once and for ever."""
    path = broken_off(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
    assert verify(tmp_path).sound == (kept >= VOUCHED)
    fill(tmp_path, 30)
    assert verify(tmp_path).sound == (kept >= VOUCHED)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_edit_before_a_restart_is_found_where_it_was_vouched_for(data: st.DataObject) -> None:
    """A record changed after a crash, with all that follows it cut or kept, does not pass for a torn end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = broken_off(folder)
        lines = path.read_bytes().splitlines(keepends=True)
        place = data.draw(st.integers(0, VOUCHED - 1))
        at = data.draw(st.integers(0, len(lines[place]) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != lines[place][at]))
        lines[place] = lines[place][:at] + bytes([byte]) + lines[place][at + 1 :]
        path.write_bytes(b"".join(lines[: data.draw(st.integers(place + 1, WRITTEN))]))
        fill(folder, data.draw(st.integers(0, 30)))
        assert not verify(folder).sound


def test_head_file_waits_for_the_sync(tmp_path: Path) -> None:
    """The head file vouches for what `tend` has forced to the disk, and for nothing written since."""
    writer = tape(tmp_path, Fsync.INTERVAL)
    vouched = []
    for body in bodies(2):
        writer.write([body], NOON_S)
        vouched.append(read_head(tmp_path, "w0"))
    writer.tend(NOON_S)
    vouched.append(read_head(tmp_path, "w0"))
    writer.close()
    assert [head and head.seq for head in vouched] == [1, 1, 3]


def test_batch_larger_than_a_file_gets_one_of_its_own(tmp_path: Path) -> None:
    """A write is never split, also where it is longer than a file should be."""
    writer = Tape(tmp_path, "w0", file_bytes=2_000, file_age_s=86_400.0, fsync=Fsync.NEVER, now_s=NOON_S)
    for count in (1, 20, 1):
        writer.write(bodies(count), NOON_S)
    writer.close()
    counts = [file.path.read_bytes().count(b"\n") for file in files_of(tmp_path)]
    assert (counts, verify(tmp_path).findings) == ([2, 21, 2], [])


def test_folder_and_files_are_their_owner_s_alone(tmp_path: Path) -> None:
    """Whatever the umask allows: statements are nobody else's to read."""
    before = os.umask(0)
    try:
        fill(tmp_path / "audit", 10)
    finally:
        os.umask(before)
    entries = [tmp_path / "audit", *(tmp_path / "audit").iterdir()]
    assert {entry.name: oct(entry.stat().st_mode & 0o777) for entry in entries} == {
        "audit": "0o700",
        "w0-00000001.jsonl": "0o600",
        "w0.head": "0o600",
        "w0.lock": "0o600",
    }
