"""What a rule may say about names and values: globs, object patterns and setting values. Pure and linear in time.

A name pattern is read widely by a forbid and narrowly by a permit. Where a statement leaves open which object it falls
on (no schema written, no object named), a forbid matches if the object *may* be one of the pattern's, a permit only if
it *must* be. Every doubt is therefore decided towards refusing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from proxy.sql import TO_DEFAULT, Target, TargetKind

IN_SCHEMAS: Final = frozenset({TargetKind.RELATION, TargetKind.FUNCTION, TargetKind.OPERATOR, TargetKind.TYPE})
"""Kinds of object that always live in a schema, so that an unwritten schema is one still to be resolved."""


class PatternError(ValueError):
    """A pattern that cannot mean what its author hopes; the text says what to write instead."""


@dataclass(frozen=True, slots=True)
class Glob:
    """Text in which each None stands for any run of characters, also none. Matching never backtracks."""

    pieces: tuple[str, ...]
    """What stands between the asterisks, in order: one piece means no asterisk."""

    @classmethod
    def of(cls, text: str) -> Glob:
        """Read a text in which every `*` is an asterisk."""
        return cls(tuple(text.split("*")))

    @property
    def literal(self) -> str | None:
        """The one text that matches; None where there is an asterisk."""
        return self.pieces[0] if len(self.pieces) == 1 else None

    @property
    def everything(self) -> bool:
        """True where every text matches."""
        return len(self.pieces) > 1 and not any(self.pieces)

    @property
    def weight(self) -> tuple[bool, int]:
        """Order of specificity: an exact text before any glob, then by how many characters are fixed."""
        return self.literal is not None, sum(map(len, self.pieces))

    def matches(self, text: str) -> bool:
        """Compare the whole of a text, exactly."""
        first, *rest = self.pieces
        if not rest:
            return text == first
        *middle, last = rest
        end = len(text) - len(last)
        if end < len(first) or not text.startswith(first) or not text.endswith(last):
            return False
        # The leftmost place of each piece leaves the most room for the rest: one pass decides.
        at = len(first)
        for piece in middle:
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    def meets(self, other: Glob) -> bool:
        """Whether some text matches both. Walks the product of the two patterns, which is small for names."""
        mine, theirs = _symbols(self), _symbols(other)
        reached = {(0, 0)}
        seen: set[tuple[int, int]] = set()
        while reached:
            here = reached.pop()
            if here in seen:
                continue
            seen.add(here)
            i, j = here
            if i == len(mine) and j == len(theirs):
                return True
            a = mine[i] if i < len(mine) else ""
            b = theirs[j] if j < len(theirs) else ""
            if a is None:
                reached.add((i + 1, j))
                if b:
                    reached.add((i, j + 1))
            if b is None:
                reached.add((i, j + 1))
                if a:
                    reached.add((i + 1, j))
            if a and a == b:
                reached.add((i + 1, j + 1))
        return False

    def __str__(self) -> str:
        return "*".join(self.pieces)


def _symbols(glob: Glob) -> list[str | None]:
    symbols: list[str | None] = list(glob.pieces[0])
    for piece in glob.pieces[1:]:
        symbols.append(None)
        symbols.extend(piece)
    return symbols


@dataclass(frozen=True, slots=True)
class ObjectPattern:
    """One item of `on`: `name`, or `schema.name`, each part with asterisks that never cross the dot."""

    text: str
    """As its author wrote it."""
    schema: Glob | None
    """None: the pattern has one part."""
    name: Glob

    @property
    def everything(self) -> bool:
        """True for the lone `*`, which covers every object and also what names none."""
        return self.schema is None and self.name.everything

    def may_cover(self, target: Target) -> bool:
        """Whether the target, or what shares rows with it, may be one of this pattern's objects: how a forbid reads."""
        return self._may_be(target) or any(map(self._may_be, target.kin))

    def _may_be(self, target: Target) -> bool:
        if self.everything or not target.name:
            return True
        if self.schema is None:
            # Read widely: `users` stands for that name in every schema.
            return self.name.matches(target.name)
        match target.kind:
            case TargetKind.SETTING:
                prefix, dot, rest = target.name.partition(".")
                return bool(dot) and self.schema.matches(prefix) and self.name.matches(rest)
            case TargetKind.SCHEMA:
                # What falls on a schema falls on what it holds: DROP SCHEMA payroll CASCADE.
                return self.schema.matches(target.name)
            case TargetKind.DATABASE:
                return True
        if target.schema is not None:
            return self.schema.matches(target.schema) and self.name.matches(target.name)
        if target.kind in IN_SCHEMAS or target.kind is TargetKind.OTHER:
            schema = self.schema
            somewhere = not target.candidates or any(schema.matches(each) for each in target.candidates)
            return somewhere and self.name.matches(target.name)
        return False

    def must_cover(self, target: Target) -> bool:
        """Whether the target can only be one of this pattern's objects: how a permit reads it."""
        if self.everything:
            return True
        if not target.name:
            return False
        if self.schema is None:
            in_schema = target.kind in IN_SCHEMAS or target.schema is not None
            return not in_schema and self.name.matches(target.name)
        if target.kind is TargetKind.SETTING:
            prefix, dot, rest = target.name.partition(".")
            return bool(dot) and self.schema.matches(prefix) and self.name.matches(rest)
        if target.schema is not None:
            return self.schema.matches(target.schema) and self.name.matches(target.name)
        return target.kind in IN_SCHEMAS and self.schema.everything and self.name.matches(target.name)


def must_cover_any(patterns: Iterable[ObjectPattern], target: Target) -> bool:
    """Whether the patterns together cover the target: where no schema is written, every candidate by one of them."""
    listed = tuple(patterns)
    if any(pattern.must_cover(target) for pattern in listed):
        return True
    if target.schema is not None or target.kind not in IN_SCHEMAS or not target.candidates or not target.name:
        return False
    return all(
        any(p.schema is not None and p.schema.matches(each) and p.name.matches(target.name) for p in listed)
        for each in target.candidates
    )


_PART: Final = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


def object_pattern(text: str) -> ObjectPattern:
    """Read `name` or `schema.name`. Quoted parts are exact, as in SQL; raises PatternError (the author's fault)."""
    parts: list[Glob] = []
    at = 0
    while True:
        found = _PART.match(text, at)
        if found is None:
            raise PatternError(f'"{text}" is not a pattern; write schema.name or name, each part with or without *')
        quoted, plain = found.groups()
        if plain is None:
            if not quoted:
                raise PatternError('a quoted name may not be empty; write "*" without inner quotes for any name')
            parts.append(Glob((quoted.replace('""', '"'),)))
        elif plain != plain.strip() or any(c.isspace() for c in plain):
            raise PatternError(f'"{text}" has white space in a name; put that part in double quotes')
        elif plain != plain.lower():
            # PostgreSQL would fold it, and a table created with quotes would then escape the rule.
            raise PatternError(f'"{plain}" has upper case; write {plain.lower()}, or quote the part for the exact name')
        else:
            parts.append(Glob.of(plain))
        at = found.end()
        if at == len(text):
            break
        if text[at] != "." or at + 1 == len(text):
            raise PatternError(f'"{text}" is not a pattern; write schema.name or name, each part with or without *')
        at += 1
    match parts:
        case [name]:
            return ObjectPattern(text, None, name)
        case [schema, name]:
            return ObjectPattern(text, schema, name)
    raise PatternError(f'"{text}" has {len(parts)} parts; write schema.name, without the database')


_QUANTITY: Final = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?(us|ms|s|min|h|d)?")
# Leading zeros and 0x are left out on purpose: PostgreSQL reads them as octal and hexadecimal.
_MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": 1_000.0, "min": 60_000.0, "h": 3_600_000.0, "d": 86_400_000.0}


def quantity(text: str) -> float | None:
    """Read a number, in milliseconds where a time unit is written; None where it is no such number."""
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        return None
    whole, fraction, unit = found.groups()
    return float(whole + (fraction or "")) * _MILLISECONDS.get(unit or "", 1.0)


DEFAULT: Final = "default"
"""The item of `values` that stands for RESET and SET ... TO DEFAULT, and for no constant."""


@dataclass(frozen=True, slots=True)
class ValuePattern:
    """One item of `values`: a text compared without regard to case, `low..high` with both ends, or `default`."""

    text: str
    low: float | None = None
    high: float | None = None

    def matches(self, value: str) -> bool:
        """Compare with a setting's value as the statement writes it."""
        if value == TO_DEFAULT or self.text == DEFAULT:
            return value == TO_DEFAULT and self.text == DEFAULT
        if self.low is None or self.high is None:
            return value.lower() == self.text.lower()
        number = quantity(value)
        return number is not None and self.low <= number <= self.high


def value_pattern(text: str) -> ValuePattern:
    """Read one item of `values`; raises PatternError (the author's fault) for a range that is none."""
    low, dots, high = text.partition("..")
    if not dots:
        return ValuePattern(text)
    least, most = quantity(low), quantity(high)
    if least is None or most is None or least > most:
        raise PatternError(f'"{text}" is not a range; write low..high, as 1..100 or 1ms..1h')
    return ValuePattern(text, least, most)
