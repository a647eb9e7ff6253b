from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from audit import Grounds, IdMint, RecordedEffect, Statement, Via, decision_body, fragment_of, timestamp
from audit.folder import files_of
from interlock.audit_commands import app
from tests.audit.journals import GROUNDS, NOON_S, SESSION, fill, open_journal


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


def asked(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Query for records."""
    done = CliRunner().invoke(app, ["query", str(folder), "--format", "json", *arguments])
    assert done.exit_code == 0, done.output
    return [orjson.loads(line) for line in done.output.splitlines()]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--verdict", "refused", "expected permit, forbid or undecidable, found 'refused'"),
        ("--verdict", "forbit", "did you mean 'forbid'?"),
        ("--effect", "delte", "did you mean 'delete'?"),
        ("--kind", "blah", "expected decision, outcome, session, policy, proxy or journal, found 'blah'"),
        ("--id", "XXX", "'XXX' is no id"),
        ("--session", "01KGHSZQ00000000000000000U", "is no id"),
    ],
)
def test_a_filter_that_nothing_can_fit_is_wrong_use(option: str, value: str, said: str, tmp_path: Path) -> None:
    """An empty answer to a misspelt question would be taken for a clean log."""
    fill(tmp_path, 4)
    done = interlock("query", tmp_path, option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_an_id_may_be_typed_in_lower_case(tmp_path: Path) -> None:
    """Crockford's base 32 knows no case."""
    fill(tmp_path, 4)
    first = asked(tmp_path, "--kind", "decision")[0]["id"]
    assert [record["kind"] for record in asked(tmp_path, "--id", first.lower())] == ["decision", "outcome"]


@pytest.mark.parametrize("command", ["verify", "query"])
def test_a_folder_without_journals_is_wrong_use(command: str, tmp_path: Path) -> None:
    """Nothing is neither sound nor an answer: it is the wrong folder, or the journals are gone."""
    done = interlock(command, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"interlock: no journals in {tmp_path}\n"


def test_verify_counts_in_english_and_gives_lines_only_where_there_are_any(tmp_path: Path) -> None:
    """A finding about a whole file names no line 0; one finding is not `1 findings`."""
    fill(tmp_path, 10)
    path = files_of(tmp_path)[0].path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert CliRunner().invoke(app, ["verify", str(tmp_path)]).output.splitlines() == [
        f"FINDING {path.name}: ends at seq 11, but 12 was vouched for: 1 missing",
        "w0: 11 records in 1 file; in use, or ended without a close",
        "NOT SOUND: 1 finding",
    ]


def test_tail_gives_the_newest(tmp_path: Path) -> None:
    """The last ones that fit, in order of time; `--limit` gives the first."""
    fill(tmp_path, 10)
    ids = [record["id"] for record in asked(tmp_path, "--kind", "decision")]
    assert [record["id"] for record in asked(tmp_path, "--kind", "decision", "--tail", "2")] == ids[-2:]
    assert [record["id"] for record in asked(tmp_path, "--kind", "decision", "--limit", "2")] == ids[:2]
    assert interlock("query", tmp_path, "--tail", "2", "--limit", "2").returncode == 2


def test_the_table_is_a_line_a_record_and_cuts_nothing(tmp_path: Path) -> None:
    """However narrow the terminal: the id is what one needs next."""
    fill(tmp_path, 4)
    first = asked(tmp_path, "--kind", "decision")[0]["id"]
    done = CliRunner().invoke(app, ["query", str(tmp_path), "--id", first], env={"COLUMNS": "40"})
    head, decision, outcome = done.output.splitlines()
    assert head.split() == ["at", "kind", "who", "verdict", "rule", "id", "what"]
    assert decision.split() == [
        *("2026-02-03T12:00:00.000000Z", "decision", "models", "forbid", "no-destructive-autonomy", first),
        *GROUNDS.statement.text.split(),
    ]
    assert first in outcome


def recorded(folder: Path, *grounds: Grounds) -> None:
    """Write a journal of decisions on these grounds."""
    journal, mint = open_journal(folder), IdMint(1)
    for each in grounds:
        body = decision_body(mint.next(int(NOON_S * 1000)), timestamp(NOON_S), fragment_of(SESSION), fragment_of(each))
        journal.append(body)
    journal.close()


def test_the_table_says_what_was_asked_where_there_is_no_text(tmp_path: Path) -> None:
    """A refused startup packet has settings and no statement; what cannot be read has a reason."""
    startup = Statement(fingerprint="", text="", tag="SET", via=Via.STARTUP)
    effect = RecordedEffect(effect="set", target="role", target_kind="setting")
    recorded(
        tmp_path,
        replace(GROUNDS, statement=startup, effects=(effect,)),
        replace(GROUNDS, statement=startup, effects=(), because="It cannot be read."),
    )
    lines = CliRunner().invoke(app, ["query", str(tmp_path), "--kind", "decision"]).output.splitlines()
    assert [line.split("  ")[-1].strip() for line in lines[1:]] == ["startup: set role", "It cannot be read."]


def test_a_rule_that_only_observes_is_found_by_its_id(tmp_path: Path) -> None:
    """What it would have refused fits `--rule`, and the table tells it from what was refused."""
    recorded(
        tmp_path,
        replace(GROUNDS, verdict="permit", refused=False, rule="people", observed=("no-unbounded-deletes",)),
        GROUNDS,
    )
    assert [record["rule"] for record in asked(tmp_path, "--rule", "no-unbounded-deletes")] == ["people"]
    done = CliRunner().invoke(app, ["query", str(tmp_path), "--rule", "no-unbounded-deletes"])
    assert "people (observed: no-unbounded-deletes)" in done.output
