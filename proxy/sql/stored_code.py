"""Which code and which relations a stored expression or rule names, from PostgreSQL's own text of its tree.

The catalog keeps views, rules, defaults, checks and policies as node trees (`pg_node_tree`, written by outfuncs.c).
Their text names every function by its oid, pinned built-ins included, which pg_depend leaves out. It is scanned once
from left to right, in time linear in its length, and nothing of it is kept but numbers. White space, brackets and
backslashes inside names are escaped by a backslash, so no name can look like a field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

FIRST_USER_OID: Final = 16_384
"""FirstNormalObjectId of transam.h: below are the objects that PostgreSQL brings."""
ANYARRAY: Final = 2277
"""Type of columns of pg_statistic and pg_attribute: a value knows its elements' type, which may be any."""

_TOKEN: Final = re.compile(
    r"\\."
    r"|\{([A-Z]+)"
    r"|(\})"
    r"|:(funcid|opfuncid|aggfnoid|winfnoid|tsmhandler|in_range_func|startInRangeFunc|endInRangeFunc"
    r"|opno|eqop|sortop|opnos|cycle_mark_neop|resulttype|minmaxtype|row_typeid|typid|coltypes|funccoltypes"
    r"|relid|rtekind|rtindex|commandType|resultRelation) (?:(\d+)|\(o ([\d ]+)\))"
    r"|:(?:consttype|vartype|paramtype|funcresulttype|opresulttype|aggtype|wintype|array_typeid) (2277|\d{5,})\b",
    re.DOTALL,
)
_OIDS: Final = {
    **dict.fromkeys(
        ("funcid", "opfuncid", "aggfnoid", "winfnoid", "tsmhandler", "in_range_func", "startInRangeFunc",
         "endInRangeFunc"),
        "function",
    ),
    **dict.fromkeys(("opno", "eqop", "sortop", "opnos", "cycle_mark_neop"), "operator"),
    **dict.fromkeys(("resulttype", "minmaxtype", "row_typeid", "typid", "coltypes", "funccoltypes"), "type"),
}  # fmt: skip
"""Fields that hold oids, and of what."""
_FROM: Final = frozenset({"RANGETBLREF", "FROMEXPR", "JOINEXPR"})

UPDATE: Final = 2
INSERT: Final = 3
DELETE: Final = 4
MERGE: Final = 5
"""Commands of a Query node (CmdType of nodes.h). In PostgreSQL 14, 5 is a utility statement, which writes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCode:
    """What a stored tree names, by oid."""

    functions: frozenset[int] = frozenset()
    operators: frozenset[int] = frozenset()
    """Without those that PostgreSQL brings."""
    types: frozenset[int] = frozenset()
    """Types that values are converted to, without those that PostgreSQL brings."""
    values: frozenset[int] = frozenset()
    """Types of users that values in it have, and anyarray, whose elements may be of any."""
    reads: tuple[int, ...] = ()
    """Relations of users that stand in it, but for what it writes; those of inner queries first."""
    writes: tuple[tuple[int, int], ...] = ()
    """Command and relation of each INSERT, UPDATE, DELETE or MERGE in it."""
    rows_of: tuple[int, ...] = ()
    """Relations in the FROM of its outermost query: what a write through a view falls on."""
    notifies: bool = False
    constant: StoredCode | None = None
    """Functions and operators of an expression that depend on no column; None: there are none."""


NOTHING: Final = StoredCode()


@dataclass(slots=True)
class _Query:
    command: int = 0
    result: int = 0
    kind: int = 0
    """Of the range table entry at hand; 0: a relation."""
    relations: list[int] = field(default_factory=list)
    """By place in the range table; 0 for what is no relation."""
    places: list[int] = field(default_factory=list)
    """Places that stand in its own FROM."""

    def relation(self, place: int) -> int:
        return self.relations[place - 1] if 0 < place <= len(self.relations) else 0


def read_stored(text: str, *, planned: bool = False) -> StoredCode:
    """Read the text of a pg_node_tree; one of no tree gives nothing. `planned`: look for what depends on no column."""
    reading = _Reading(planned)
    for token in _TOKEN.finditer(text):
        label, close, name, number, numbers, value = token.groups()
        if label is not None:
            reading.opened(label)
        elif close is not None:
            reading.closed()
        elif name is not None:
            reading.field(name, [int(number)] if number is not None else [int(each) for each in numbers.split()])
        elif value is not None:
            reading.values.add(int(value))
    return reading.code()


class _Reading:
    """What has been seen of a tree so far."""

    def __init__(self, planned: bool) -> None:
        self._planned = planned
        self.values: set[int] = set()
        self._named: dict[str, set[int]] = {}
        self._reads: dict[int, None] = {}
        self._writes: dict[tuple[int, int], None] = {}
        self._rows_of: dict[int, None] = {}
        self._labels: list[str] = []
        self._of_columns: list[bool] = []
        """Whether a column stands in the nodes that are open."""
        self._pending: list[tuple[int, str, int]] = []
        """What open nodes call: how deep they stand, of which kind it is, its oid."""
        self._constant: dict[str, set[int]] = {}
        self._queries: list[_Query] = []
        self._notifies = False

    def opened(self, label: str) -> None:
        """Take note of a node's beginning."""
        self._labels.append(label)
        self._of_columns.append(label == "VAR")
        match label:
            case "QUERY":
                self._queries.append(_Query())
            case "RANGETBLENTRY" if self._queries:
                self._queries[-1].relations.append(0)
                self._queries[-1].kind = -1
            case "NOTIFYSTMT":
                self._notifies = True

    def closed(self) -> None:
        """Take note of a node's end."""
        if not self._labels:
            return
        depth = len(self._labels)
        of_columns = self._of_columns.pop()
        if of_columns and self._of_columns:
            self._of_columns[-1] = True
        while self._pending and self._pending[-1][0] == depth:
            _, kind, oid = self._pending.pop()
            if not of_columns:
                self._constant.setdefault(kind, set()).add(oid)
        if self._labels.pop() != "QUERY":
            return
        ended = self._queries.pop()
        written = ended.relation(ended.result)
        if ended.command in (UPDATE, INSERT, DELETE, MERGE) and written:
            self._writes[ended.command, written] = None
        for place, relation in enumerate(ended.relations, 1):
            if relation and place != ended.result:
                self._reads[relation] = None
        if not self._queries:
            self._rows_of.update(dict.fromkeys(filter(None, map(ended.relation, ended.places))))

    def field(self, name: str, values: list[int]) -> None:
        """Take note of a field that is an oid, a list of oids or a number."""
        if name in _OIDS:
            kind = _OIDS[name]
            self._named.setdefault(kind, set()).update(values)
            if self._planned and kind != "type":
                self._pending.extend((len(self._labels), kind, oid) for oid in values)
        elif self._queries:
            self._place(self._queries[-1], self._labels[-1], name, values[0])

    def _place(self, query: _Query, label: str, name: str, value: int) -> None:
        match label, name:
            case "RANGETBLENTRY", "rtekind":
                query.kind = value
            case "RANGETBLENTRY", "relid" if query.kind == 0 and value >= FIRST_USER_OID:
                query.relations[-1] = value
            case "RANGETBLREF", "rtindex" if _in_own_from(self._labels):
                query.places.append(value)
            case "QUERY", "commandType":
                query.command = value
            case "QUERY", "resultRelation":
                query.result = value

    def code(self) -> StoredCode:
        """Give what was found."""
        constant = None
        if self._constant:
            constant = StoredCode(functions=self._functions(self._constant), operators=self._operators(self._constant))
        return StoredCode(
            constant=constant,
            functions=self._functions(self._named),
            operators=self._operators(self._named),
            types=frozenset(oid for oid in self._named.get("type", ()) if oid >= FIRST_USER_OID),
            values=frozenset(oid for oid in self.values if oid >= FIRST_USER_OID or oid == ANYARRAY),
            reads=tuple(self._reads),
            writes=tuple(self._writes),
            rows_of=tuple(self._rows_of),
            notifies=self._notifies,
        )

    @staticmethod
    def _functions(named: Mapping[str, set[int]]) -> frozenset[int]:
        return frozenset(named.get("function", ())) - {0}

    @staticmethod
    def _operators(named: Mapping[str, set[int]]) -> frozenset[int]:
        return frozenset(oid for oid in named.get("operator", ()) if oid >= FIRST_USER_OID)


def _in_own_from(labels: list[str]) -> bool:
    """Tell whether what stands on top hangs in its query's FROM, joins included."""
    for label in reversed(labels):
        if label == "QUERY":
            return True
        if label not in _FROM:
            return False
    return False
