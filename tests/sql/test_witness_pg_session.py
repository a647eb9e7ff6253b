"""What the libpg_query witness says of settings, transactions, cursors, prepared statements and EXPLAIN."""

from __future__ import annotations

import pytest

from tests.sql.shorthand import read_one, short_acts

READINGS = {
    "SET work_mem = '1GB'": ("SET", ["set setting:work_mem = 1GB"]),
    "SET WORK_MEM TO 8": ("SET", ["set setting:work_mem = 8"]),
    "SET LOCAL search_path = a": ("SET", ["set+local setting:search_path = a"]),
    "SET search_path = a, b": ("SET", ["set setting:search_path"]),
    "SET SCHEMA 'x'": ("SET", ["set setting:search_path = x"]),
    "SET NAMES 'LATIN1'": ("SET", ["set setting:client_encoding = LATIN1"]),
    "SET TIME ZONE 'UTC'": ("SET", ["set setting:timezone = UTC"]),
    "SET TIME ZONE LOCAL": ("SET", ["set setting:timezone = \0default"]),
    'SET "MyApp.Tenant" = x': ("SET", ["set setting:myapp.tenant = x"]),
    "SET x FROM CURRENT": ("SET", ["set setting:x"]),
    "SET TRANSACTION SNAPSHOT 'x'": ("SET", ["set setting:transaction_snapshot = x"]),
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE, NOT DEFERRABLE": (
        "SET",
        [
            "set setting:transaction_isolation = serializable",
            "set setting:transaction_read_only = off",
            "set setting:transaction_deferrable = off",
        ],
    ),
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY": (
        "SET",
        ["set setting:default_transaction_read_only = on"],
    ),
    "RESET work_mem": ("RESET", ["set setting:work_mem = \0default"]),
    "SET work_mem TO DEFAULT": ("SET", ["set setting:work_mem = \0default"]),
    "SET work_mem = 'default'": ("SET", ["set setting:work_mem = default"]),
    "RESET ALL": ("RESET", ["set setting:all"]),
    "SET ROLE admin": ("SET", ["role_change role:admin"]),
    "SET ROLE NONE": ("SET", ["role_change role:none"]),
    "SET role = 'admin'": ("SET", ["role_change role:admin"]),
    'SET "ROLE" TO DEFAULT': ("SET", ["role_change role:"]),
    "RESET ROLE": ("RESET", ["role_change role:"]),
    "SET LOCAL SESSION AUTHORIZATION bob": ("SET", ["role_change+local role:bob"]),
    "RESET SESSION AUTHORIZATION": ("RESET", ["role_change role:"]),
    "SET session_authorization TO bob": ("SET", ["role_change role:bob"]),
    "SHOW ALL": ("SHOW", ["show setting:all"]),
    "ALTER SYSTEM SET x = 1": ("ALTER SYSTEM", ["system_setting setting:x"]),
    "ALTER SYSTEM RESET ALL": ("ALTER SYSTEM", ["system_setting setting:all"]),
    "DISCARD TEMP": ("DISCARD", ["discard"]),
    "SET CONSTRAINTS ALL DEFERRED": ("SET CONSTRAINTS", ["transaction"]),
    # Transactions
    "BEGIN READ ONLY": ("BEGIN", ["transaction"]),
    "START TRANSACTION": ("START TRANSACTION", ["transaction"]),
    "END": ("COMMIT", ["transaction"]),
    "ABORT AND CHAIN": ("ROLLBACK", ["transaction"]),
    "SAVEPOINT a": ("SAVEPOINT", ["transaction"]),
    "RELEASE a": ("RELEASE", ["transaction"]),
    "ROLLBACK TO a": ("ROLLBACK", ["transaction"]),
    "PREPARE TRANSACTION 'x'": ("PREPARE TRANSACTION", ["two_phase"]),
    "COMMIT PREPARED 'x'": ("COMMIT PREPARED", ["two_phase"]),
    "ROLLBACK PREPARED 'x'": ("ROLLBACK PREPARED", ["two_phase"]),
    # Cursors and prepared statements
    "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM t": ("DECLARE CURSOR", ["cursor+with_hold cursor:c", "select t"]),
    "DECLARE c BINARY SCROLL CURSOR FOR SELECT 1": ("DECLARE CURSOR", ["cursor cursor:c", "select"]),
    "FETCH ALL FROM c": ("FETCH", ["cursor cursor:c"]),
    "MOVE c": ("MOVE", ["cursor cursor:c"]),
    "CLOSE ALL": ("CLOSE CURSOR", ["cursor cursor:"]),
    "PREPARE p (int) AS DELETE FROM t": ("PREPARE", ["prepare prepared:p", "delete+unbounded t"]),
    "EXECUTE p ((SELECT 1 FROM t))": ("EXECUTE", ["prepare prepared:p", "select t"]),
    "DEALLOCATE ALL": ("DEALLOCATE", ["prepare prepared:"]),
    # EXPLAIN
    "EXPLAIN DELETE FROM t": ("EXPLAIN", ["explain"]),
    "EXPLAIN (VERBOSE, ANALYZE off) DELETE FROM t": ("EXPLAIN", ["explain"]),
    "EXPLAIN (ANALYZE false) DELETE FROM t": ("EXPLAIN", ["explain"]),
    "EXPLAIN (ANALYZE 0) DELETE FROM t": ("EXPLAIN", ["explain"]),
    "EXPLAIN ANALYZE VERBOSE DELETE FROM t": ("EXPLAIN", ["explain+analyze", "delete+unbounded t"]),
    "EXPLAIN ANALYSE DELETE FROM t": ("EXPLAIN", ["explain+analyze", "delete+unbounded t"]),
    "EXPLAIN (ANALYZE) DELETE FROM t": ("EXPLAIN", ["explain+analyze", "delete+unbounded t"]),
    "EXPLAIN (ANALYZE 1) DELETE FROM t": ("EXPLAIN", ["explain+analyze", "delete+unbounded t"]),
    "EXPLAIN (ANALYZE 'On', COSTS) DELETE FROM t": ("EXPLAIN", ["explain+analyze", "delete+unbounded t"]),
    "EXPLAIN (ANALYZE off, ANALYZE on) DELETE FROM t": ("EXPLAIN", ["explain+analyze", "delete+unbounded t"]),
    "EXPLAIN ANALYZE EXECUTE p": ("EXPLAIN", ["explain+analyze", "prepare prepared:p"]),
    "EXPLAIN ANALYZE CREATE TABLE x AS SELECT * FROM t": ("EXPLAIN", ["explain+analyze", "create x", "select t"]),
    "EXPLAIN ANALYZE WITH d AS (DELETE FROM t) SELECT 1": (
        "EXPLAIN",
        ["explain+analyze", "delete+unbounded t", "select"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), READINGS.items())
def test_acts_of_session_statements(text: str, expected: tuple[str, list[str]]) -> None:
    """Tag and acts are those of the statement and of what it runs."""
    facts = read_one(text)
    assert expected == (facts.tag, short_acts(facts))


@pytest.mark.parametrize(
    ("text", "literal_bound"),
    [
        ("SET x = 1", True),
        ("SET x = $1", True),
        ("SET ROLE a", True),
        ("RESET x", False),
        ("EXPLAIN (ANALYZE 0) SELECT 1", True),
        ("EXPLAIN ANALYZE SELECT 1", False),
        ("SET TRANSACTION READ ONLY", True),
        ("BEGIN READ ONLY", False),
    ],
)
def test_constants_that_decide_bind_the_reading(text: str, literal_bound: bool) -> None:
    """Where a constant's value is part of the facts, only the exact text may be a key."""
    assert literal_bound is read_one(text).literal_bound


def test_explain_keeps_calls_without_running_the_statement() -> None:
    """Planning evaluates stable functions, so a plain EXPLAIN still says what it calls."""
    assert [call.name for call in read_one("EXPLAIN SELECT purge()").calls] == ["purge"]
