"""The bounds that hold before any parser sees a text."""

import pytest

from proxy.sql.bounds import check_bounds
from proxy.sql.facts import Bounds

SMALL = Bounds(statement_bytes=200, nesting_depth=3, statements=2)

WITHIN = {
    "as deep as allowed": "SELECT ((ARRAY[1]))",
    "side by side": "SELECT (1)+(1)+(1)+(1)+(1)",
    "in a string": "SELECT '(((((', 'it''s ((((('",
    "in an escape string": r"SELECT e'\'(((((', E'\\', e'(((((''((('",
    "in a quoted identifier": 'SELECT "((((("',
    "in a dollar quote": "SELECT $$((((($$, $a$ $$ ((((( $a$",
    "in adjacent dollar quotes": "SELECT $$((($$||$b$(((($b$",
    "in a line comment": "SELECT 1 -- (((((\n, 2",
    "in a line comment ended by a carriage return": "SELECT 1 -- (((((\r, 2",
    "in a nested comment": "SELECT 1 /* ( /* ((((( ' */ ( */",
    "semicolons in a string": "SELECT ';;;;;;'",
    "closed by a semicolon": "SELECT 1; SELECT 2;",
}
BEYOND = {
    "brackets": ("SELECT ((((1))))", "nested 4 deep"),
    "mixed brackets": ("SELECT f(a[(x[1])])", "nested 4 deep"),
    "behind a string with a backslash": (r"SELECT '\', ((((1))))", "nested 4 deep"),
    "behind a comment ended by a newline": ("SELECT 1 -- '\n, ((((1))))", "nested 4 deep"),
    "behind a dollar in a name": ("SELECT a$b$, ((((1)))), a$b$", "nested 4 deep"),
    "an e at the end of a name": (r"SELECT name'\', ((((1)))) --'", "nested 4 deep"),
    "behind a string without an end": ("SELECT '((((", "nested 4 deep"),
    "behind a comment without an end": ("SELECT /* /* */ ((((", "nested 4 deep"),
    "behind a dollar quote without an end": ("SELECT $x$ ((((", "nested 4 deep"),
    "statements": ("SELECT 1; SELECT 2; SELECT 3", "3 statements"),
    "bytes": ("SELECT '" + "x" * 200 + "'", "209 bytes"),
    "bytes of wide characters": ("SELECT '" + "\u20ac" * 70 + "'", "219 bytes"),
    "a NUL": ("SELECT 1\0", "NUL"),
    "a lone surrogate": ("SELECT '\ud800'", "not valid Unicode"),
}


@pytest.mark.parametrize("text", WITHIN.values(), ids=WITHIN.keys())
def test_text_is_within_bounds_when_what_exceeds_them_is_hidden_or_absent(text: str) -> None:
    """Strings, identifiers, dollar quotes and comments hide brackets and semicolons, as in PostgreSQL's scanner."""
    assert check_bounds(text, SMALL) is None


@pytest.mark.parametrize(("text", "why"), BEYOND.values(), ids=BEYOND.keys())
def test_text_is_refused_with_the_figure_when_it_exceeds_a_bound(text: str, why: str) -> None:
    """The reason names the bound and by how much the text exceeds it."""
    found = check_bounds(text, SMALL)
    assert found is not None
    assert why in found.because
    assert not found.syntax_error


@pytest.mark.timeout(20)
def test_scan_ends_when_every_dollar_quote_has_a_tag_of_its_own() -> None:
    """Openers without an end are looked for once, not once each."""
    text = "SELECT " + " ".join(f"$t{n}$" for n in range(90_000)) + "(" * 600
    found = check_bounds(text, Bounds())
    assert found is not None
    assert "nested 600 deep" in found.because
