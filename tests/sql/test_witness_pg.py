"""The door of the libpg_query witness: what is unreadable, and what facts promise about constants."""

from __future__ import annotations

from dataclasses import replace

import postgast
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sql.facts import Bounds, Facts, Unreadable
from proxy.sql.witness_pg import read_pg
from tests.sql.shorthand import read, read_one
from tests.sql.test_witness_pg_rows import READINGS as ROWS
from tests.sql.test_witness_pg_session import READINGS as SESSION
from tests.sql.test_witness_pg_utility import READINGS as UTILITY
from tests.sql.test_witness_pg_walk import CALLS, SLOTS

BOUNDS = Bounds()


@pytest.mark.parametrize("text", ["", ";;", "  -- nothing", "/* a /* b */ c */", "-- a\r;"])
def test_nothing_is_read_as_no_statement(text: str) -> None:
    """A text without statements is readable and empty."""
    assert read_pg(text, BOUNDS) == ()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT FROM WHERE",
        "DELETE t",
        "SELECT 'a",
        "SELECT 1; DROP",
        "DROP OPERATOR = (int)",
        "SELECT U&'\\0'",
        "SELECT 1a",
    ],
)
def test_syntax_errors_are_told(text: str) -> None:
    """What the grammar refuses is unreadable as a syntax error, the whole text at once."""
    reading = read_pg(text, BOUNDS)
    assert isinstance(reading, Unreadable)
    assert reading.syntax_error


def test_statements_are_read_in_order() -> None:
    """Several statements give several facts, in order."""
    assert [facts.tag for facts in read("BEGIN; DELETE FROM t; COMMIT")] == ["BEGIN", "DELETE", "COMMIT"]


def test_more_statements_than_the_bound_are_unreadable() -> None:
    """The bound on statements holds for what the grammar counts."""
    assert isinstance(read_pg("SELECT 1;" * 3, replace(BOUNDS, statements=2)), Unreadable)


@pytest.mark.parametrize("operator", ["||", "+", "AND", "OR", "-"])
def test_long_chains_are_read(operator: str) -> None:
    """A chain of 400 operators is honest SQL."""
    facts = read_one("DELETE FROM t WHERE " + f" {operator} ".join(["a"] * 400))
    assert facts.tag == "DELETE"


@pytest.mark.parametrize("count", [100, 1_000, 10_000, 100_000])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(", ")"),
        ("f(", ")"),
        ("NOT ", ""),
        ("a||", ""),
        ("", "::t"),
        ("", " IS NULL"),
        ("1 UNION SELECT ", ""),
        ("", "[1]"),
        ("(SELECT ", ")"),
        ("ARRAY[", "]"),
        ("", " FROM a" + " JOIN b ON true"),
    ],
)
def test_deep_nesting_never_raises(count: int, before: str, after: str) -> None:
    """However deep, a text is read or unreadable; nothing is raised and nothing crashes."""
    reading = read_pg("SELECT " + before * count + "1" + after * count, BOUNDS)
    assert isinstance(reading, tuple | Unreadable)


CONSTANTS = [
    "SELECT * FROM t WHERE a = 1 AND b LIKE 'x' LIMIT 5",
    "SELECT date '2020-01-01', interval '1' day, 'a'::text, B'1', 1.5, true, NULL",
    "SELECT set_config('search_path', 'x', false)",
    "SELECT current_setting('x')",
    "DELETE FROM t WHERE 1 = 1",
    "DELETE FROM t WHERE id = 5 OR true",
    "DELETE FROM t WHERE id = 5 OR NOT false",
    "DELETE FROM t WHERE 'a' LIKE '%'",
    "MERGE INTO t USING s ON 1 = 1 WHEN MATCHED AND t.a = 1 THEN DELETE",
    "INSERT INTO t VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = 2 WHERE t.c = 3",
    "SELECT * FROM t TABLESAMPLE bernoulli (10) REPEATABLE (1)",
    "FETCH 5 FROM c",
    "VACUUM (FULL 0) t",
    "REINDEX (CONCURRENTLY 0) TABLE t",
]


@pytest.mark.parametrize("text", [*ROWS, *SESSION, *UTILITY, *SLOTS, *CALLS, *CONSTANTS])
def test_facts_of_the_normalized_text_hold_for_the_exact_one(text: str) -> None:
    """Unless constants bind the reading, the text with its constants taken out gives the very same facts."""
    exact = read_one(text)
    normalized = read_pg(postgast.normalize(text), BOUNDS)
    if isinstance(normalized, Unreadable):
        # A constant stands where the grammar takes no parameter: then there is no reading to be led astray by.
        return
    (general,) = normalized
    assert exact.literal_bound == general.literal_bound
    if not exact.literal_bound:
        assert exact == general


_LITERALS = st.sampled_from(["0", "1", "2.5", "'a'", "'0'", "''", "true", "false", "NULL", "E'x'", "''::text"])
_LEAVES = st.builds(
    str.format,
    st.sampled_from(["{0} = {1}", "id = {0}", "{0} IS NULL", "{0}::text", "NOT {0} > {1}", "f({0}) = {1}", "id < {1}"]),
    _LITERALS,
    _LITERALS,
)
_CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR", "AND NOT"]), inner),
    max_leaves=6,
)


def _both(text: str) -> tuple[Facts, Facts]:
    return read_one(text), read_one(postgast.normalize(text))


@given(condition=_CONDITIONS)
def test_no_condition_is_read_differently_when_normalized(condition: str) -> None:
    """Any condition over columns and constants gives the same facts without its constants, or says it may not."""
    exact, general = _both(f"DELETE FROM t WHERE {condition}")
    assert exact.literal_bound == general.literal_bound
    assert exact.literal_bound or exact == general
