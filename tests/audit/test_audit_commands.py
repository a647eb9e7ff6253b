from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from audit.folder import files_of
from interlock.audit_commands import app
from tests.audit.journals import fill


def test_verify_exits_0_then_1_when_a_record_is_edited(tmp_path: Path) -> None:
    """The exit code tells sound from not, and the finding names file and line."""
    fill(tmp_path, 10)
    assert CliRunner().invoke(app, ["verify", str(tmp_path)]).exit_code == 0
    path = files_of(tmp_path)[0].path
    path.write_bytes(path.read_bytes().replace(b"forbid", b"permit", 1))
    done = CliRunner().invoke(app, ["verify", str(tmp_path)])
    assert done.exit_code == 1
    assert "w0-00000001.jsonl:2" in done.output


def test_query_prints_records_as_json(tmp_path: Path) -> None:
    """Every line of the json form is a record that fits."""
    fill(tmp_path, 10)
    done = CliRunner().invoke(app, ["query", str(tmp_path), "--effect", "delete", "--limit", "3", "--format", "json"])
    assert [(record["kind"], record["verdict"]) for record in map(orjson.loads, done.output.splitlines())] == [
        ("decision", "forbid")
    ] * 3


def interlock(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    command = [sys.executable, "-m", "interlock.cli", "audit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_exit_codes_of_the_command_line(tmp_path: Path) -> None:
    """The whole command says 0 for sound, 1 for tampering and 2 for a wrong call or an unreadable journal."""
    fill(tmp_path, 10)
    path = files_of(tmp_path)[0].path
    assert interlock("verify", tmp_path).returncode == 0
    path.write_bytes(path.read_bytes()[:-20])
    assert interlock("verify", tmp_path).returncode == 1
    assert interlock("query", tmp_path, "--limit", "0").returncode == 2
    path.unlink()
    path.mkdir()
    for command in ("verify", "query"):
        done = interlock(command, tmp_path)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"interlock: cannot read {path}: Is a directory")


@pytest.mark.parametrize("form", ["table", "json"])
def test_query_survives_forged_lines(tmp_path: Path, form: str) -> None:
    """Lines that are no records, and statements with control characters, break neither the search nor the terminal."""
    fill(tmp_path, 4)
    with files_of(tmp_path)[0].path.open("ab") as file:
        for forged in (b"[]", b"{}", b'{"at":1}', b'{"at":"2026","kind":"decision","effects":[1]}', b"\xff", b'{"at":'):
            file.write(forged + b"\n")
        file.write(
            b'{"at":"2026","kind":"outcome"}\n{"at":"2027","kind":"decision","statement":{"text":"\\u001b[2J"}}\n'
        )
    done = CliRunner().invoke(app, ["query", str(tmp_path), "--format", form])
    assert done.exit_code == 0
    assert "\x1b" not in done.output


def test_query_prints_a_table(tmp_path: Path) -> None:
    """The table form names the rule."""
    fill(tmp_path, 10)
    assert "at" in CliRunner().invoke(app, ["query", str(tmp_path), "--since", "2026-02-03"]).output


def test_usage_errors_exit_2(tmp_path: Path) -> None:
    """A time that is none, an unknown format and a missing folder are the caller's fault."""
    for arguments in (["query", str(tmp_path), "--since", "noon"], ["query", str(tmp_path), "--format", "xml"]):
        assert CliRunner().invoke(app, arguments).exit_code == 2
    assert CliRunner().invoke(app, ["verify", str(tmp_path / "none")]).exit_code == 2
