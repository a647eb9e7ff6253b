"""Reads a database's catalog into rows, with any login: pg_catalog is open to all.

Texts of stored trees are read once for each version of their row. Temporary tables of sessions are left out unless
something hangs on them: they come and go too often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from proxy.server import catalog_queries as sql
from proxy.sql import (
    PLANNED,
    CastRow,
    CatalogRows,
    ClassRow,
    FunctionRow,
    KeyRow,
    OperatorRow,
    RelationRow,
    StoredCode,
    StoredRow,
    TriggerRow,
    TypeRow,
    read_stored,
)

_Rows = Sequence[Sequence[Any]]
Fetch = Callable[..., Awaitable[_Rows]]
"""Runs a query, with parameters $1 ..., and gives its rows."""

_CHUNK: Final = 200
"""Texts of trees fetched at a time: a view's may be large, and none is kept."""

_QUERIES: Final = (
    *(sql.SCHEMAS, sql.FUNCTIONS, sql.OPERATORS, sql.CASTS, sql.TYPES, sql.RELATIONS, sql.COLUMNS, sql.INHERITS),
    *(sql.KEYS, sql.TRIGGERS, sql.CLASSES, sql.INDEX_CLASSES, sql.EVENT_TRIGGERS, sql.OTHER_ROLES, sql.OTHER_RELATIONS),
)

_Version = tuple[int, int, str]
"""Which catalog, which row, and which version of it."""


class CatalogReader:
    """Reads one database again and again, and remembers what need not be read twice."""

    def __init__(self) -> None:
        self._built_in: Mapping[int, tuple[str, str]] = {}
        self._trees: dict[_Version, StoredCode] = {}

    async def read(self, fetch: Fetch) -> CatalogRows:
        """Read everything. `fetch` runs all of it in one transaction with one snapshot."""
        if not self._built_in:
            self._built_in = {oid: (schema, name) for oid, schema, name in await fetch(sql.BUILT_IN)}
        fetched = {query: await fetch(query) for query in _QUERIES}
        stored = await self._stored(fetch)
        # In a thread, as everything here that goes through all rows: the loop has clients to serve meanwhile.
        return await asyncio.to_thread(self._rows, fetched, stored)

    def _rows(self, fetched: Mapping[str, _Rows], stored: tuple[StoredRow, ...]) -> CatalogRows:
        return CatalogRows(
            schemas={oid: name for oid, name in fetched[sql.SCHEMAS]},  # noqa: C416 - rows are no pairs to dict()
            built_in=self._built_in,
            functions=tuple(
                FunctionRow._make((*row[:11], _oids(row[11]), _oids(row[12]))) for row in fetched[sql.FUNCTIONS]
            ),
            operators=tuple(
                OperatorRow._make((*row[:3], _oids(row[3]), _oids(row[4]))) for row in fetched[sql.OPERATORS]
            ),
            casts=tuple(map(CastRow._make, fetched[sql.CASTS])),
            types=tuple(TypeRow._make((*row[:8], _oids(row[8]), *row[9:12])) for row in fetched[sql.TYPES]),
            relations=tuple(map(RelationRow._make, fetched[sql.RELATIONS])),
            other_relations=tuple((schema, name) for schema, name in fetched[sql.OTHER_RELATIONS]),
            columns=tuple((relation, type_) for relation, type_ in fetched[sql.COLUMNS]),
            inherits=tuple((parent, child) for parent, child in fetched[sql.INHERITS]),
            keys=tuple(KeyRow._make((*row[:6], tuple(row[6]), tuple(row[7]), row[8])) for row in fetched[sql.KEYS]),
            triggers=tuple(map(TriggerRow._make, fetched[sql.TRIGGERS])),
            stored=stored,
            classes=tuple(
                ClassRow(row[0], tuple(row[1]), row[2], _oids(row[3]), row[4]) for row in fetched[sql.CLASSES]
            ),
            index_classes=tuple((relation, class_) for relation, class_ in fetched[sql.INDEX_CLASSES]),
            event_triggers=tuple((name, function) for name, function in fetched[sql.EVENT_TRIGGERS]),
            other_roles=frozenset(name for (name,) in fetched[sql.OTHER_ROLES]),
        )

    async def _stored(self, fetch: Fetch) -> tuple[StoredRow, ...]:
        rows = await fetch(sql.KEYS_OF_STORED)
        trees, unread = await asyncio.to_thread(self._known_trees, rows)
        same: dict[StoredCode, StoredCode] = {code: code for code in trees.values()}
        for number, versions in unread.items():
            for start in range(0, len(versions), _CHUNK):
                chunk = {key: (number, key, version) for _, key, version in versions[start : start + _CHUNK]}
                texts = await fetch(sql.TEXTS_OF_STORED[number], list(chunk))
                for key, code in await asyncio.to_thread(_read_all, texts, sql.STORED_KINDS[number] in PLANNED):
                    trees[chunk[key]] = same.setdefault(code, code)
        self._trees = trees
        return await asyncio.to_thread(_stored_rows, rows, trees)

    def _known_trees(self, rows: _Rows) -> tuple[dict[_Version, StoredCode], dict[int, list[_Version]]]:
        """Tell the trees that were read before from those that are still to be read, by the number of their kind."""
        trees: dict[_Version, StoredCode] = {}
        unread: dict[int, list[_Version]] = {}
        for number, key, version, *_ in rows:
            found = self._trees.get((number, key, version))
            if found is None:
                unread.setdefault(number, []).append((number, key, version))
            else:
                trees[number, key, version] = found
        return trees, unread


def _stored_rows(rows: _Rows, trees: Mapping[_Version, StoredCode]) -> tuple[StoredRow, ...]:
    return tuple(
        StoredRow(sql.STORED_KINDS[number], owner, name, event or "", trees[number, key, version])
        for number, key, version, owner, name, event in sorted(rows, key=lambda row: (row[0], row[1]))
    )


def _read_all(texts: _Rows, planned: bool) -> list[tuple[int, StoredCode]]:
    return [(key, read_stored(text or "", planned=planned)) for key, text in texts]


def _oids(given: Iterable[int | None] | None) -> tuple[int, ...]:
    return tuple(oid for oid in given or () if oid)
