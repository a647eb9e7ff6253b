"""Where psql would end a text, ours ends."""

from __future__ import annotations

import pytest

from tests.differential.psql_split import texts

SPLIT = {
    "semicolons in quotes": ("SELECT ';', \";\", E'\\';', $a$;$a$, $$;$$; SELECT 2;", 2),
    "semicolons in comments": ("SELECT 1 -- ;\n, 2 /* ; /* ; */ ; */; SELECT 3;", 2),
    "semicolons in brackets": ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3;", 2),
    "a body": (
        "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; END; SELECT 3;",
        2,
    ),
    "a transaction is no body": ("BEGIN; SELECT 1; END;", 3),
    "sent by \\g": ("SELECT 1 \\gset\nSELECT 2 \\g out.txt\n", 2),
    "sent together": ("SELECT 1 \\; SELECT 2;", 1),
    "meta-commands": ("\\set x 1\nSELECT 1;\n\\d t\nSELECT\n\\echo no\n2;", 2),
    "variables": ("SELECT :x; SELECT :'x'; SELECT 1::int, a[1:2];", 1),
    "rows": ("COPY t FROM STDIN;\n1\t;x\n\\.\nSELECT 2;", 2),
    "no rows behind a COPY that fails": ("COPY t FROM STDIN (a);\nSELECT 2;\nCOPY t FROM STDIN;\n1\n\\.\n", 3),
    "nothing": ("\\q\n;;", 0),
}


@pytest.mark.parametrize(("script", "count"), SPLIT.values(), ids=SPLIT.keys())
def test_a_text_ends_where_psql_ends_it(script: str, count: int) -> None:
    """A semicolon ends what psql sends, except where psql's lexer is inside of something."""
    assert len(list(texts(script))) == count


def test_texts_are_given_as_written() -> None:
    """Comments and line ends stay, for they are what a proxy must not stumble over."""
    assert list(texts("-- one\nSELECT\n  1 \\g\nSELECT 2; ")) == ["-- one\nSELECT\n  1 ;", "SELECT 2;"]
