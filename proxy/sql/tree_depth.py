"""Whether PostgreSQL's grammar may build a tree from a text that libpg_query cannot write out without dying.

The grammar builds chains (`a || a || a`, `x::t::t`, UNION after UNION) to any depth without recursion, but libpg_query
walks what it built on the C stack, unchecked. Measured on a stack of 8 MiB: `pg_query_normalize` dies by SIGSEGV
between 16,000 and 32,000 levels, `pg_query_parse` between 64,000 and 100,000. A tree is no deeper than the tokens of
one item are many, where an item ends at a comma or semicolon; so those are counted, by the scanner, which is flat.

The scanner itself (scan.l) reads a whole run of operator characters for each operator or comment that begins in it, and
gives most of it back: its time grows with the square of a run's length. Measured: 200,000 times `/*` take minutes. So
runs are bounded before anything is scanned, in strings and comments too, where they would do no harm.
"""

from __future__ import annotations

import re
from typing import Final

import postgast

from proxy.sql.facts import Unreadable

CHAIN_TOKENS: Final = 10_000
"""Tokens that one item of a text may have. A level of a chain takes one token at least, most often two to four."""

SCANNED_AT_ONCE: Final = 2_000
"""Characters of a text that are scanned fast whatever they are."""
_RUN: Final = re.compile(r"[-~!@#^&|`?+*/%<>=]{64,}+")
RUN_STEPS: Final = 10_000_000
"""Most that the squares of the lengths of all long runs may add up to: some 0.1 s, or one run of 3,000 characters."""

_OPENING: Final = frozenset(b"([")
_CLOSING: Final = frozenset(b")]")
_SEPARATORS: Final = frozenset(b",;")


def check_runs(text: str) -> Unreadable | None:
    """Why this text may not be given to PostgreSQL's scanner, or None where it may. Linear in the text."""
    if len(text) <= SCANNED_AT_ONCE:
        return None
    steps = sum((found.end() - found.start()) ** 2 for found in _RUN.finditer(text))
    return None if steps <= RUN_STEPS else Unreadable(because="a row of operator characters is too long to be scanned")


def check_tree_depth(text: str) -> Unreadable | None:
    """Why this text may not be given to libpg_query's tree functions, or None where it may. Only long texts cost."""
    if len(text) <= CHAIN_TOKENS:
        return check_runs(text)
    slow = check_runs(text)
    if slow is not None:
        return slow
    try:
        tokens = postgast.scan(text).tokens
    except (postgast.PgQueryError, UnicodeEncodeError):
        return None  # what the scanner refuses, the grammar refuses before there is a tree
    counts, longest = [0], [0]
    for token in tokens:
        # The scanner names a character that stands for itself by its code.
        sign = token.token
        if sign in _SEPARATORS:
            longest[-1] = max(longest[-1], counts[-1])
            counts[-1] = 0
        elif sign in _OPENING:
            counts.append(0)
            longest.append(0)
        elif sign in _CLOSING and len(counts) > 1:
            inner = max(longest.pop(), counts.pop())
            # A chain grows on top of what its first operand's brackets hold.
            counts[-1] += inner + 1
        else:
            counts[-1] += 1
        if counts[-1] > CHAIN_TOKENS:
            return Unreadable(because=f"one expression or clause has more than {CHAIN_TOKENS} tokens without a comma")
    # Brackets left open are the grammar's to refuse; what they hold is no tree, but would be a chain on the stack.
    if sum(counts) > CHAIN_TOKENS + len(counts):
        return Unreadable(because=f"one expression or clause has more than {CHAIN_TOKENS} tokens without a comma")
    return None
