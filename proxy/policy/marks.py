"""YAML text -> plain values and the place of each, with every mistake at once. Pure.

A policy is a contract, so only the plain part of YAML is read, and it is read as YAML 1.2's core schema: `on`, `off`,
`yes` and `no` are text. Anchors, aliases, tags, several documents, keys that are not text, keys given twice and
control characters are mistakes. PyYAML's scanner does the lexing; the tree is built here, from its events, without
recursion, so that neither an alias bomb nor nesting costs more than the text is long.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml

MAX_BYTES: Final = 1_048_576
"""Size of one file. Hand-written policies are a thousand times smaller."""
MAX_DEPTH: Final = 32
"""Nesting of one file; the shape itself needs 6."""

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
Path = tuple[str | int, ...]
_Complain = Callable[[yaml.Event, str, str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file; both count from 1, columns in characters."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, order=True)
class PolicyMistake:
    """One thing wrong with a policy, and how to mend it."""

    file: str
    line: int
    column: int
    message: str
    """What is wrong and what was expected; lower case, no full stop."""
    fix: str | None = None
    """What to write instead."""

    def __str__(self) -> str:
        fix = f"; {self.fix}" if self.fix else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{fix}"


@dataclass(slots=True)
class Marked:
    """What a file says, and where each part of it stands."""

    value: Plain = None
    places: dict[Path, Place] = field(default_factory=dict)
    """Place of the value at each path."""
    keys: dict[Path, Place] = field(default_factory=dict)
    """Place of the key at each path, for values in mappings."""
    mistakes: list[PolicyMistake] = field(default_factory=list)
    whole: bool = False
    """False where reading broke off, so that what is missing from the value may stand in the text."""

    def place(self, path: Sequence[str | int], *, key: bool = False) -> Place:
        """Place of a value, or of its key; of the nearest part around it where the path itself is not in the text."""
        at = tuple(path)
        if key and at in self.keys:
            return self.keys[at]
        while at not in self.places and at:
            at = at[:-1]
        return self.places.get(at, Place())


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet."""

    path: Path
    value: list[Plain] | dict[str, Plain]
    key: str | None = None
    """The key that waits for its value."""
    skipping: bool = False
    """The next value belongs to a key that is a mistake."""


_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{0,17}([eE][-+]?[0-9]{1,2})?")


def read_marked(file: str, text: str) -> Marked:
    """Read one file. Raises nothing: what is wrong is in `mistakes`, and the value holds what could be read."""
    marked = Marked()
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        marked.mistakes.append(
            PolicyMistake(
                file, 1, 1, f"the file has {size} bytes, more than {MAX_BYTES}", "split it into several files"
            )
        )
        return marked
    try:
        _build(file, yaml.parse(text, Loader=yaml.SafeLoader), marked)
    except yaml.reader.ReaderError as error:
        before = text[: int(error.position)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        marked.mistakes.append(PolicyMistake(file, line, column, "a character that YAML does not allow", "remove it"))
    except yaml.MarkedYAMLError as error:
        marked.mistakes.append(_unread(file, text, error))
    except (yaml.YAMLError, ValueError, OverflowError):
        # Escapes beyond Unicode and numbers in directives reach chr() and int() unchecked.
        marked.mistakes.append(PolicyMistake(file, 1, 1, "not YAML: an escape or number out of range"))
    return marked


def _build(file: str, events: Iterator[yaml.Event], marked: Marked) -> None:
    stack: list[_Open] = []
    documents = 0

    def mistake(event: yaml.Event, message: str, fix: str) -> None:
        place = _place_of(event)
        marked.mistakes.append(PolicyMistake(file, place.line, place.column, message, fix))

    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                mistake(event, "a second document begins here; a file holds one", "remove the line ---")
                return
        if not isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
            continue
        if isinstance(event, yaml.AliasEvent):
            fix = f'write the value out; if the text is meant, put it in double quotes: "*{event.anchor}"'
            mistake(event, "aliases are not read here", fix)
            _place(stack, None, event, marked, mistake)
            continue
        if event.anchor is not None:
            mistake(event, "anchors are not read here", f"remove &{event.anchor}")
        if getattr(event, "tag", None) is not None:
            mistake(event, "tags are not read here", "remove it")
        if isinstance(event, yaml.ScalarEvent):
            _place(stack, _scalar(event, mistake), event, marked, mistake)
            continue
        opened: list[Plain] | dict[str, Plain] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        path = _place(stack, opened, event, marked, mistake)
        if len(stack) >= MAX_DEPTH:
            mistake(event, f"nested deeper than {MAX_DEPTH} levels", "six are enough for a policy")
            return
        stack.append(_Open(path, opened))
    marked.whole = True


_QUOTE: Final = "put the text in double quotes"
_INDENT: Final = "indent it with spaces, as much as what it stands beside"
_ADVICE: Final[tuple[tuple[str, str], ...]] = (
    ("character '\\t'", "indent with spaces, not with tabs"),
    ("that cannot start any token", f"a text cannot begin with it: {_QUOTE}"),
    ("mapping values are not allowed here", f"{_INDENT}; a text that holds a colon, put in double quotes"),
    ("sequence entries are not allowed here", "begin a line with each - of a list"),
    ("<block end>", _INDENT),
    ("<document start>", _INDENT),
    ("',' or ']'", "put a comma between items and close the list with ]; a text with brackets, put in double quotes"),
    ("',' or '}'", "put a comma between keys and close the mapping with }; a text with braces, put in double quotes"),
    ("unexpected end of stream", "close the quotes"),
    ("unexpected document separator", "close the quotes"),
    ("the node content", f"write a value there, or close what is open; if the text is meant, {_QUOTE}"),
    ("could not find expected ':'", "write key: value, with a space after the colon"),
    ("escape character", "write \\\\ for a backslash, or use single quotes"),
    ("escape sequence", "write \\\\ for a backslash, or use single quotes"),
    ("chomping or indentation", f"if the text is meant, {_QUOTE}"),
    ("tag", f"tags are not read here; if the text is meant, {_QUOTE}"),
)
"""What to write instead, by a part of what PyYAML says."""
_WORD: Final = re.compile(r"[^\s,\[\]{}]+")


def _unread(file: str, text: str, error: yaml.MarkedYAMLError) -> PolicyMistake:
    """Say where reading broke off, and how to mend it."""
    context, mark = str(error.context or ""), error.problem_mark or error.context_mark
    if context in {"while scanning an alias", "while scanning an anchor"} and error.context_mark is not None:
        mark = error.context_mark
        word = _WORD.match(text, mark.index)
        fix: str | None = f'put it in double quotes: "{word[0] if word else ""}"'
        message = f"a text cannot begin with {text[mark.index]}"
    else:
        problem = " ".join(str(error.problem or context or "this is not YAML").split())
        begun = error.context_mark
        # Only where it helps: an opening bracket or quote may stand far above.
        since = f", in what began on line {begun.line + 1}" if begun and mark and begun.line != mark.line else ""
        message, fix = f"not YAML: {problem}{since}", next((fix for part, fix in _ADVICE if part in problem), None)
    place = Place() if mark is None else Place(mark.line + 1, mark.column + 1)
    return PolicyMistake(file, place.line, place.column, message, fix)


def _place_of(event: yaml.Event) -> Place:
    mark = event.start_mark
    return Place() if mark is None else Place(mark.line + 1, mark.column + 1)


def _place(stack: list[_Open], value: Plain, event: yaml.Event, marked: Marked, mistake: _Complain) -> Path:
    """Put a value where it belongs, and remember where it stood. Gives its path."""
    place = _place_of(event)
    if not stack:
        marked.value = value
        marked.places[()] = place
        return ()
    top = stack[-1]
    if isinstance(top.value, list):
        path: Path = (*top.path, len(top.value))
        top.value.append(value)
        marked.places[path] = place
        return path
    if top.skipping:
        top.skipping = False
        return (*top.path, "?")
    if top.key is not None:
        path = (*top.path, top.key)
        top.value[top.key] = value
        top.key = None
        marked.places[path] = place
        return path
    if not isinstance(value, str):
        mistake(event, "a key must be text", "put it in double quotes")
        top.skipping = True
        return (*top.path, "?")
    if value in top.value:
        first = marked.keys[*top.path, value]
        mistake(event, f'key "{value}" is given twice, first on line {first.line}', "keep one")
        top.skipping = True
        return (*top.path, "?")
    top.key = value
    marked.keys[*top.path, value] = place
    return (*top.path, value)


def _scalar(event: yaml.ScalarEvent, mistake: _Complain) -> Plain:
    text = str(event.value)
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in text):
        # These would travel into error messages and the audit log; NUL would end the message early.
        mistake(event, "a control character or half of a surrogate pair in a text", "remove it")
        return ""
    if event.style is not None:
        return text
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
