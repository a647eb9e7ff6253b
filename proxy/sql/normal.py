"""What stays of a statement when its constants are taken away: the key of a cached decision, and a text fit for a log.

`normalize` and `fingerprint` are libpg_query's. `mask` promises more than `normalize`, for a log outlives its
statement: no literal and no comment of the text is in it, whatever kind of statement it is, and even where the grammar
refuses it.
"""

from __future__ import annotations

import re

import postgast
from postgast import PgQueryError
from postgast.native import lib
from postgast.pg_query_pb2 import NO_KEYWORD, ScanToken, Token

from proxy.sql.tree_depth import check_runs, check_tree_depth

# `r'x'` is a cast to the type `r`, but normalized it would read `r$1`, which is one name: a column. Two texts of
# different meaning would share a key.
_GLUED = re.compile(r"[\w$\x80-\U0010ffff]\$[0-9]", re.ASCII)

_LITERALS = frozenset({Token.SCONST, Token.USCONST, Token.BCONST, Token.XCONST, Token.ICONST, Token.FCONST})
_NAMES = frozenset({Token.IDENT, Token.UIDENT})
_COMMENTS = frozenset({Token.SQL_COMMENT, Token.C_COMMENT})
_PUNCTUATION = frozenset(b"()[],;.:")
_QUERIES = frozenset({b"select", b"insert", b"update", b"delete", b"merge", b"with", b"values", b"table", b"explain"})
_SECRET_NAME = re.compile(rb"passw|passphrase|secret|token|credential|api_?key", re.IGNORECASE)
_HARMLESS_WORDS = re.compile(
    r"alter|analyze|begin|call|close|comment|commit|copy|create|cursor|database|declare|delete|"
    r"do|drop|execute|explain|fetch|foreign|from|function|grant|group|insert|into|listen|lock|"
    r"mapping|materialized|merge|move|notify|or|prepare|procedure|reindex|replace|reset|revoke|"
    r"role|rollback|savepoint|schema|select|sequence|server|set|show|start|subscription|system|"
    r"table|temporary|truncate|update|user|vacuum|values|view|with",
    re.IGNORECASE,
)
_WORD = re.compile(r"\s*([A-Za-z]+)(?=\s|$)")
_ANY_NAME = re.compile(r'[uU]&"|"(?:[^"]|"")*"|\w+')
_NAME = re.compile(r"[^\W\d]\w*")
_LONGEST_NAME = 63
_MAYBE_SECRET = re.compile(
    rf"['\"`$]|\b(?:role|user|auth|identified|pwd)|{_SECRET_NAME.pattern.decode()}", re.IGNORECASE
)
"""Before a word that may be a secret: an opened string, or what names one, or a role that is given a password."""
HIDDEN = "?"
"""What stands for a literal in a masked text."""
CUT = "..."
"""What stands for the rest of a text that could not be told apart into literals and names."""


def normalize(text: str) -> str | None:
    """Replace the constants of the text by `$n`, as libpg_query does.

    None where PostgreSQL's grammar refuses the text, or its tree may be deeper than libpg_query can walk.

    Texts with one normalized text have one parse tree but for constants and parameters. Where libpg_query would break
    that, the text comes back as it is. Two limits: statements other than queries keep some of their constants, and the
    result may be a text that the grammar refuses (`DO $1`): what cannot be read from it must be read from the text.
    """
    # Before libpg_query: it walks a tree of any depth on the C stack.
    if check_tree_depth(text) is not None:
        return None
    try:
        result = lib.pg_query_normalize(text.encode())
    except UnicodeEncodeError:
        return None
    try:
        if result.error:
            return None
        normalized: str = result.normalized_query.decode()
    finally:
        lib.pg_query_free_normalize_result(result)
    # NUL would end the text early for libpg_query, and so for everything that is decided on what it saw.
    if "\0" in text:
        return None
    if _GLUED.search(normalized) is not None:
        return text
    return normalized


def fingerprint(text: str) -> str | None:
    """libpg_query's fingerprint, 16 hexadecimal digits, equal for texts that differ in constants, case and spacing.

    None where PostgreSQL's grammar refuses the text.
    """
    if "\0" in text or check_runs(text) is not None:
        return None
    try:
        found: str = postgast.fingerprint(text).hex
    except (PgQueryError, UnicodeEncodeError):
        return None
    return found


def mask(text: str) -> str:
    """Give the text with every literal replaced by `?`, comments left out and white space made single spaces.

    Also for statements that `normalize` leaves alone, and for texts that the grammar refuses. Where not even the
    scanner can tell literals from names, or a backslash before a quote leaves it open where a string ends
    (standard_conforming_strings), the rest is cut. A name stays, unless it stands where a secret is given.
    """
    if check_runs(text) is not None:
        return _leading_words(text)
    source, nul, _ = text.encode(errors="replace").partition(b"\0")
    try:
        tokens = postgast.scan(source.decode()).tokens
    except (PgQueryError, UnicodeError):
        return _leading_words(text)
    words: list[str] = []
    end = 0
    state = _SecretPlaces()
    for token in tokens:
        if token.token in _COMMENTS:
            continue
        piece = source[token.start : token.end]
        if words and token.start > end:
            words.append(" ")
        end = token.end
        hides = state.hides(token, piece)
        words.append(HIDDEN if hides else piece.decode(errors="replace"))
        if hides and _open_ended(piece):
            words.append(f" {CUT}")
            return "".join(words)
    if nul:
        words.append(f" {CUT}")
    return "".join(words)


def word_at(text: str, character: int) -> str:
    """Give the word of a malformed text that begins at a character (from 1), if an error may show it; else nothing.

    Stricter than `mask`: in a text that the grammar refuses, whatever follows a quote may have been meant to be inside,
    and what comes before one that is never closed may be a string's end.
    """
    before = text[: character - 1]
    found = _NAME.match(text, len(before)) if character > 0 else None
    if found is None or len(found[0]) > _LONGEST_NAME or _MAYBE_SECRET.search(before):
        return ""
    cut = mask(text).endswith(CUT)
    return found[0] if not cut and mask(before + found[0]).endswith(found[0]) else ""


class _SecretPlaces:
    """Follows one text's tokens and tells which of them may hold a secret. Mutable; lives for one call of `mask`."""

    def __init__(self) -> None:
        self.query: bool | None = None
        """Whether the statement is a query, DML or EXPLAIN; None before its first word."""
        self.setting = False
        """Inside `SET name`, where a dotted name is a customized option whose value may be a bare word."""
        self.dotted = False
        self.value_follows = False

    def hides(self, token: ScanToken, piece: bytes) -> bool:
        """Whether this token must not be shown."""
        word = piece.lower()
        if token.token in _LITERALS:
            return True
        if word == b";":
            self.__init__()  # type: ignore[misc]
            return False
        if self.query is None:
            self.query = word in _QUERIES
        if self.query:
            return False
        is_word = token.token in _NAMES or token.keyword_kind != NO_KEYWORD
        secret = is_word and self.value_follows and word not in {b"null", b"to", b"default", b"from", b"current"}
        if self.setting and word == b".":
            self.dotted = True
        if secret and not self.dotted:
            self.value_follows = False
        elif word == b"set":
            self.setting, self.dotted, self.value_follows = True, False, False
        elif _SECRET_NAME.search(word) or (self.setting and self.dotted and word in {b"to", b"="}):
            self.value_follows = True
        elif len(piece) == 1 and piece[0] in _PUNCTUATION and not self.dotted:
            self.value_follows = False
        return secret


def _open_ended(piece: bytes) -> bool:
    r"""Whether a string would end elsewhere if backslashes escaped: `'\\'` read without standard_conforming_strings."""
    return piece[:1] in b"'Uu" and b"\\'" in piece


def _leading_words(text: str) -> str:
    """Keep the words at the start that are PostgreSQL's own and say what kind of statement it is."""
    kept: list[str] = []
    position = 0
    while (found := _WORD.match(text, position)) is not None and _HARMLESS_WORDS.fullmatch(found[1]):
        kept.append(found[1])
        position = found.end()
    return " ".join([*kept, CUT])


def may_name_otherwise(text: str) -> bool:
    """Tell whether a word may be another name in a database whose encoding is not UTF8.

    There names are cut at 63 bytes of that encoding, and in encodings of one byte a character letters beyond ASCII
    fold, too (scansup.c). Words of strings count where they stand in the text.
    """
    return any(
        word in ('u&"', 'U&"')
        or (not word.isascii() and (len(word.encode(errors="replace")) > _LONGEST_NAME or _has_capital(word)))
        for word in _ANY_NAME.findall(text)
    )


def _has_capital(word: str) -> bool:
    return any(letter > "\x7f" and letter != letter.lower() for letter in word)
