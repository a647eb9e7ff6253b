"""Which code a catalog's functions, operators, casts and types run, as far as it is not known to do no harm.

A function of users is harmless only if it belongs to a reviewed extension, is another name of a harmless built-in, or
is an aggregate over harmless functions; everything else about users' code is for a policy to say. Asked by oid; names
are the census's business. Nothing here recurses without a guard, for types and aggregates may go round in circles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from proxy.sql.catalog_rows import CastRow, CatalogRows, ClassRow, FunctionRow, OperatorRow, StoredKind, TypeRow
from proxy.sql.facts import TargetKind
from proxy.sql.harmless import CONSTRUCTORS, HARMLESS, INFORMATION_SCHEMA_FUNCTIONS, MACHINERY
from proxy.sql.reviewed_extensions import is_reviewed
from proxy.sql.stored_code import ANYARRAY, FIRST_USER_OID, NOTHING, StoredCode


class Routine(NamedTuple):
    """Code that is not known to be harmless, by the name that a policy permits it by."""

    schema: str
    name: str
    kind: TargetKind = TargetKind.FUNCTION


Code = dict[Routine, str]
"""Each routine with what runs it, in words: `the view public.v`, `the default of public.t`."""

_RECORDS: Final = frozenset({2249, 2276, 2283, 5077, 5079, 2776})
"""record, any, anyelement, anycompatible, anycompatiblenonarray, anynonarray: what a row can be passed as."""

_ARRAYS: Final = frozenset({2277, 2287, 5078})
"""anyarray, record[] and anycompatiblearray: what a row can be an element of, where the argument is variadic."""

_ATTRIBUTES: Final = 1249
"""pg_attribute, which keeps the default of a column for the rows that were there before the column was."""
_OF_ANY_TYPE: Final = frozenset({"pg_statistic", "pg_statistic_ext_data", "pg_stats", "pg_stats_ext_exprs"})
"""Relations that keep values of all columns."""

# A column's own sequence moves on with each row that is inserted: part of INSERT as everybody means it.
PART_OF_DEFAULTS: Final = frozenset({"nextval"})


class Routines:
    """The code behind oids."""

    def __init__(self, rows: CatalogRows) -> None:
        self._schemas = rows.schemas
        self.functions: dict[int, FunctionRow] = {row.oid: row for row in rows.functions}
        self.operators: dict[int, OperatorRow] = {row.oid: row for row in rows.operators}
        self.types: dict[int, TypeRow] = {}
        self._withheld: dict[int, Routine] = {
            oid: Routine(schema, name)
            for oid, (schema, name) in rows.built_in.items()
            if not _built_in_is_harmless(schema, name) and oid not in self.functions
        }
        self._array_of: dict[int, int] = {}
        self._row_types: dict[int, int] = {row.row_type: row.oid for row in rows.relations if row.row_type}
        self._harmful: dict[int, Routine | None] = {}
        self._type_code: dict[int, Code] = {}
        self._type_checks: dict[int, Code] = {}
        self._columns: dict[int, list[int]] = {}
        self._checks: dict[int, list[StoredCode]] = {}
        self._defaults: dict[int, StoredCode] = {}
        self.arguments: dict[int, StoredCode] = {}
        """Defaults of functions' arguments, which the caller evaluates."""
        for relation_row in rows.relations:
            if relation_row.row_array:
                self._array_of[relation_row.row_array] = relation_row.row_type
        for type_ in rows.types:
            self.types[type_.oid] = type_
            if type_.array:
                self._array_of[type_.array] = type_.oid
        for relation, column in rows.columns:
            self._columns.setdefault(relation, []).append(column)
        for stored in rows.stored:
            if stored.kind is StoredKind.DOMAIN:
                self._checks.setdefault(stored.owner, []).append(stored.code)
            elif stored.kind is StoredKind.DOMAIN_DEFAULT:
                self._defaults[stored.owner] = stored.code
            elif stored.kind is StoredKind.ARGUMENT:
                self.arguments[stored.owner] = stored.code
        self.ambient: Code = {}
        """Code that may run in any expression: casts and operator classes of built-in types."""
        self._ambient_of: dict[int, Code] = {}
        """The same by a type of users that must be at hand."""
        for cast in rows.casts:
            self._gather_cast(cast)
        self._gather_classes(rows)

    def schema_name(self, oid: int) -> str:
        """Name a schema; temporary schemas of all sessions are one."""
        name = self._schemas.get(oid, "")
        return "pg_temp" if name.startswith("pg_temp_") else name

    def harmful(self, oid: int) -> Routine | None:
        """Give the routine if it is not known to be harmless."""
        if oid in self._harmful:
            return self._harmful[oid]
        row = self.functions.get(oid)
        if row is None:
            # An oid of no row is of an object dropped since, or a built-in of this server's own.
            return self._withheld.get(oid)
        routine = Routine(self.schema_name(row.schema), row.name)
        self._harmful[oid] = routine  # for an aggregate in a circle
        if is_reviewed(row.extension, row.name, row.language):
            harmless = True
        elif row.is_aggregate:
            harmless = not self.code_of(row.support, "", MACHINERY)
        else:
            harmless = row.language == "internal" and (row.source in HARMLESS or row.source in CONSTRUCTORS)
        self._harmful[oid] = None if harmless else routine
        return self._harmful[oid]

    def code_of(self, oids: Iterable[int], path: str, but: frozenset[str] = frozenset()) -> Code:
        """Give the harmful among functions; `but`: names of built-ins that do no harm in that place."""
        return {
            routine: path
            for oid in oids
            if (routine := self.harmful(oid)) is not None and not (oid in self._withheld and routine.name in but)
        }

    def code_of_stored(self, stored: StoredCode, path: str, but: frozenset[str] = frozenset()) -> Code:
        """Give what a stored tree runs; `but`: names of built-ins that do no harm in that place."""
        found = self.code_of(stored.functions, path, but)
        for oid in stored.functions:
            if oid in self.arguments and oid in self.functions:
                found.update(self.code_of(self.arguments[oid].functions, path))
        for operator in stored.operators:
            found.update(self.code_of_operator(operator, path))
        for type_ in stored.types:
            found.update(dict.fromkeys(self.code_of_type(type_), path))
        return found

    def code_of_operator(self, oid: int, path: str) -> Code:
        """Give what an operator of users calls."""
        row = self.operators.get(oid)
        return {} if row is None else self.code_of(row.functions, path, MACHINERY)

    def code_of_class(self, row: ClassRow) -> Code:
        """Give what an operator class calls."""
        return self.code_of(row.functions, f"the operator class {row.name}", MACHINERY)

    def code_of_type(self, oid: int) -> Code:
        """Give what making a value of a type runs: input functions, checks of domains, of all that it is made of."""
        known = self._type_code.get(oid)
        if known is None:
            known = dict(self.checks_of_type(oid))
            for each in self.parts_of(oid):
                row = self.types.get(each)
                if row is not None and row.kind in "br":
                    # Input functions that PostgreSQL brings are withheld from callers, and harmless as a type's.
                    used = filter(self.functions.__contains__, row.functions)
                    known.update(self.code_of(used, f"the type {self._type_name(row)}"))
            self._type_code[oid] = known
        return known

    def checks_of_type(self, oid: int) -> Code:
        """Give what the checks of domains run, of all that a type's values are made of."""
        known = self._type_checks.get(oid)
        if known is None:
            known = {}
            for each in sorted(self.parts_of(oid) & self._checks.keys()):
                path = f"a check of the domain {self._type_name(self.types[each])}"
                for check in self._checks[each]:
                    # A check may convert to a domain in its turn: what is known so far ends the circle.
                    self._type_checks[oid] = known
                    known.update(self.code_of_stored(check, path))
            self._type_checks[oid] = known
        return known

    def code_of_default(self, oid: int) -> Code:
        """Give what the default of a domain runs, which a column of it has unless it has one of its own."""
        found: Code = {}
        row = self.types.get(oid)
        while row is not None and row.kind == "d":
            if row.oid in self._defaults:
                path = f"the default of the domain {self._type_name(row)}"
                found.update(self.code_of_stored(self._defaults[row.oid], path, PART_OF_DEFAULTS))
            row = self.types.get(row.base)
        return found

    def _type_name(self, row: TypeRow) -> str:
        return f"{self.schema_name(row.schema)}.{row.name}"

    def parts_of(self, oid: int) -> frozenset[int]:
        """Give a type of users and all types of users that its values are made of."""
        seen: set[int] = set()
        waiting = [oid]
        while waiting:
            each = self._array_of.get(waiting[-1], waiting[-1])
            waiting.pop()
            if each in seen or each < FIRST_USER_OID:
                continue
            seen.add(each)
            row = self.types.get(each)
            if row is not None:
                waiting += [row.base, row.subtype, row.element, row.range, *self._columns.get(row.relation, ())]
            elif each in self._row_types:
                waiting += self._columns.get(self._row_types[each], ())
        return frozenset(seen)

    def is_known_type(self, oid: int) -> bool:
        """Tell whether the catalog had a type of that oid."""
        each = self._array_of.get(oid, oid)
        return each in self.types or each in self._row_types

    def code_at_hand(self, types: Iterable[int]) -> Code:
        """Give what may run, without being named, where values of types are at hand.

        Casts in any context count: to_json, JSON_VALUE, `||` and others convert by explicit casts, too, and so do casts
        to arrays, composites and domains for what these are made of.
        """
        if not self._ambient_of:
            return {}
        given = set(types)
        near = self._ambient_of.keys() if ANYARRAY in given else self._near(given) & self._ambient_of.keys()
        found: Code = {}
        for oid in sorted(near):
            found.update(self._ambient_of[oid])
        return found

    def _near(self, types: Iterable[int]) -> set[int]:
        found: set[int] = set()
        waiting = list(types)
        while waiting:
            parts = self.parts_of(waiting.pop()) - found
            found |= parts
            for each in parts:
                for stored in (*self._checks.get(each, ()), self._defaults.get(each, NOTHING)):
                    waiting += self.types_in(stored)
        return found

    def types_in(self, stored: StoredCode) -> frozenset[int]:
        """Give the types of users that values in a stored tree may have, beside those of columns that it reads."""
        found = stored.types | stored.values
        for oid in stored.functions & self.arguments.keys():
            found |= self.arguments[oid].types | self.arguments[oid].values
        return found

    def types_kept_in(self, name: str) -> frozenset[int]:
        """Give the types of users that values in a relation of PostgreSQL's own may have."""
        if name in _OF_ANY_TYPE:
            return frozenset({ANYARRAY})
        return frozenset(self.columns_of(_ATTRIBUTES) if name == "pg_attribute" else ())

    def code_of_values(self, oid: int) -> Code:
        """Give what may run where a value of a type is read in: that, and whatever it is converted to."""
        return {**self.code_of_type(oid), **self.code_at_hand((oid,))}

    def columns_of(self, relation: int) -> tuple[int, ...]:
        """Give the types of users that a relation's columns have."""
        return tuple(self._columns.get(relation, ()))

    def takes_a_row(self, function: FunctionRow) -> bool:
        """Tell whether `row.name` may call it: it can be called with one argument, and that may be a row."""
        if function.arguments - function.defaults > 1 or function.first == 0:
            return False
        first = self._array_of.get(function.first, function.first) if function.variadic else function.first
        return first in _RECORDS or (function.variadic and first in _ARRAYS) or self.is_row_type(first)

    def is_row_type(self, oid: int) -> bool:
        """Tell whether a type is a row type, or a domain over one."""
        row = self.types.get(oid)
        while row is not None and row.kind == "d":
            oid, row = row.base, self.types.get(row.base)
        return oid in self._row_types or (row is not None and row.kind == "c")

    def is_domain_of_rows(self, oid: int) -> bool:
        """Tell whether `row.name` may convert to a type of that name: it is a domain over a row type."""
        row = self.types.get(oid)
        return row is not None and row.kind == "d" and self.is_row_type(oid)

    # Casts and operator classes, which no statement need name

    def _gather_cast(self, cast: CastRow) -> None:
        code = self.code_of((cast.function,), f"a cast to {cast.target_name}")
        # A value of the source must be there, which one of PostgreSQL's own types always may.
        user = next((oid for oid in (cast.source, cast.target) if oid >= FIRST_USER_OID), None)
        if user is None:
            self.ambient.update(code)
        else:
            self._add_ambient(user, code)

    def _gather_classes(self, rows: CatalogRows) -> None:
        classes = {row.oid: row for row in rows.classes}
        for type_ in rows.types:
            # A range compares its bounds by any class, and the planner asks how far they are apart.
            used = filter(self.functions.__contains__, type_.functions if type_.subtype else ())
            self._add_ambient(type_.oid, self.code_of(used, f"the type {self._type_name(type_)}"))
            if type_.operator_class in classes:
                self._add_ambient(type_.oid, self.code_of_class(classes[type_.operator_class]))
        for each in rows.classes:
            code = self.code_of_class(each) if each.is_default else {}
            users = [oid for oid in each.types if oid >= FIRST_USER_OID]
            for oid in users:
                self._add_ambient(oid, code)
            if not users:
                self.ambient.update(code)

    def _add_ambient(self, oid: int, code: Mapping[Routine, str]) -> None:
        if code:
            each = self._array_of.get(oid, oid)
            row = self.types.get(each)
            # Of an array an element may be had, and the other way round; of multiranges and ranges, too.
            self._ambient_of.setdefault(each if row is None else row.range or each, {}).update(code)


def _built_in_is_harmless(schema: str, name: str) -> bool:
    if schema == "information_schema":
        return name in INFORMATION_SCHEMA_FUNCTIONS
    return name in HARMLESS
