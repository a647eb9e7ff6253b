"""What the libpg_query witness says of statements that touch rows."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.sql.shorthand import read_one, short_acts

READINGS = {
    "SELECT 1": ["select"],
    "TABLE s.t": ["select s.t"],
    "VALUES (1), (2)": ["select"],
    "SELECT * FROM a, s.b JOIN c ON true": ["select a", "select s.b", "select c"],
    "SELECT (SELECT max(x) FROM a) FROM b WHERE EXISTS (SELECT FROM c)": ["select a", "select b", "select c"],
    "SELECT a FROM t UNION (SELECT b FROM u ORDER BY (SELECT 1 FROM v))": ["select t", "select u", "select v"],
    "SELECT * INTO TEMP x FROM t": ["create+temporary x", "select t"],
    'SELECT * FROM "Users", Users': ["select Users", "select users"],
    # CTEs
    "WITH a AS (SELECT * FROM t) SELECT * FROM a": ["select t"],
    "WITH a AS (SELECT * FROM a) SELECT * FROM a": ["select a"],
    "WITH RECURSIVE a AS (SELECT * FROM a) SELECT * FROM a": ["select"],
    "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT 1": ["select b"],
    "WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT * FROM t) SELECT 1": ["select t"],
    "WITH a AS (SELECT 1) SELECT * FROM public.a": ["select public.a"],
    "WITH a AS (SELECT 1) SELECT * FROM (WITH b AS (SELECT * FROM a) SELECT * FROM b, t) q": ["select t"],
    "SELECT * FROM (WITH b AS (SELECT 1) SELECT * FROM b) q, b": ["select b"],
    "WITH a AS (DELETE FROM t RETURNING *) SELECT 1": ["delete+unbounded t", "select"],
    "WITH a AS (SELECT 1) DELETE FROM a WHERE x = 1": ["delete a", "select"],
    "WITH a AS (SELECT 1) UPDATE a SET x = 1 FROM a b WHERE a.x = b.x": ["update a", "select"],
    "WITH a AS (SELECT 1) INSERT INTO a SELECT * FROM a": ["insert a", "select"],
    "WITH a AS (SELECT 1) MERGE INTO a USING a b ON a.x = b.x WHEN MATCHED THEN DO NOTHING": ["merge a", "select"],
    # Writes
    "INSERT INTO t VALUES (1)": ["insert t"],
    "INSERT INTO t DEFAULT VALUES": ["insert t"],
    "INSERT INTO t VALUES ((SELECT x FROM u))": ["insert t", "select u"],
    "INSERT INTO t SELECT * FROM s.u": ["insert t", "select s.u"],
    "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING": ["insert t"],
    "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = (SELECT 1 FROM u)": [
        "insert+on_conflict_update t",
        "update t",
        "select u",
    ],
    "UPDATE t SET (a, b) = (SELECT 1, 2 FROM u) FROM v WHERE t.x = v.x": ["update t", "select u", "select v"],
    "DELETE FROM t USING u WHERE t.x = u.x RETURNING (SELECT 1 FROM v)": ["delete t", "select u", "select v"],
    "DELETE FROM t WHERE CURRENT OF c": ["delete t"],
    "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED AND s.x THEN UPDATE SET a = 1 WHEN MATCHED THEN DELETE"
    " WHEN NOT MATCHED THEN INSERT VALUES (1)": ["merge t", "update t", "delete t", "insert t", "select s"],
    "MERGE INTO t USING s ON t.a = s.a WHEN NOT MATCHED BY SOURCE THEN DELETE": [
        "merge t",
        "delete+unbounded t",
        "select s",
    ],
    "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE": ["merge t", "delete+unbounded t", "select s"],
    # Locks
    "SELECT * FROM a, b FOR UPDATE": ["select+locking a", "select+locking b"],
    "SELECT * FROM a x, b y FOR SHARE OF y": ["select a", "select+locking b"],
    "SELECT * FROM (SELECT * FROM a) x FOR UPDATE": ["select+locking a"],
    "SELECT * FROM a WHERE EXISTS (SELECT FROM b FOR KEY SHARE)": ["select a", "select+locking b"],
    "WITH c AS (SELECT * FROM a) SELECT * FROM c FOR UPDATE": ["select a"],
}


@pytest.mark.parametrize(("text", "expected"), READINGS.items())
def test_acts_of_row_statements(text: str, expected: list[str]) -> None:
    """Every relation read or written is named once, with PostgreSQL's scope of CTE names."""
    assert sorted(expected) == sorted(short_acts(read_one(text)))


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("SELECT 1", "SELECT"),
        ("VALUES (1)", "SELECT"),
        ("SELECT 1 INTO a", "SELECT INTO"),
        ("WITH a AS (DELETE FROM t) INSERT INTO u VALUES (1)", "INSERT"),
        ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", "MERGE"),
    ],
)
def test_tag_is_that_of_the_outermost_statement(text: str, tag: str) -> None:
    """The command tag is PostgreSQL's for the statement itself, whatever it carries."""
    assert tag == read_one(text).tag


def test_many_ctes_are_read_in_memory_linear_in_the_text() -> None:
    """Each CTE sees those before it, but none carries a list of its own: 50,000 of them once filled the machine."""
    text = "WITH " + ", ".join(f"c{n} AS (SELECT * FROM c{n - 1})" for n in range(1, 3_000)) + " SELECT * FROM c2999, t"
    tracemalloc.start()
    try:
        facts = read_one(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sorted(short_acts(facts)) == ["select c0", "select t"]
    assert peak < 500 * len(text)
