"""Texts whose trees libpg_query cannot walk are told before it tries; long honest texts pass."""

from __future__ import annotations

import pytest

from proxy.sql.facts import Unreadable
from proxy.sql.normal import fingerprint, mask, normalize
from proxy.sql.tree_depth import check_tree_depth

ROWS = ", ".join(f"({n}, 'name {n}', now() - interval '1 day')" for n in range(20_000))

HONEST = {
    "rows": f"INSERT INTO t VALUES {ROWS}",
    "list": "SELECT * FROM t WHERE id IN (" + ",".join(map(str, range(50_000))) + ")",
    "alternatives": "SELECT * FROM t WHERE " + " OR ".join(f"id = {n}" for n in range(2_000)),
    "script": "SELECT a || b FROM t WHERE c = 1; " * 20_000,
    "string": "SELECT '" + "a||" * 100_000 + "'",
    "body": "DO $x$" + "a||" * 100_000 + "$x$",
}

DEEP = {
    "chain": "SELECT " + "a||" * 30_000 + "a",
    "casts": "SELECT 1" + "::t" * 30_000,
    "postfix": "SELECT 1" + " ISNULL" * 30_000,
    "unions": "SELECT 1" + " UNION SELECT 1" * 30_000,
    "joins": "SELECT * FROM a" + " CROSS JOIN a" * 30_000,
    "comma in strings": "SELECT " + "','||" * 30_000 + "a",
    "in brackets": "SELECT f(1, " + "a||" * 30_000 + "a)",
    "on top of brackets": "SELECT " + "(" * 20 + "a" + ("||a" * 2_000 + ")") * 20,
    "in a later item": "SELECT 1, 2, " + "a||" * 30_000 + "a, 3",
    "brackets left open": "SELECT " + ("(" + "a||" * 1_000) * 40,
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_long_honest_texts_pass(text: str) -> None:
    """Many rows, long lists, many statements and long strings make no deep tree."""
    assert check_tree_depth(text) is None


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_chains_are_told(text: str) -> None:
    """A chain is told wherever it stands, and nothing that walks its tree is asked."""
    assert isinstance(check_tree_depth(text), Unreadable)
    assert normalize(text) is None


SIGNS = {
    "comments opened": "SELECT 1 /*" + "/*" * 400_000,
    "signs": "SELECT 1 " + "+" * 800_000,
    "many shorter": "SELECT 1" + (" " + "+-" * 300 + "1") * 1_500,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", SIGNS.values(), ids=SIGNS)
def test_rows_of_operator_characters_are_never_scanned(text: str) -> None:
    """The scanner's time grows with the square of such a row, so nothing that scans is asked."""
    assert isinstance(check_tree_depth(text), Unreadable)
    assert normalize(text) is None
    assert fingerprint(text) is None
    assert mask(text) == "SELECT ..."


def test_banner_comments_are_scanned() -> None:
    """Lines of stars, dashes and equal signs in an honest text do not count against it."""
    banner = f"/{'*' * 300}/\n-- {'=' * 300}\n--{'-' * 300}\n"
    assert check_tree_depth(banner * 20 + "SELECT 1") is None
