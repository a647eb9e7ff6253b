"""sqlglot's reading, and when it has none."""

import pytest

from proxy.sql.facts import Effect
from proxy.sql.witness_glot import read_glot

DEEP = {
    "brackets": "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "subqueries in FROM": "SELECT * FROM " + "(SELECT * FROM " * 11_000 + "t" + ") a" * 11_000,
    "CASE": "SELECT " + "CASE WHEN a THEN " * 3_000 + "1" + " END" * 3_000,
    "NOT": "SELECT " + "NOT " * 3_000 + "a",
    "minus": "SELECT " + "- " * 3_000 + "1",
    "ARRAY, exponential": "SELECT " + "ARRAY[" * 30 + "1" + "]" * 30,
    "type names, exponential": "SELECT " + "date(" * 30 + "1" + ")" * 30,
    "casts, exponential": "SELECT " + "a::int[" * 30 + "1" + "]" * 30,
    "user types, exponential": "SELECT " + "a::foo[" * 30 + "1" + "]" * 30,
    "many tokens": "INSERT INTO t VALUES " + ",".join(["(1)"] * 3_000),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_sqlglot_stands_down_when_a_text_would_crash_or_stall_its_parser(text: str) -> None:
    """Each of these ends the process or does not end, if sqlglot's parser sees it."""
    assert read_glot(text) is None


def test_names_are_folded_as_postgresql_folds() -> None:
    """Unquoted ASCII letters are lowered, quoted names and other letters stay, 63 bytes count."""
    found = read_glot('SELECT * FROM Abc, "Abc", \u00c4B, ' + "x" * 70)
    assert found is not None
    assert found[0] is not None
    assert {(None, "abc"), (None, "Abc"), (None, "\u00c4b"), (None, "x" * 63)} == found[0].read


def test_words_that_are_values_name_no_relation() -> None:
    """CURRENT_DATE and its like may stand in FROM; quoted, or behind a schema, they are names like others."""
    found = read_glot('SELECT * FROM current_date d, Current_User, localtime, "user", s.current_date, users')
    assert found is not None
    assert found[0] is not None
    assert found[0].read == {(None, "user"), ("s", "current_date"), (None, "users")}


def test_writes_inside_a_cte_are_seen() -> None:
    """A CTE's name is no relation, what it writes is written."""
    found = read_glot("WITH c AS (DELETE FROM x RETURNING *) SELECT * FROM c, s.c")
    assert found is not None
    assert found[0] is not None
    assert found[0].effects == {Effect.DELETE}
    assert found[0].written == {(None, "x")}
    assert found[0].read == {("s", "c")}


@pytest.mark.parametrize("text", ["VACUUM", "CHECKPOINT", "NOTIFY a", "DISCARD ALL", "CLUSTER t", "DROP FUNCTION f"])
def test_utility_statement_has_no_reading_when_sqlglot_takes_it_for_an_expression(
    text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor is a word of it logged."""
    assert read_glot(text) in {None, (None,)}
    assert capfd.readouterr() == ("", "")


def test_what_sqlglot_trips_over_has_no_reading() -> None:
    """An interval that is none fails an assertion inside sqlglot; PostgreSQL's own grammar reads it."""
    assert read_glot("SELECT * FROM generate_series(1, 2, '')") is None


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t VALUES ($1,$2,$3)",
        "INSERT INTO t SELECT f($1,$2), g($3,$4) FROM a",
        "INSERT INTO t SELECT date $1, b FROM a WHERE c > now() - interval $2",
        "INSERT INTO \"t\" SELECT '$1,$2', E'\\'$1', $q$ $1,$q$, $1 /* '$1 */ FROM a -- '$2",
    ],
)
def test_parameters_are_read_as_constants(text: str) -> None:
    """Left to itself, sqlglot takes `$1,$` for a dollar quote, and cannot read a type's name before a parameter."""
    found = read_glot(text)
    assert found is not None
    assert found[0] is not None
    assert found[0].effects == {Effect.INSERT}
    assert found[0].written == {(None, "t")}
    assert found[0].read <= {(None, "a")}


def test_names_that_look_like_parameters_stay() -> None:
    """What stands in quotes, or in a word, is no parameter."""
    found = read_glot('SELECT * FROM "a $1,$2", b$1')
    assert found is not None
    assert found[0] is not None
    assert {(None, "a $1,$2"), (None, "b$1")} == found[0].read
