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

Fetch = Callable[..., Awaitable[Sequence[Sequence[Any]]]]
"""Runs a query, with parameters $1 ..., and gives its rows."""

_CHUNK: Final = 200
"""Texts of trees fetched at a time: a view's may be large, and none is kept."""

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
        return CatalogRows(
            schemas=dict(map(tuple, await fetch(sql.SCHEMAS))),
            built_in=self._built_in,
            functions=tuple(FunctionRow._make((*row[:11], _oids(row[11]))) for row in await fetch(sql.FUNCTIONS)),
            operators=tuple(
                OperatorRow._make((*row[:3], _oids(row[3]), _oids(row[4]))) for row in await fetch(sql.OPERATORS)
            ),
            casts=tuple(CastRow._make(row) for row in await fetch(sql.CASTS)),
            types=tuple(TypeRow._make((*row[:8], _oids(row[8]), row[9])) for row in await fetch(sql.TYPES)),
            relations=tuple(RelationRow._make(row) for row in await fetch(sql.RELATIONS)),
            columns=tuple((relation, type_) for relation, type_ in await fetch(sql.COLUMNS)),
            inherits=tuple((parent, child) for parent, child in await fetch(sql.INHERITS)),
            keys=tuple(KeyRow._make((*row[:6], tuple(row[6]), tuple(row[7]), row[8])) for row in await fetch(sql.KEYS)),
            triggers=tuple(TriggerRow._make(row) for row in await fetch(sql.TRIGGERS)),
            stored=await self._stored(fetch),
            classes=tuple(
                ClassRow(row[0], tuple(row[1]), row[2], _oids(row[3]), row[4]) for row in await fetch(sql.CLASSES)
            ),
            index_classes=tuple((relation, class_) for relation, class_ in await fetch(sql.INDEX_CLASSES)),
            event_triggers=tuple((name, function) for name, function in await fetch(sql.EVENT_TRIGGERS)),
        )

    async def _stored(self, fetch: Fetch) -> tuple[StoredRow, ...]:
        rows = sorted(await fetch(sql.KEYS_OF_STORED), key=lambda row: (row[0], row[1]))
        trees: dict[_Version, StoredCode] = {}
        unread: dict[int, list[_Version]] = {}
        for number, key, version, *_ in rows:
            found = self._trees.get((number, key, version))
            if found is None:
                unread.setdefault(number, []).append((number, key, version))
            else:
                trees[number, key, version] = found
        same: dict[StoredCode, StoredCode] = {}
        for number, versions in unread.items():
            for start in range(0, len(versions), _CHUNK):
                chunk = {key: (number, key, version) for _, key, version in versions[start : start + _CHUNK]}
                texts = await fetch(sql.TEXTS_OF_STORED[number], list(chunk))
                # In a thread: the loop has clients to serve meanwhile.
                for key, code in await asyncio.to_thread(_read_all, texts):
                    trees[chunk[key]] = same.setdefault(code, code)
        self._trees = trees
        return tuple(
            StoredRow(sql.STORED_KINDS[number], owner, name, event or "", trees[number, key, version])
            for number, key, version, owner, name, event in rows
        )


def _read_all(texts: Sequence[Sequence[Any]]) -> list[tuple[int, StoredCode]]:
    return [(key, read_stored(text or "")) for key, text in texts]


def _oids(given: Iterable[int | None] | None) -> tuple[int, ...]:
    return tuple(oid for oid in given or () if oid)
