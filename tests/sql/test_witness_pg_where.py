"""Which WHERE clauses bound an UPDATE or DELETE, and which hang on a constant's value."""

from __future__ import annotations

import pytest

from proxy.sql.facts import Modifier
from tests.sql.shorthand import read_one


@pytest.mark.parametrize(
    ("where", "unbounded", "literal_bound"),
    [
        ("", True, False),
        ("WHERE id = 1", False, False),
        ("WHERE id = $1 AND name LIKE 'x%'", False, False),
        ("WHERE CURRENT OF c", False, False),
        ("WHERE id IN (SELECT x FROM t)", False, False),
        ("WHERE true", True, True),
        ("WHERE $1", True, True),
        ("WHERE false", True, True),
        ("WHERE now() IS NOT NULL", True, True),
        ("WHERE EXISTS (SELECT 1 FROM u)", True, True),
        ("WHERE id = 1 OR true", True, True),
        ("WHERE id = 1 OR 1 = 1", True, True),
        ("WHERE id = 1 OR 2 > 1", True, True),
        ("WHERE id = 1 OR 'a' = 'a'::text", True, True),
        ("WHERE id = 1 OR 1 = 2", False, True),
        ("WHERE id = 1 AND 1 = 1", False, True),
        ("WHERE id = 1 OR $1 = $2", False, True),
        ("WHERE NOT (id = 1 AND false)", True, True),
        ("WHERE NOT NOT (id = 1 OR NOT false)", True, True),
        ("WHERE id = 1 OR 1::bigint = 2", False, True),
        ("WHERE id = 1 OR pg_catalog.text 'a' = 'b'", False, True),
        ("WHERE id = 1 OR 0 = 2::numeric(3,-1)", True, True),
        ("WHERE id = 1 OR NOT 2 = 2::numeric(3,-1)", True, True),
        ("WHERE id = 1 OR 'ab'::char(1) = 'a'", True, True),
        ("WHERE id = 1 OR 't'::bool", True, True),
        ("WHERE id = 1 OR 'x'::s.text = 'y'", True, True),
        ("WHERE id = 1 AND 't'::bool", False, True),
        ("WHERE id = 1 AND NOT 0::bool", False, True),
        ("WHERE id = id AND 0 = 2::numeric(3,-1)", True, True),
        ("WHERE $1::int IS NULL OR id = $1", False, True),
        ("WHERE $1::text = '' OR id = $2", False, True),
        ("WHERE id = id", True, False),
        ("WHERE id = other", False, False),
        ("WHERE id IS NOT DISTINCT FROM id", True, False),
    ],
)
def test_where_bounds_a_delete(where: str, unbounded: bool, literal_bound: bool) -> None:
    """No WHERE, one without columns, and one that constants make true are unbounded; constants bind the reading."""
    facts = read_one(f"DELETE FROM t {where}")
    assert (unbounded, literal_bound) == (Modifier.UNBOUNDED in facts.acts[0].modifiers, facts.literal_bound)


def test_update_is_judged_as_delete_is() -> None:
    """An UPDATE without WHERE is unbounded too."""
    assert frozenset({Modifier.UNBOUNDED}) == read_one("UPDATE t SET a = 1").acts[0].modifiers


def test_deep_conditions_are_read() -> None:
    """A boolean tree of any depth that was parsed is judged without recursion."""
    facts = read_one("DELETE FROM t WHERE " + "NOT " * 300 + "true")
    assert frozenset({Modifier.UNBOUNDED}) == facts.acts[0].modifiers
