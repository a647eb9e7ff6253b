from __future__ import annotations

from pathlib import Path

import orjson
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


def test_query_prints_a_table(tmp_path: Path) -> None:
    """The table form names the rule."""
    fill(tmp_path, 10)
    assert "at" in CliRunner().invoke(app, ["query", str(tmp_path), "--since", "2026-02-03"]).output


def test_usage_errors_exit_2(tmp_path: Path) -> None:
    """A time that is none, an unknown format and a missing folder are the caller's fault."""
    for arguments in (["query", str(tmp_path), "--since", "noon"], ["query", str(tmp_path), "--format", "xml"]):
        assert CliRunner().invoke(app, arguments).exit_code == 2
    assert CliRunner().invoke(app, ["verify", str(tmp_path / "none")]).exit_code == 2
