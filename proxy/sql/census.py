"""A picture of one database's catalog at one moment: what a name may mean, and what code stands behind it.

Immutable for whoever asks; what it has worked out it keeps. Names are looked up as namespace.c does, but widely: among
all schemas that a name may be found in, every object counts. Made from rows alone, so a picture can be drawn by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from proxy.sql.catalog_rows import CatalogRows, FunctionRow, OperatorRow
from proxy.sql.relations import Relations
from proxy.sql.routines import Code, Routine, Routines

Where = tuple[str, ...] | None
"""Schemas that a name may be found in; None: any."""

OURS: Final = frozenset({("interlock", "catalog_changed")})
"""Functions that `interlock install` made, and whose work is known."""

_Row = TypeVar("_Row", FunctionRow, OperatorRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """There should be a census, and there is none: the catalog cannot be read."""

    because: str
    """Since when and why, one clause in words, lower case, no full stop."""
    epoch: int = 0


class Census:
    """What is known of a database. Two censuses with the same epoch are the same picture."""

    def __init__(self, rows: CatalogRows | None = None, *, epoch: int = 1) -> None:
        """`epoch` goes into the records of decisions that this picture stands behind."""
        rows = CatalogRows() if rows is None else rows
        self.epoch = epoch
        self.routines = Routines(rows)
        self.relations = Relations(rows, self.routines)
        self._schemas = frozenset(rows.schemas.values())
        self._built_in = frozenset(name for _, name in rows.built_in.values())
        self._functions: dict[str, list[FunctionRow]] = {}
        self._operators: dict[str, list[OperatorRow]] = {}
        self._types: dict[str, list[tuple[str, int]]] = {}
        self._relations: dict[str, list[tuple[str, int]]] = {}
        self._other_relations: dict[str, list[str]] = {}
        self._called_on_rows: dict[str, list[FunctionRow]] = {}
        named = self.routines.schema_name
        rows_can_become_anything = any(self.routines.is_row_type(cast.source) for cast in rows.casts)
        for function in rows.functions:
            self._functions.setdefault(function.name, []).append(function)
            if self.routines.takes_a_row(function) or (rows_can_become_anything and function.first):
                self._called_on_rows.setdefault(function.name, []).append(function)
        for operator in rows.operators:
            self._operators.setdefault(operator.name, []).append(operator)
        for type_ in rows.types:
            self._types.setdefault(type_.name, []).append((named(type_.schema), type_.oid))
        for relation in rows.relations:
            place = named(relation.schema)
            self._relations.setdefault(relation.name, []).append((place, relation.oid))
            if relation.kind != "c" and relation.row_type:
                self._types.setdefault(relation.name, []).append((place, relation.row_type))
        for schema, name in rows.other_relations:
            self._other_relations.setdefault(name, []).append(named(schema))
        self._other_roles = rows.other_roles
        self.on_definitions: Code = {}
        """Functions of event triggers: they run when something is defined."""
        for name, oid in rows.event_triggers:
            for routine, path in self.routines.code_of((oid,), f"the event trigger {name}").items():
                if routine[:2] not in OURS:
                    self.on_definitions[routine] = path

    def existing(self, path: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Give a search_path without the schemas that do not exist, which PostgreSQL passes over."""
        return None if path is None else tuple(name for name in path if name in self._schemas or name == "pg_temp")

    def runs_as_itself(self, login: str) -> bool:
        """Tell whether no ALTER ROLE or ALTER DATABASE ... SET role has a login's sessions run as another role."""
        return self._other_roles.isdisjoint({login, ""})

    def brings(self, name: str) -> bool:
        """Tell whether PostgreSQL itself brings a function of that name."""
        return name in self._built_in

    def functions(self, name: str, where: Where, arguments: int | None) -> list[FunctionRow]:
        """Give users' functions that a call may mean. `arguments`: how many are passed; None: it cannot be told."""
        found = self._visible(self._functions.get(name, ()), where)
        if arguments is None:
            return found
        return [row for row in found if row.variadic or row.arguments - row.defaults <= arguments <= row.arguments]

    def code_of_functions(self, rows: Iterable[FunctionRow], path: str) -> Code:
        """Give the harmful among functions, and in the defaults of their arguments."""
        found: Code = {}
        for row in rows:
            found.update(self.routines.code_of((row.oid,), path))
            stored = self.routines.arguments.get(row.oid)
            if stored is not None:
                name = f"{self.routines.schema_name(row.schema)}.{row.name}"
                found.update(self.routines.code_of_stored(stored, f"an argument's default of {name}"))
        return found

    def operators(self, name: str, where: Where) -> list[OperatorRow]:
        """Give users' operators that an operator's name may mean."""
        return self._visible(self._operators.get(name, ()), where)

    def operator_name(self, row: OperatorRow) -> str:
        """Give `schema.name`."""
        return f"{self.routines.schema_name(row.schema)}.{row.name}"

    def types(self, name: str, where: Where) -> list[int]:
        """Give users' types that a name may mean; `_t` is the array of `t`."""
        found = self._types.get(name) or (self._types.get(name[1:]) if name.startswith("_") else None) or ()
        return [oid for schema, oid in found if where is None or schema in where]

    def relations_named(self, name: str, where: Where) -> list[int]:
        """Give users' relations that a name may mean."""
        return [oid for schema, oid in self._relations.get(name, ()) if where is None or schema in where]

    def knows_relation(self, name: str, where: Where) -> bool:
        """Tell whether there is a relation that a name may mean, whoever made it."""
        others = self._other_relations.get(name, ())
        return bool(self.relations_named(name, where)) or any(where is None or each in where for each in others)

    def called_on_rows(self, names: frozenset[str], where: Where) -> list[Routine]:
        """Give harmful functions that a column's name may call, in attribute notation."""
        found: dict[Routine, None] = {}
        for name in sorted(names & self._called_on_rows.keys()):
            for row in self._visible(self._called_on_rows[name], where):
                routine = self.routines.harmful(row.oid)
                if routine is not None:
                    found[routine] = None
        return list(found)

    def _visible(self, rows: Iterable[_Row], where: Where) -> list[_Row]:
        if where is None:
            return list(rows)
        return [row for row in rows if self.routines.schema_name(row.schema) in where]


Knowledge = Census | Lost | None
"""What is known of a database's catalog; None: nobody was asked to know."""
