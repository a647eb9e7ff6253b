from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from audit.chain import GENESIS, Link, fault, seal, stated
from tests.audit.journals import fill


def test_sealed_lines_follow_from_each_other() -> None:
    """Each line states its number, and follows from the line before it."""
    data, end = seal([b'{"a":1}', b'{"a":2}'], Link(seq=6))
    first, second = data.splitlines()
    between = stated(first)
    assert between is not None
    assert (between.seq, end.seq) == (7, 8)
    assert (None, end) == fault(second, between)


def test_seal_in_parts_equals_seal_at_once() -> None:
    """How records fall into flushes leaves no trace in the chain."""
    first, middle = seal([b'{"a":1}'], Link())
    second, end = seal([b'{"a":2}'], middle)
    assert seal([b'{"a":1}', b'{"a":2}'], Link()) == (first + second, end)


def test_chain_is_recomputed_with_standard_tools(tmp_path: Path) -> None:
    """The documented shell line gives the hash that the file states."""
    data, end = seal([b'{"text":"tricky \\",\\"chain\\":\\" \xc3\xa9"}'], Link())
    (tmp_path / "line").write_bytes(data)
    command = r"""line=$(cat line); printf '%s%s' "$previous" "${line%,\"chain\":*}" | sha256sum"""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env={"previous": GENESIS.decode(), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    assert end.chain == done.stdout.split()[0]


@pytest.mark.parametrize(("edit", "expected"), [((b"", b""), b""), ((b"forbid", b"permit"), b"changed: ")])
def test_documented_loop_checks_a_file(tmp_path: Path, edit: tuple[bytes, bytes], expected: bytes) -> None:
    """The shell loop of the documentation is silent on a sound file and stops at a changed line."""
    fill(tmp_path, 10, "worker")
    path = tmp_path / "worker-00000001.jsonl"
    path.write_bytes(path.read_bytes().replace(*edit, 1))
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    script = page.partition("```sh\n")[2].partition("```")[0]
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, check=True)
    assert (expected, b"") == (done.stdout[:9], done.stderr)
