"""The house stands as it is drawn: its floors, its doors, the size of its rooms, and a test for each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400
"""Lines that a person can hold in the head; a module that outgrows them is two ideas."""
LONGEST_TEST = 500
"""Tests are lists of sentences, read one at a time."""

TABLES = {
    "proxy/sql/harmless.py",  # the built-in functions known to be harmless
}
"""Modules that may be longer: tables of data, read by looking up rather than through."""

REFUSALS = "tests/database/test_refusal.py"
TRANSPORT = "tests/database/test_transport.py"
EVIDENCE = "tests/database/test_evidence.py"
TESTED_ELSEWHERE = {
    "audit/storage.py": "tests/audit/test_journal.py",
    "interlock/audit_commands.py": "tests/audit/test_audit_commands.py",
    "interlock/policy_commands.py": "tests/policy/test_policy_commands.py",
    "interlock/proxy_command.py": "tests/interlock/test_cli.py",
    "interlock/failure.py": "tests/interlock/test_cli.py",
    "interlock/demo_cast.py": "tests/interlock/test_demo.py",
    "interlock/demo_script.py": "tests/interlock/test_demo.py",
    "interlock/demo_stage.py": "tests/interlock/test_demo.py",
    "proxy/policy/advice.py": "tests/policy/test_wording.py",
    "proxy/policy/consistency.py": "tests/policy/test_compiler.py",
    "proxy/policy/rules.py": "tests/policy/test_verdict.py",
    "proxy/sql/catalog_rows.py": "tests/sql/test_census.py",
    "proxy/sql/facts.py": "tests/sql/test_reading.py",
    "proxy/sql/relations.py": "tests/sql/test_census.py",
    "proxy/sql/reviewed_extensions.py": "tests/sql/test_census.py",
    "proxy/sql/resolution.py": "tests/sql/test_consequences.py",
    "proxy/sql/routines.py": "tests/sql/test_census.py",
    "proxy/server/catalog_queries.py": "tests/redteam/test_hidden.py",
    "proxy/server/catalog_reading.py": "tests/redteam/test_hidden.py",
    "proxy/server/case.py": "tests/server/test_docket.py",
    "proxy/server/config.py": "tests/interlock/test_settings.py",
    "proxy/server/reading_settings.py": "tests/server/test_docket_settings.py",
    "proxy/server/ruled.py": EVIDENCE,
    "proxy/wire/backend_messages.py": "tests/wire/test_messages.py",
    "proxy/wire/frontend_messages.py": "tests/wire/test_messages.py",
    "proxy/wire/pqformat.py": "tests/wire/test_messages.py",
    "proxy/wire/referee.py": REFUSALS,
    "proxy/wire/ruling.py": "tests/wire/test_ledger.py",
}
"""Modules without a test file of their own, and the one that would fail if they were broken."""


def _python(*folders: str) -> list[str]:
    return sorted(
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    )


def _modules() -> list[str]:
    return [name for name in _python("audit", "proxy", "interlock") if not name.endswith("__init__.py")]


def test_every_floor_imports_only_those_below() -> None:
    """The import contracts of pyproject.toml hold."""
    told = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("name", _python("audit", "proxy", "interlock", "tests", "bench"))
def test_no_file_outgrows_a_head(name: str) -> None:
    """At most 400 lines, and 500 of tests; tables excepted."""
    lines = (ROOT / name).read_text("utf-8").count("\n")
    assert lines <= (LONGEST_TEST if name.startswith("tests/") else LONGEST) or name in TABLES


def _own_test(name: str) -> Path:
    module = Path(name.removeprefix("proxy/"))
    return Path("tests") / module.parent / f"test_{module.name}"


@pytest.mark.parametrize("name", _modules())
def test_every_module_has_its_test_file(name: str) -> None:
    """`proxy/wire/startup.py` has `tests/wire/test_startup.py`, or stands in the list with the test that holds it."""
    own = _own_test(name)
    assert (ROOT / own).is_file() or (ROOT / TESTED_ELSEWHERE.get(name, "missing")).is_file(), f"{own} is missing"


def test_the_lists_of_exceptions_name_files_that_exist() -> None:
    """An exception ends with its file."""
    assert [name for name in {*TABLES, *TESTED_ELSEWHERE} if not (ROOT / name).is_file()] == []


def test_an_exception_ends_when_its_cause_does() -> None:
    """A table that has become short, and a module that has a test file of its own now, leave their lists."""
    short = [name for name in TABLES if (ROOT / name).read_text("utf-8").count("\n") <= LONGEST]
    tested = [name for name in TESTED_ELSEWHERE if (ROOT / _own_test(name)).is_file()]
    assert (short, tested) == ([], [])


def test_everything_public_is_documented() -> None:
    """Ruff's docstring rules hold for every module, class and function, without exceptions in the code."""
    ruff = Path(sys.executable).with_name("ruff")
    told = subprocess.run(
        # Without __init__ and magic methods, and without one of each contradictory pair, as pyproject.toml has it.
        [
            ruff,
            "check",
            "--ignore-noqa",
            "--select",
            "D",
            "--ignore",
            "D105,D107,D203,D212",
            "audit",
            "proxy",
            "interlock",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout
