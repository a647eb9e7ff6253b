r"""Split a psql script into the texts that psql would send: one a Query message.

Follows psql's own lexer (psqlscan.l): a semicolon ends a text unless it stands in brackets, in quotes, in a comment,
in the BEGIN ATOMIC body of a definition, or is written `\;`; and so do `\g` and its kind. Other meta-commands are taken
out with the rest of their line, and so are the rows behind COPY FROM STDIN. Neither `\if` nor a variable is followed: a
text with a variable in it is not SQL before psql has put a value there, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LEXEME = re.compile(
    r"""
      (?P<quoted> (?<![\w$]) [eE]'(?:[^'\\]|\\.)*' | '[^']*' | "[^"]*" )
    | (?P<dollar> (?<![\w$]) \$(?:[A-Za-z_\x80-\U0010ffff][\w]*)?\$ )
    | (?P<line> --[^\n]* )
    | (?P<block> /\* )
    | (?P<word> [A-Za-z_\x80-\U0010ffff][\w$]* )
    | (?P<colons> ::|:= )
    | (?P<variable> :(?=[A-Za-z_'"{]) )
    | (?P<joined> \\; )
    | (?P<sent> \\(?:g|bind|parse|crosstabview|watch|sendpipeline)[^\n]* )
    | (?P<meta> \\[^\n]* )
    | (?P<bracket> [()] )
    | (?P<end> ; )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_ROWS_FOLLOW = re.compile(r"(?is)\s*(?:--[^\n]*\n\s*)*\\?copy\b.*\bfrom\s+stdin\b")
_DEFINES = re.compile(r"c(?:[fp]|or[fp])")
"""First letters of CREATE [OR REPLACE] FUNCTION or PROCEDURE, as psql tells a definition from anything else."""


@dataclass(slots=True)
class _Text:
    """What psql holds in its query buffer."""

    parts: list[str] = field(default_factory=list)
    letters: str = ""
    brackets: int = 0
    bodies: int = 0
    has_variable: bool = False

    def word(self, word: str) -> None:
        """Count BEGIN and END in a definition: between them, semicolons end nothing."""
        self.letters += word[0].lower() if len(self.letters) < 4 else ""
        if self.brackets or not _DEFINES.match(self.letters):
            return
        match word.lower():
            case "begin":
                self.bodies += 1
            case "case" if self.bodies:
                self.bodies += 1
            case "end" if self.bodies:
                self.bodies -= 1
            case _:
                pass


def texts(script: str) -> Iterator[str]:
    """Give the texts of a script in order, without white space around them."""
    text, position = _Text(), 0
    while (found := _LEXEME.search(script, position)) is not None:
        text.parts.append(script[position : found.start()])
        lexeme, position = found.group(), found.end()
        kind = found.lastgroup
        if kind == "dollar":
            position = _behind(script, lexeme, position)
        elif kind == "block":
            position = _comment_end(script, position)
        lexeme = script[found.start() : position]
        if kind == "meta":
            if _ROWS_FOLLOW.match(lexeme):
                position = _behind_rows(script, position)
            continue
        if kind == "word":
            text.word(lexeme)
        elif kind == "bracket":
            text.brackets = max(0, text.brackets + (1 if lexeme == "(" else -1))
        elif kind == "variable":
            text.has_variable = True
        if kind == "sent" or (kind == "end" and not text.brackets and not text.bodies):
            text.parts.append(";")
            whole = "".join(text.parts).strip()
            if whole != ";" and not text.has_variable:
                yield whole
            if _ROWS_FOLLOW.match(whole):
                position = _behind_rows(script, position)
            text = _Text()
        else:
            text.parts.append(";" if kind == "joined" else lexeme)


def _behind(script: str, closer: str, position: int) -> int:
    found = script.find(closer, position)
    return len(script) if found < 0 else found + len(closer)


def _comment_end(script: str, position: int) -> int:
    depth = 1
    for mark in _COMMENT_MARK.finditer(script, position):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return mark.end()
    return len(script)


def _behind_rows(script: str, position: int) -> int:
    r"""Skip the rows up to `\.`; where statements come first, the COPY is one that fails, and has none."""
    found = re.compile(r"^\\\.$", re.MULTILINE).search(script, position)
    if found is None or re.search(r";$", script[position : found.start()].partition("\n")[2], re.MULTILINE):
        return position
    return found.end()
