"""A shape may stand for a decision only where normalizing would have given one and the same text."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.sql import covers, normalize, shape

TEMPLATES = (
    "SELECT abalance FROM pgbench_accounts WHERE aid = {}",
    "UPDATE pgbench_tellers SET tbalance = tbalance + {} WHERE tid = {}",
    "UPDATE pgbench_tellers SET tbalance = tbalance + -{} WHERE tid = {}",
    "INSERT INTO h (a, b) VALUES ({}, {}), ({}, CURRENT_TIMESTAMP)",
    "SELECT a[{}:{}], b - {} FROM t WHERE c IN ({}, {}) LIMIT {} OFFSET {}",
    "SELECT x::varchar({}) FROM t WHERE y = {}",
    "SELECT NULL, {} FROM t TABLESAMPLE bernoulli ({})",
    "DELETE FROM t WHERE {} = {}",
    "SELECT a FROM t ORDER BY {}",
    "FETCH {} FROM c",
    "DECLARE c CURSOR FOR SELECT {}",
    "SELECT count(*) FILTER (WHERE a > {}) OVER (ROWS BETWEEN {} PRECEDING AND CURRENT ROW) FROM t",
    "EXPLAIN (ANALYZE {}) SELECT {}",
    "SET statement_timeout = {}",
    "SELECT {}; DROP TABLE t{}",
    "SELECT interval_{}, {}.{}, .{}, {}e{} FROM t",
)
INTEGERS = st.integers(min_value=0, max_value=10**9 - 1).map(str)
ODD = st.sampled_from(["007", "1000000000", "2147483648", "1_000", "0x1F"])


@given(st.sampled_from(TEMPLATES), st.data())
def test_texts_of_a_covered_shape_are_normalized_alike(template: str, data: st.DataObject) -> None:
    """Wherever a shape is taken for a normalized text, every text of that shape has it."""
    numbers = [data.draw(INTEGERS) for _ in range(template.count("{}"))]
    if data.draw(st.integers(0, 3)) == 0:
        numbers[data.draw(st.integers(0, len(numbers) - 1))] = data.draw(ODD)
    first = template.format(*numbers)
    shaped, normalized = shape(first.encode()), normalize(first)
    assert shaped is not None
    # Not an early return: where too few examples are left, hypothesis fails the test.
    assume(normalized is not None and covers(shaped, normalized.encode()))
    pieces = shaped.decode().split("\x01")
    second = "".join(piece + data.draw(INTEGERS) for piece in pieces[:-1]) + pieces[-1]
    assert shape(second.encode()) == shaped
    assert normalize(second) == normalized


@pytest.mark.parametrize("template", TEMPLATES[:5])
def test_everyday_statements_have_a_covered_shape(template: str) -> None:
    """What benchmarks and applications send over and over does have one."""
    text = template.format(*range(10, 10 + template.count("{}")))
    shaped = shape(text.encode())
    assert shaped is not None
    assert covers(shaped, (normalize(text) or "").encode())


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'a'",
        'SELECT "a 1"',
        "SELECT 1 -- 2",
        "SELECT 4 / 2",
        "SELECT $1",
        "SELECT E'\\1'",
        "SELECT 1\x01",
        "SELECT é",
    ],
)
def test_text_with_more_than_plain_tokens_has_no_shape(text: str) -> None:
    """Quotes, comments, parameters and bytes beyond ASCII are left to the grammar."""
    assert shape(text.encode()) is None


@pytest.mark.parametrize(
    "text", ["SELECT x::varchar(10)", "FETCH 5 FROM c", "SELECT t1 FROM t; SET statement_timeout = 5", "EXECUTE p(1)"]
)
def test_integer_that_normalization_leaves_is_not_covered(text: str) -> None:
    """Where an integer stands in the normalized text, its value may decide."""
    shaped = shape(text.encode())
    assert shaped is not None
    normalized = (normalize(text) or "").encode()
    assert covers(shaped, normalized) is (b"$" in normalized and b"5" not in normalized and b"10" not in normalized)
