"""Normalized text as a cache key, and masked text for a log."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postgast.native import lib

from proxy.sql.normal import fingerprint, mask, may_name_otherwise, normalize, word_at

LITERALS = (
    "'zqsecret'",
    "E'zq\\'secret'",
    "$$zqsecret$$",
    "$t$zqsecret$t$",
    "U&'zqsecret'",
    "N'zqsecret'",
    "'it''s zqsecret'",
)
SHAPES = (
    "SELECT {}", "SELECT * FROM t WHERE a = {} AND b LIKE {}", "INSERT INTO t VALUES ({}, {})", "EXECUTE p(1, {})",
    "ALTER ROLE x PASSWORD {}", "CREATE USER x WITH ENCRYPTED PASSWORD {} VALID UNTIL {}", "NOTIFY c, {}",
    "COPY t FROM PROGRAM {}", "COPY t TO {} WITH (DELIMITER {})", "DO {}", "DO LANGUAGE plpgsql {}",
    "CREATE SUBSCRIPTION s CONNECTION {} PUBLICATION p", "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (password {})",
    "CREATE USER MAPPING FOR u SERVER s OPTIONS (user {}, password {})", "SET my.token = {}", "ALTER SYSTEM SET x = {}",
    "ALTER ROLE x SET my.token TO {}", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS {}", "COMMENT ON TABLE t IS {}",
    "SECURITY LABEL ON TABLE t IS {}", "PREPARE p AS SELECT {}", "CREATE VIEW v AS SELECT {}", "EXPLAIN SELECT {}",
    "CREATE TABLE t (a text DEFAULT {})", "CALL f({})", "DECLARE c CURSOR FOR SELECT {}", "PREPARE TRANSACTION {}",
    "SELECT 1; ALTER ROLE x PASSWORD {}; SELECT {}", "ALTER ROLE x PASWORD {}", "SELECT 'x' /* {} */ -- {}",
)  # fmt: skip
BARE = (
    "ALTER ROLE x PASSWORD zqsecret", 'ALTER ROLE x PASSWORD "zqsecret"', "SET my.token = zqsecret",
    "SET my.token TO a, zqsecret", "ALTER ROLE x SET my.token TO zqsecret", "ALTER ROLE x PASSWORD 'zqsecret",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (password = zqsecret)", "SELECT 'a\\' zqsecret '' b",
    "SELECT 1\0zqsecret", "SELECT 1 /* zqsecret", "SELECT $x$ zqsecret", "zqsecret 'x", "SELECT 1 -- zqsecret\r\n, 2",
)  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("literal", LITERALS)
def test_literal_is_never_in_the_masked_text(shape: str, literal: str) -> None:
    """Whatever the statement and however the literal is written, also where the grammar refuses the statement."""
    text = shape.replace("{}", literal)
    assert "secret" not in mask(text)
    assert "secret" not in mask("\u00e4\u20ac" + text)


@pytest.mark.parametrize("text", BARE)
def test_secret_is_masked_when_it_is_a_bare_word_or_the_text_is_broken(text: str) -> None:
    """A password without quotes is a syntax error, but the log has it all the same."""
    assert "zqsecret" not in mask(text)


@given(st.sampled_from(SHAPES), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_random_literal_is_never_in_the_masked_text(shape: str, body: str) -> None:
    """The whole literal goes, whatever characters are in it."""
    text = shape.replace("{}", "'" + ("zqsecret" + body + "zqsecret").replace("'", "''") + "'")
    assert "zqsecret" not in mask(text)


@pytest.mark.parametrize("text", [*BARE, *(shape.format(*["'zqsecret"] * 2) for shape in SHAPES)])
def test_a_secret_is_no_word_of_an_error(text: str) -> None:
    """Whatever the grammar stumbles over, at each character of a malformed text."""
    assert not {word for at in range(len(text) + 2) if "zqsecret" in (word := word_at(text, at))}


@pytest.mark.parametrize(
    ("text", "character", "word"),
    [
        ("selec 1", 1, "selec"),
        ("a form \u00e9t\u00e9 where", 8, "\u00e9t\u00e9"),
        ("selec 'a'", 1, "selec"),
        ("select 1 2", 10, ""),
        ("select 'a' x", 12, ""),
        ("set a.b = c d", 13, ""),
        ("alter role r x", 14, ""),
        ("x" * 64, 1, ""),
        ("select", 0, ""),
        ("select", 7, ""),
    ],
)
def test_an_error_shows_the_word_that_it_is_at(text: str, character: int, word: str) -> None:
    """Names and keywords where nothing before them hints at a constant or a secret."""
    assert word == word_at(text, character)


def test_masked_text_keeps_what_an_auditor_needs() -> None:
    """Names, keywords and parameters stay, and white space is made single spaces."""
    assert mask('SELECT a."B",\n  $1 FROM t -- why\n WHERE x = 5') == 'SELECT a."B", $1 FROM t WHERE x = ?'
    assert mask("DROP TABLE 'unterminated") == "DROP TABLE ..."


def _shape(value: Any) -> Any:  # a parse tree as JSON
    match value:
        case {"A_Const": _} | {"ParamRef": _}:
            return "constant"
        case dict():
            return {
                key: _shape(part)
                for key, part in value.items()
                if not key.endswith(("location", "_len", "_start", "_end"))
            }
        case list():
            return [_shape(part) for part in value]
        case _:
            return value


def _tree(text: str) -> Any:
    result = lib.pg_query_parse(text.encode())
    try:
        return None if result.error else _shape(json.loads(result.parse_tree))
    finally:
        lib.pg_query_free_parse_result(result)


CONSTANTS = st.sampled_from(
    [
        "1",
        "-5",
        "'x'",
        "E'\\''",
        "$$a$$",
        "1.5e3",
        "true",
        "NULL",
        "B'1'",
        "X'1f'",
        "$1",
        "interval '1'",
        "r'x'",
        "n'x'",
    ]
)
QUERIES = (
    "SELECT {}", "SELECT{}", "SELECT a{}", "SELECT * FROM t WHERE a = {} AND b IN ({}, {}) LIMIT {}",
    "INSERT INTO t VALUES ({}, {})", "UPDATE t SET a = {} WHERE b ={}AND c = {}", "DELETE FROM t WHERE {} OR a = {}",
    "SELECT f({}, a - {}), {}::text, ARRAY[{}], CASE WHEN {} THEN {} END FROM t ORDER BY 1 OFFSET {}",
    "WITH c AS (SELECT {}) SELECT * FROM c WHERE x BETWEEN {} AND {}", "EXPLAIN SELECT {}",
    "SELECT {}; DELETE FROM t WHERE a = {}",
)  # fmt: skip


@given(st.sampled_from(QUERIES), st.lists(CONSTANTS, min_size=7, max_size=7))
def test_normalized_text_has_the_tree_of_its_text_but_for_constants(query: str, constants: list[str]) -> None:
    """So two texts with one normalized text have one tree; or the grammar refuses it, and none is kept."""
    text = query
    for constant in constants:
        text = text.replace("{}", constant, 1)
    normalized = normalize(text)
    if normalized is None:
        assert _tree(text) is None
    elif (tree := _tree(normalized)) is not None:
        assert tree == _tree(text)


def test_cast_and_column_have_keys_of_their_own() -> None:
    """`r'x'` is a cast to r; normalized as libpg_query does it would be the column `r$1`."""
    assert normalize("SELECT r'x'") != normalize("SELECT r$1")


def test_texts_share_key_and_fingerprint_when_only_constants_differ() -> None:
    """And differ where a name does."""
    first, second, other = "SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b = 2", "SELECT a FROM u WHERE b = 1"
    assert normalize(first) == normalize(second) == "SELECT a FROM t WHERE b = $1"
    assert fingerprint(first) == fingerprint(second) != fingerprint(other)


@pytest.mark.parametrize("text", ["SELEC 1", "SELECT 1\0", "SELECT '\ud800'"])
def test_text_has_no_key_when_the_grammar_refuses_it(text: str) -> None:
    """Neither a normalized text nor a fingerprint."""
    assert normalize(text) is None
    assert fingerprint(text) is None


@pytest.mark.parametrize(
    ("text", "otherwise"),
    [
        ('SELECT a AS "é", ü FROM t', False),
        ("SELECT " + "a" * 80, False),
        ("SELECT Ä", True),
        ('SELECT * FROM "Ä"', True),
        ("SELECT " + "é" * 32, True),
        ('SELECT "' + "é " * 32 + '"', True),
        ("SELECT u&" + r'"\00e9"', True),
    ],
)
def test_names_that_other_encodings_fold_or_cut_are_found(text: str, otherwise: bool) -> None:
    """Letters beyond ASCII that are capitals, and names longer than 63 bytes of UTF-8 that are not ASCII."""
    assert otherwise == may_name_otherwise(text)
