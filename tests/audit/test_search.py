from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit import Question, RecordedEffect, decision_body, fragment_of, query, timestamp, verify
from audit.folder import files_of
from audit.search import _grows
from tests.audit.journals import GROUNDS, NOON_S, SESSION, bodies, fill, open_journal

MANY = settings(max_examples=300, deadline=None)
FILES = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a closed journal of several files."""
    folder = tmp_path_factory.mktemp("whole")
    fill(folder, 60, file_bytes=9_000)
    assert len(files_of(folder)) == FILES
    return folder


def changed(whole: Path, change: str, data: st.DataObject) -> list[str]:
    """Make one change to a copy of the journal and return what is then found."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "copy"
        shutil.copytree(whole, folder)
        path = data.draw(st.sampled_from([file.path for file in files_of(folder)]))
        before = path.read_bytes()
        after = altered(before, change, data)
        assume(after != before)
        path.write_bytes(after)
        return [str(finding) for finding in verify(folder).findings]


def altered(before: bytes, change: str, data: st.DataObject) -> bytes:
    """Make the change to a file's bytes."""
    lines = before.splitlines(keepends=True)
    place = data.draw(st.integers(0, len(lines) - 1))
    other = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, len(before) - 1))
    match change:
        case "edit":
            return before[:at] + bytes([data.draw(st.integers(0, 255))]) + before[at + 1 :]
        case "drop":
            return b"".join(lines[:place] + lines[place + 1 :])
        case "swap":
            lines[place], lines[other] = lines[other], lines[place]
            return b"".join(lines)
        case "repeat":
            return b"".join([*lines[:place], lines[other], *lines[place:]])
        case "insert":
            return b"".join([*lines[:place], data.draw(st.binary(max_size=40)) + b"\n", *lines[place:]])
        case "append":
            return before + data.draw(st.binary(min_size=1, max_size=40))
        case "truncate":
            return before[:at]
    raise AssertionError(change)


@pytest.mark.parametrize("change", ["edit", "drop", "swap", "repeat", "insert", "append", "truncate"])
@MANY
@given(data=st.data())
def test_every_change_to_a_file_is_found(whole: Path, change: str, data: st.DataObject) -> None:
    """One change anywhere in any file of a closed journal never goes unnoticed."""
    assert changed(whole, change, data) != []


def test_whole_journal_is_sound(whole: Path) -> None:
    """Nothing is found where nothing was changed, and every record is counted."""
    found = verify(whole)
    assert found.findings + found.notes == []
    (chain,) = found.chains
    assert (True, chain.records) == (chain.closed, chain.seq)


@pytest.mark.parametrize("gone", range(FILES))
def test_removed_file_is_found(whole: Path, tmp_path: Path, gone: int) -> None:
    """A file that is gone is missed, whichever it is."""
    folder = shutil.copytree(whole, tmp_path / "copy")
    files_of(folder)[gone - 1].path.unlink()
    assert not verify(folder).sound


def test_removed_head_file_is_found(whole: Path, tmp_path: Path) -> None:
    """Nothing vouches for the end any more, and that is said."""
    folder = shutil.copytree(whole, tmp_path / "copy")
    (folder / "w0.head").unlink()
    assert [finding.file for finding in verify(folder).findings] == ["w0.head"]


def test_all_files_removed_but_the_head_is_found(whole: Path, tmp_path: Path) -> None:
    """The head file alone tells that there were records."""
    folder = shutil.copytree(whole, tmp_path / "copy")
    for file in files_of(folder):
        file.path.unlink()
    assert not verify(folder).sound


def test_finding_names_file_and_line(whole: Path, tmp_path: Path) -> None:
    """An edited record is one finding, at its line."""
    folder = shutil.copytree(whole, tmp_path / "copy")
    path = files_of(folder)[1].path
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"models", b"people").replace(b"42501", b"00000")
    path.write_bytes(b"".join(lines))
    assert [(path.name, 4)] == [(finding.file, finding.line) for finding in verify(folder).findings]


def test_archived_beginning_is_a_note_when_told_so(whole: Path, tmp_path: Path) -> None:
    """The oldest file may have been moved away if the auditor says so, and the rest is still checked."""
    folder = shutil.copytree(whole, tmp_path / "copy")
    files_of(folder)[0].path.unlink()
    found = verify(folder, archived=True)
    assert (found.sound, len(found.notes)) == (True, 1)


@pytest.mark.parametrize(
    ("rest", "expected"), [(b"half", False), (b"", False), (b"whole now\n", True), (b"1\n2", True)]
)
def test_line_that_was_only_being_written_is_told_from_a_torn_one(tmp_path: Path, rest: bytes, expected: bool) -> None:
    """A half line is looked at again: a living writer has ended it by then."""
    (tmp_path / "file").write_bytes(b"good\n" + rest)
    assert expected == _grows(tmp_path / "file", len(b"good\n"))


def test_cut_end_is_found_by_the_next_opening(tmp_path: Path) -> None:
    """Records cut behind a proxy that is down stay missed after it has started again and moved the head file on."""
    fill(tmp_path, 20)
    path = files_of(tmp_path)[-1].path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))
    fill(tmp_path, 20)
    assert [finding.file for finding in verify(tmp_path).findings] == ["w0-00000002.jsonl"]


@pytest.mark.parametrize(
    ("question", "count"),
    [
        (Question(), 24),
        (Question(kind="decision"), 10),
        (Question(account="models"), 10),
        (Question(user="model_b"), 0),
        (Question(verdict="forbid", effect="delete", target="public.users"), 10),
        (Question(target="users"), 10),
        (Question(target="public.user"), 0),
        (Question(rule="no-destructive-autonomy", session="01KGHSZQ000000000000000000"), 10),
        (Question(since="2026-02-03T12:00:00.000000Z", until="2026-02-03T12:00:01.000000Z", kind="outcome"), 10),
        (Question(since="2026-02-03T12:00:01.000000Z"), 0),
        (Question(until="2026-02-03T12:00:00.000000Z"), 0),
    ],
    ids=repr,
)
def test_query_gives_the_records_that_fit(tmp_path: Path, question: Question, count: int) -> None:
    """Only what fits every field is given, from all journals."""
    fill(tmp_path, 10, "w0")
    fill(tmp_path, 10, "w1")
    assert count == len(list(query(tmp_path, question)))


def test_query_by_id_gives_decision_and_outcome(tmp_path: Path) -> None:
    """A decision id, as the client saw it, leads to what was decided and what came of it."""
    fill(tmp_path, 10)
    wanted = orjson.loads(bodies(10)[4])["id"]
    assert [record["kind"] for record in query(tmp_path, Question(id=wanted))] == ["decision", "outcome"]


def test_query_merges_journals_by_time(tmp_path: Path) -> None:
    """Records of several workers come in the order of their times."""
    for name, start in (("w0", 0.0), ("w1", 0.5)):
        journal = open_journal(tmp_path, name)
        for second in range(5):
            journal.append(bodies(1, NOON_S + start + second)[0])
        journal.close()
    times = [record["at"] for record in query(tmp_path, Question(kind="decision"))]
    assert (10, sorted(times)) == (len(times), times)


@pytest.mark.parametrize(
    ("effect", "wanted", "found"),
    [
        ({"target": "public.users"}, "public.users", True),
        ({"target": "public.users"}, "users", True),
        ({"target": "public.users"}, "billing.users", False),
        ({"target": "users", "candidates": ("pg_temp", "public")}, "public.users", True),
        ({"target": "users", "candidates": ("pg_temp", "public")}, "users", True),
        ({"target": "users", "candidates": ("pg_temp", "public")}, "billing.users", False),
        ({"target": "users", "candidates": ("pg_temp", "public")}, "public.orders", False),
        ({"target": "users"}, "public.users", True),
        ({"target": "users", "target_kind": "role"}, "public.users", False),
    ],
    ids=str,
)
def test_a_name_without_its_schema_is_found_wherever_it_may_belong(
    effect: dict[str, Any], wanted: str, found: bool, tmp_path: Path
) -> None:
    """By the schemas it may stand for, and by any where the path was not known: nothing is missed for its spelling."""
    given = RecordedEffect(**({"effect": "delete", "target_kind": "relation"} | effect))
    journal = open_journal(tmp_path)
    grounds = fragment_of(replace(GROUNDS, effects=(given,)))
    journal.append(decision_body(b"01JQ8Z0V6C5T9N3M1K7H2F4D8B", timestamp(NOON_S), fragment_of(SESSION), grounds))
    journal.close()
    assert len(list(query(tmp_path, Question(target=wanted)))) == found
