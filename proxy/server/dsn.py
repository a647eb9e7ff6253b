"""DSNs as libpq reads them, for asyncpg, which reads URIs alone (documentation: libpq, Connection Strings). Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode

EXPECTED: Final = (
    "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or host=HOST port=PORT dbname=DATABASE user=USER"
)
_SCHEMES: Final = ("postgresql://", "postgres://")
_PAIR: Final = re.compile(
    r"""\s*(\w+)\s*=\s*
        (?: '((?: [^'\\] | \\. )*)'                      # quoted
          | ((?: (?: [^\s'\\] | \\. ) (?: [^\s\\] | \\. )* )?) )
        (?= \s | $ )""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def uri_of(dsn: str) -> str:
    """Give the URI of a DSN in either form, keywords or URI. Raises ValueError.

    The error is without the DSN: it may hold a password. As in libpq, an empty value counts as none, and of a keyword
    that is given twice the last.
    """
    if dsn.startswith(_SCHEMES):
        return dsn
    given: dict[str, str] = {}
    end = 0
    while found := _PAIR.match(dsn, end):
        end = found.end()
        given[found[1]] = _ESCAPED.sub(r"\1", found[2] or found[3] or "")
    if dsn[end:].strip() or not given:
        raise ValueError(f"not a DSN; {EXPECTED}")
    return "postgresql:///?" + urlencode({key: value for key, value in given.items() if value}, quote_via=quote)
