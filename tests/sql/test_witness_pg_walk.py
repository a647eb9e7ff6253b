"""Calls are found in every expression slot of the grammar: functions, operators, types, attribute notation."""

from __future__ import annotations

import pytest

from proxy.sql.facts import TargetKind
from tests.sql.shorthand import read_one, short_call

# Each text calls `bad` in one slot that an expression can stand in.
SLOTS = [
    "SELECT bad()",
    "SELECT DISTINCT ON (bad()) 1",
    "SELECT * FROM bad()",
    "SELECT * FROM ROWS FROM (now(), bad()) WITH ORDINALITY",
    "SELECT * FROM t, LATERAL (SELECT bad(t.x)) q",
    "SELECT * FROM a JOIN b ON bad()",
    "SELECT * FROM t TABLESAMPLE bernoulli (bad())",
    "SELECT * FROM t TABLESAMPLE bernoulli (1) REPEATABLE (bad())",
    "SELECT * FROM t TABLESAMPLE bad (1)",
    "SELECT 1 WHERE bad()",
    "SELECT 1 GROUP BY ROLLUP (bad(), (1, 2))",
    "SELECT 1 GROUP BY GROUPING SETS ((bad()))",
    "SELECT 1 HAVING bad()",
    "SELECT 1 ORDER BY bad()",
    "SELECT 1 LIMIT bad()",
    "SELECT 1 OFFSET bad()",
    "SELECT 1 ORDER BY 1 FETCH FIRST (bad()) ROWS WITH TIES",
    "SELECT sum(x) FILTER (WHERE bad()) FROM t",
    "SELECT string_agg(x, ',' ORDER BY bad()) FROM t",
    "SELECT mode() WITHIN GROUP (ORDER BY bad()) FROM t",
    "SELECT sum(x) OVER (PARTITION BY bad()) FROM t",
    "SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN bad() PRECEDING AND 1 FOLLOWING) FROM t",
    "SELECT sum(x) OVER w FROM t WINDOW w AS (ORDER BY bad())",
    "SELECT f(VARIADIC ARRAY[bad()])",
    "SELECT f(a => bad())",
    "SELECT x[bad()] FROM t",
    "SELECT x[1:bad()] FROM t",
    "SELECT (bad()).y",
    "SELECT ARRAY[[bad()]]",
    "SELECT ROW(bad(), 1)",
    "SELECT CASE WHEN bad() THEN 1 END",
    "SELECT CASE x WHEN 1 THEN 2 ELSE bad() END FROM t",
    "SELECT COALESCE(NULL, GREATEST(bad(), 1))",
    "SELECT NULLIF(1, bad())",
    "SELECT bad() IS NULL",
    "SELECT bad() IS NOT TRUE",
    "SELECT bad() IS JSON",
    "SELECT bad()::text",
    'SELECT bad() COLLATE "C"',
    "SELECT 1 IN (2, bad())",
    "SELECT 1 = ANY (ARRAY(SELECT bad()))",
    "SELECT x BETWEEN 1 AND bad() FROM t",
    "SELECT x LIKE 'a' ESCAPE bad() FROM t",
    "SELECT EXTRACT(year FROM bad())",
    "SELECT bad() AT TIME ZONE 'UTC'",
    "SELECT SUBSTRING(bad() FROM 1 FOR 2)",
    "SELECT XMLELEMENT(NAME a, XMLATTRIBUTES(bad() AS b))",
    "SELECT XMLSERIALIZE(CONTENT bad() AS text)",
    "SELECT * FROM XMLTABLE('x' PASSING bad() COLUMNS a int)",
    "SELECT * FROM XMLTABLE('x' PASSING y COLUMNS a int PATH 'b' DEFAULT bad())",
    "SELECT JSON_OBJECT('a': bad())",
    "SELECT JSON_ARRAYAGG(x ORDER BY bad()) FROM t",
    "SELECT JSON_OBJECTAGG(x: y) FILTER (WHERE bad()) FROM t",
    "SELECT JSON_ARRAY(SELECT bad())",
    "SELECT JSON_VALUE(x, '$' PASSING bad() AS v) FROM t",
    "SELECT JSON_VALUE(x, '$' DEFAULT bad() ON ERROR) FROM t",
    "SELECT * FROM JSON_TABLE(bad(), '$' COLUMNS (a int))",
    "SELECT * FROM JSON_TABLE(x, '$' COLUMNS (NESTED '$' COLUMNS (a int DEFAULT bad() ON EMPTY)))",
    "VALUES (1, bad())",
    "WITH a AS (SELECT bad()) SELECT 1",
    "INSERT INTO t VALUES (bad())",
    "INSERT INTO t (a[bad()]) VALUES (1)",
    "INSERT INTO t VALUES (1) ON CONFLICT (bad(a)) DO NOTHING",
    "INSERT INTO t VALUES (1) ON CONFLICT (a) WHERE bad() DO NOTHING",
    "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = bad()",
    "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1 WHERE bad()",
    "INSERT INTO t VALUES (1) RETURNING bad()",
    "UPDATE t SET a = bad()",
    "UPDATE t SET (a, b) = (1, bad())",
    "UPDATE t SET a[bad()] = 1",
    "DELETE FROM t USING bad() b WHERE t.a = b",
    "MERGE INTO t USING s ON bad() WHEN MATCHED THEN DELETE",
    "MERGE INTO t USING s ON true WHEN MATCHED AND bad() THEN DELETE",
    "MERGE INTO t USING s ON true WHEN NOT MATCHED THEN INSERT VALUES (bad())",
    "MERGE INTO t USING s ON true WHEN MATCHED THEN UPDATE SET a = bad() RETURNING 1",
    "COPY t FROM STDIN WHERE bad()",
    "COPY (SELECT bad()) TO STDOUT",
    "CALL p(bad())",
    "EXECUTE p(bad())",
    "PREPARE p AS SELECT bad()",
    "DECLARE c CURSOR FOR SELECT bad()",
    "EXPLAIN SELECT bad()",
    "CREATE TABLE x AS SELECT bad()",
    "CREATE INDEX ON t (bad(a))",
    "ALTER TABLE t ADD COLUMN a int DEFAULT bad()",
    "ALTER TABLE t ALTER a TYPE int USING bad(a)",
    "CREATE VIEW v AS SELECT bad()",
]


@pytest.mark.parametrize("text", SLOTS)
def test_call_is_found_in_slot(text: str) -> None:
    """A function is found wherever the grammar lets an expression stand."""
    assert "bad" in {call.name for call in read_one(text).calls if call.kind is TargetKind.FUNCTION}


CALLS = {
    "SELECT f(), s.f(1), d.s.g(1, 2)": ["function f/0", "function s.f/1", "function s.g/2"],
    "SELECT count(*), f(VARIADIC a)": ["function count/0", "function f/?"],
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x)": ["function percentile_cont/2"],
    'SELECT "Quoted"(1), U&"\\0066"(1)': ["function Quoted/1", "function f/1"],
    "SELECT 1 + 2, - x, a OPERATOR(s.+) b": ["operator +/2", "operator -/1", "operator s.+/2"],
    "SELECT a BETWEEN b AND c": ["operator >=/2", "operator <=/2", "operator </2", "operator >/2"],
    "SELECT a NOT BETWEEN SYMMETRIC b AND c": ["operator >=/2", "operator <=/2", "operator </2", "operator >/2"],
    "SELECT a LIKE b": ["operator ~~/2"],
    "SELECT a IN (SELECT 1)": ["operator =/2"],
    "SELECT a OPERATOR(s.=) ANY (SELECT 1)": ["operator s.=/2"],
    "SELECT a OPERATOR(s.=) ANY (b)": ["operator s.=/2"],
    "SELECT 1 ORDER BY 1 USING OPERATOR(s.<)": ["operator s.</2"],
    "SELECT a::s.d, CAST(a AS e[]), int '1'": ["type s.d/1", "type e/1", "type pg_catalog.int4/1"],
    "SELECT * FROM f() AS (a d)": ["function f/0", "type d/1"],
    "SELECT XMLSERIALIZE(CONTENT a AS d)": ["type d/1"],
    "SELECT JSON_VALUE(a, '$' RETURNING d)": ["type d/1"],
    "SELECT * FROM JSON_TABLE(a, '$' COLUMNS (b d))": ["type d/1"],
    "SELECT EXTRACT(year FROM a)": ["function pg_catalog.extract/2"],
    "SELECT CURRENT_DATE, CURRENT_USER": [],
    "PREPARE p (d) AS SELECT 1": ["type d/1"],
    "CREATE TABLE t (a d)": [],
    "DROP TYPE d": [],
}


@pytest.mark.parametrize(("text", "expected"), CALLS.items())
def test_calls_as_written(text: str, expected: list[str]) -> None:
    """Functions, operators and types are named as written, with the number of arguments."""
    assert expected == [short_call(call) for call in read_one(text).calls]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT u.email, email, s.t.c, u.*, t FROM u", {"email", "c"}),
        ("SELECT (u).purge, (f(x)).a[1].b", {"purge", "a", "b"}),
        ("SELECT 1 FROM t ORDER BY t.purge", {"purge"}),
        ('SELECT u."Purge"', {"Purge"}),
    ],
)
def test_columns_that_may_be_calls(text: str, expected: set[str]) -> None:
    """The last name of a qualified column and every name of an indirection may be functions."""
    assert expected == read_one(text).columns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT (x).purge, (f(x)).a[1].b", {"purge", "a", "b"}),
        ("SELECT x.purge, y.keep, s.x.drop FROM f() x, t y", {"purge", "drop"}),
        ("SELECT unnest.purge, t.keep FROM unnest(a), t", {"purge"}),
        ("SELECT f.purge FROM s.f(1)", {"purge"}),
        ("SELECT x.purge FROM t, LATERAL f(t.a) WITH ORDINALITY AS x (v)", {"purge"}),
        ("SELECT f.purge, g.keep FROM ROWS FROM (f(), g()), g", {"purge"}),
        ('SELECT "current_date".purge, t.purge2 FROM current_date, t', {"purge", "purge2"}),
        ('SELECT "coalesce".purge FROM coalesce(1, 2)', {"purge"}),
        ("SELECT (SELECT x.purge) FROM f() x ORDER BY x.a", {"purge", "a"}),
        ("UPDATE t SET a = x.purge FROM f() x WHERE t.keep = 1", {"purge"}),
        ("MERGE INTO t USING f() x ON t.keep = x.purge WHEN MATCHED THEN DO NOTHING", {"purge"}),
        ("SELECT u.keep, v.keep, w.keep FROM u, (VALUES (1)) v, (SELECT 1) w, x", set()),
    ],
)
def test_names_that_may_be_called_on_any_value(text: str, expected: set[str]) -> None:
    """The row of a function in FROM may be a bare value, and then `alias.name` may call what takes such a value."""
    assert expected == read_one(text).fields


@pytest.mark.parametrize(
    ("text", "constants"),
    [
        ("SELECT set_config('role', 'x', true)", ("role", "x", "true")),
        ("SELECT pg_catalog.set_config($1, 'x', false)", (None, "x", "false")),
        ("SELECT set_config(setting_name => 'role', new_value => 'x', is_local => true)", ()),
        ("SELECT set_config(VARIADIC ARRAY['role'])", (None,)),
        ("SELECT set_config('a', '1'::numeric(3,-1)::text, false)", ("a", None, "false")),
        ("SELECT set_config(CAST('a' AS s.t), text '1', 'x'::bool)", (None, None, None)),
    ],
)
def test_constants_of_set_config_bind_the_reading(text: str, constants: tuple[str | None, ...]) -> None:
    """What set_config is given is part of the facts, so the exact text is the key."""
    facts = read_one(text)
    assert (constants, True) == (facts.calls[0].constants, facts.literal_bound)
