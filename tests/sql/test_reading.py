"""The whole reading of a text: bounds, both witnesses, comparison."""

import pytest

from proxy.sql.facts import Bounds, Effect, Facts, Unreadable
from proxy.sql.reading import _compare, read_statements
from proxy.sql.witness_glot import GlotReading

BOTH = ("libpg_query", "sqlglot")
AGREED = (
    "SELECT * FROM t AS a, LATERAL (SELECT * FROM u) x, unnest(ARRAY[1]) y, generate_series(1, 2) z",
    'SELECT * FROM ONLY "T", s."U v" WHERE a = $1 LIMIT $2',
    "TABLE x",
    "VALUES (1), (2)",
    "SELECT * FROM ROWS FROM (f(1), g(2)) r",
    "SELECT * FROM t TABLESAMPLE bernoulli (1)",
    "SELECT 1 FROM a JOIN b USING (i) FOR UPDATE OF a",
    "WITH c AS (SELECT * FROM t) SELECT * FROM c, public.c UNION SELECT * FROM c",
    "WITH c AS (SELECT * FROM c) SELECT * FROM c",
    "WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT i FROM c) SELECT * FROM c",
    "WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM gone",
    "INSERT INTO s.t AS q (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = excluded.a RETURNING *",
    "UPDATE ONLY t SET a = 1 FROM b WHERE t.i = b.i",
    "DELETE FROM t USING u WHERE t.i = u.i",
    "MERGE INTO t USING s ON t.i = s.i WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)",
    "SELECT a INTO b FROM c",
    "CREATE TABLE a AS SELECT * FROM b",
    "TRUNCATE a, s.b CASCADE",
    "DROP TABLE IF EXISTS a, s.b CASCADE",
)
ALONE = ("VACUUM t", "BEGIN", "NOTIFY a", "DO $$ $$", "SET x = 1", "COPY t FROM STDIN", 'SELECT * FROM U&"t"')


@pytest.mark.parametrize("text", AGREED)
def test_witnesses_agree_when_the_statement_is_honest(text: str) -> None:
    """Both stand behind the facts, and neither tells anything that the other does not."""
    facts = read_statements(text, Bounds())
    assert not isinstance(facts, Unreadable)
    assert [(statement.witnesses, statement.disagreement) for statement in facts] == [(BOTH, None)]


@pytest.mark.parametrize("text", ALONE)
def test_libpg_query_stands_alone_when_sqlglot_has_no_reading(text: str) -> None:
    """What sqlglot does not read well is no disagreement."""
    facts = read_statements(text, Bounds())
    assert not isinstance(facts, Unreadable)
    assert [(statement.witnesses, statement.disagreement) for statement in facts] == [(("libpg_query",), None)]


@pytest.mark.parametrize(
    ("effects", "written", "read", "sentence"),
    [
        ({Effect.DELETE}, {(None, "t")}, set(), "sqlglot alone sees the effect delete"),
        (set(), set(), set(), "sqlglot does not see the effect insert"),
        ({Effect.INSERT}, {("s", "t")}, {(None, "u")}, "sqlglot alone sees written s.t"),
        ({Effect.INSERT}, {(None, "t")}, {(None, "u"), (None, "v")}, "sqlglot alone sees read v"),
        ({Effect.INSERT}, {(None, "t")}, set(), "sqlglot does not see read u"),
    ],
)
def test_disagreement_is_named_when_sqlglot_reads_something_else(
    effects: set[Effect], written: set[tuple[str | None, str]], read: set[tuple[str | None, str]], sentence: str
) -> None:
    """The sentence says who saw what, and an effect that sqlglot alone sees is on record beside the others."""
    facts = read_statements("INSERT INTO t SELECT * FROM u", Bounds())
    assert not isinstance(facts, Unreadable)
    plain = Facts(tag=facts[0].tag, acts=facts[0].acts)
    heard = GlotReading(
        effects=frozenset(effects), implied=frozenset(), written=frozenset(written), read=frozenset(read)
    )
    compared = _compare(plain, heard)
    assert compared.disagreement is not None
    assert sentence in compared.disagreement
    assert effects <= {act.effect for act in compared.acts}


def test_statements_keep_their_order_when_a_text_holds_several() -> None:
    """Each is read by both, or by one, on its own."""
    facts = read_statements("BEGIN; DELETE FROM t; SELECT 1; COMMIT;", Bounds())
    assert not isinstance(facts, Unreadable)
    assert [statement.tag for statement in facts] == ["BEGIN", "DELETE", "SELECT", "COMMIT"]


@pytest.mark.parametrize(("text", "syntax"), [("SELEC 1", True), ("SELECT " + "(" * 600 + "1" + ")" * 600, False)])
def test_text_is_unreadable_when_the_grammar_or_a_bound_refuses_it(text: str, syntax: bool) -> None:
    """Only what PostgreSQL itself would refuse is marked as a syntax error."""
    found = read_statements(text, Bounds())
    assert isinstance(found, Unreadable)
    assert found.syntax_error is syntax
