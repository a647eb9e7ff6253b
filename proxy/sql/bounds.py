"""What a text must keep to before any parser sees it: size, NUL, nesting depth of brackets, number of statements.

Runs in time linear in the text, whatever the text is, and never recurses. Brackets are counted as PostgreSQL's scanner
(`scan.l`) sees them: those in strings, quoted identifiers, dollar quotes and comments do not count. Behind a quote or
comment that never ends, which PostgreSQL refuses, everything counts: the scan sees a bracket rather than overlooks it.
"""

from __future__ import annotations

import re
from itertools import accumulate

from proxy.sql.facts import Bounds, Unreadable

# Whatever may hide brackets and semicolons, by its first characters. A doubled quote reads as two strings side by side,
# which hides the same characters. `e'` opens an escape string, and `$` a dollar quote, only at the start of a word.
_OPENER = re.compile(
    r"""
      (?<![\w$\x80-\U0010ffff]) [eE]'
    | ' | " | -- | /\*
    | (?<![\w\x80-\U0010ffff]) \$ (?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*+)? \$
    """,
    re.VERBOSE | re.ASCII,
)
_ESCAPED_REST = re.compile(r"(?:[^'\\]++|\\.)*+'", re.DOTALL)
_LINE_REST = re.compile(r"[^\n\r]*+")
_COMMENT_MARK = re.compile(r"/\*|\*/")
_INSIGNIFICANT = re.compile(r"[^()\[\];]++")
_STEP = {"(": 1, "[": 1, ")": -1, "]": -1, ";": 0}


def check_bounds(text: str, bounds: Bounds) -> Unreadable | None:
    """Why this text is beyond the bounds, or None where it keeps to them. A NUL or a lone surrogate never is within."""
    if "\0" in text:
        return Unreadable(because="the text contains a NUL character")
    if text.isascii():
        size = len(text)
    else:
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            return Unreadable(because="the text is not valid Unicode")
    if size > bounds.statement_bytes:
        return Unreadable(because=f"the text has {size} bytes, more than the bound of {bounds.statement_bytes}")
    # What is hidden only lowers these counts, so few texts need the scan.
    openings = text.count("(") + text.count("[")
    if openings <= bounds.nesting_depth and text.count(";") < bounds.statements:
        return None
    marks = _marks(text)
    depth = max(accumulate(map(_STEP.__getitem__, marks)), default=0)
    if depth > bounds.nesting_depth:
        return Unreadable(because=f"brackets are nested {depth} deep, more than the bound of {bounds.nesting_depth}")
    # An upper bound: empty statements count too, and so do those of a BEGIN ATOMIC body. The last may end in `;`.
    statements = marks.count(";") + (not text.rstrip().endswith(";"))
    if statements > bounds.statements:
        return Unreadable(because=f"the text has {statements} statements, more than the bound of {bounds.statements}")
    return None


def _marks(text: str) -> str:
    """Keep only the brackets and semicolons that PostgreSQL's scanner sees as such, in their order."""
    seen: list[str] = []
    start = 0
    while (found := _OPENER.search(text, start)) is not None:
        end = _end_of_hidden(text, found.group(), found.end())
        if end is None:
            # One failed search for an end is all there is, so many openers cannot make it quadratic.
            break
        seen.append(_INSIGNIFICANT.sub("", text[start : found.start()]))
        start = end
    seen.append(_INSIGNIFICANT.sub("", text[start:]))
    return "".join(seen)


def _end_of_hidden(text: str, opener: str, position: int) -> int | None:
    """Where what `opener` opened ends, `position` being behind the opener; None where it never does."""
    match opener:
        case "e'" | "E'":
            rest = _ESCAPED_REST.match(text, position)
            return rest.end() if rest else None
        case "--":
            line = _LINE_REST.match(text, position)
            return line.end() if line else None
        case "/*":
            depth = 1
            for mark in _COMMENT_MARK.finditer(text, position):
                depth += 1 if mark.group() == "/*" else -1
                if depth == 0:
                    return mark.end()
            return None
        case _:
            closer = text.find(opener, position)
            return closer + len(opener) if closer >= 0 else None
