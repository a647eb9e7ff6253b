from __future__ import annotations

from pathlib import Path

import pytest

from audit.chain import Link, seal
from audit.folder import file_name, files_of, good_part, journals_vouched_for, last_line_of
from tests.audit.journals import fill


def test_files_are_listed_by_journal_and_number(tmp_path: Path) -> None:
    """Numbers sort as numbers, also beyond their eight digits, and other files are left out."""
    names = ["b-00000001.jsonl", "a-100000000.jsonl", "a-99999999.jsonl", "a.head", "a-1.jsonl", "a-00000001.json", "x"]
    for name in names:
        (tmp_path / name).touch()
    assert [file.path.name for file in files_of(tmp_path)] == [names[2], names[1], names[0]]
    assert [file.number for file in files_of(tmp_path, "a")] == [99_999_999, 100_000_000]


def test_journal_whose_name_ends_like_a_number_keeps_its_files_apart(tmp_path: Path) -> None:
    """A journal `w` and a journal `w-00000001` share a folder without taking each other's files."""
    for journal in ("w", "w-00000001"):
        fill(tmp_path, 2, journal)
    assert [file.path.name for file in files_of(tmp_path, "w")] == [file_name("w", 1)]
    assert journals_vouched_for(tmp_path) == {"w", "w-00000001"}


@pytest.mark.parametrize("behind", [b"", b"half a line", b"a line\n", b"\0\0"])
def test_good_part_ends_where_the_chain_does(tmp_path: Path, behind: bytes) -> None:
    """Reading back finds the last record that holds, and measures what lies behind it."""
    header = b'{"kind":"journal","previous":null}'
    data, end = seal([header, b'{"a":1}'], Link())
    (tmp_path / "file").write_bytes(data + behind)
    part = good_part(tmp_path / "file", None)
    assert (part.last, part.torn.bytes if part.torn else 0) == (end, len(behind))


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", b""), (b"half", b""), (b"one\n", b"one"), (b"one\ntwo\nhalf", b"two"), (b"x" * (2 << 20) + b"\n", b"")],
    ids=["empty", "half", "one", "two and a half", "too long"],
)
def test_last_line_is_the_last_whole_one(tmp_path: Path, content: bytes, expected: bytes) -> None:
    """The last whole line is found from the end; one that is out of reach is not guessed."""
    (tmp_path / "file").write_bytes(content)
    assert expected == last_line_of(tmp_path / "file")
