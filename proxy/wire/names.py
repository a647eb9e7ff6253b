"""Which names stand for which statement: what the server holds under the names of statements and portals. Pure.

A Parse counts at once for what follows it before the next Sync (if it fails, that is skipped, too), but until it is
answered, the statement that stood under its name before is remembered, and both count for what comes after that Sync.
SQL's PREPARE uses the same names; whether it succeeded is not followed, so it only ever adds to what a name may stand
for.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from proxy.wire.ruling import Ruling

NAME_BYTES: Final = 63
"""The server keeps names of statements and portals in hash tables of NAMEDATALEN, so longer ones are cut."""
NAMES_KEPT: Final = 10_000
"""Statements and portals remembered per session. The server bounds them by memory only; beyond this, what an unknown
name stands for cannot be told."""
_CHAIN: Final = 8
"""Statements remembered under one name."""


class Prepared:
    """A statement under a name: what was ruled on its Parse, and what stood there until that is answered."""

    __slots__ = ("after", "batch", "before", "name", "ruling", "stands")

    def __init__(self, name: bytes, ruling: Ruling, batch: int, before: Prepared | None) -> None:
        self.name, self.ruling, self.batch, self.before = name, ruling, batch, before
        self.after: Prepared | None = None
        """What was sent under the same name next, so that a failed one of many is taken out in one step."""
        self.stands = False
        """The server has answered ParseComplete."""


class Names:
    """The names of one session."""

    __slots__ = ("_by_sql", "_portals", "_portals_lost", "_statements", "_statements_lost", "batch")

    def __init__(self) -> None:
        self._statements: dict[bytes, Prepared] = {}
        self._by_sql: dict[bytes, tuple[Ruling, ...]] = {}
        """What SQL's PREPARE may have put under a name."""
        self._statements_lost = False
        """More was prepared than is remembered."""
        self._portals: dict[bytes, tuple[Ruling, ...] | None] = {}
        self._portals_lost = False
        self.batch = 0
        """How many Syncs were sent."""

    # Statements

    def parse(self, name: bytes, ruling: Ruling) -> Prepared | None:
        """Let a name stand for a statement; give what its answer is to be told to, None if it is not remembered."""
        name = name[:NAME_BYTES]
        before = self._statements.get(name)
        if before is None and len(self._statements) >= NAMES_KEPT:
            self._statements_lost = True
            return None
        prepared = Prepared(name, ruling, self.batch, before)
        if before is not None:
            before.after = prepared
        self._statements[name] = prepared
        return prepared

    def parsed(self, prepared: Prepared) -> None:
        """Take note of ParseComplete: what stood under the name before is gone."""
        prepared.stands = True
        if prepared.before is not None:
            prepared.before.after = None
            prepared.before = None

    def not_parsed(self, failed: Prepared) -> None:
        """Take note that a Parse failed: what stood under its name before stands again."""
        before, after = failed.before, failed.after
        failed.before = failed.after = None
        if before is not None:
            before.after = after
        if after is not None:
            after.before = before
        elif self._statements.get(failed.name) is failed:
            if before is None:
                del self._statements[failed.name]
            else:
                self._statements[failed.name] = before

    def prepared_by_sql(self, name: bytes, ruling: Ruling) -> None:
        """Let a name stand for what SQL's PREPARE puts there, too."""
        name = name[:NAME_BYTES]
        rulings = tuple(each for each in self._by_sql.get(name, ()) if each.text != ruling.text)
        if len(rulings) < _CHAIN and (rulings or len(self._by_sql) < NAMES_KEPT):
            self._by_sql[name] = (*rulings, ruling)
        else:
            self._statements_lost = True
            self._by_sql.pop(name, None)

    def statement(self, name: bytes) -> Prepared | None:
        """Give what a Parse put under a name."""
        return self._statements.get(name[:NAME_BYTES])

    def prepared(self, name: bytes) -> tuple[Ruling, ...] | None:
        """Give what was ruled on the statements that a name may stand for; empty: unknown, None: it cannot be told."""
        name = name[:NAME_BYTES]
        by_sql = self._by_sql.get(name, ()) if self._by_sql else ()
        prepared = self._statements.get(name)
        if prepared is None:
            return None if self._statements_lost and not by_sql else by_sql
        if prepared.before is None or prepared.batch == self.batch:
            return (prepared.ruling, *by_sql) if by_sql else (prepared.ruling,)
        rulings: list[Ruling] = list(by_sql)
        step: Prepared | None = prepared
        while step is not None:
            rulings.append(step.ruling)
            step = step.before
            if len(rulings) > 2 * _CHAIN:
                return None
        return tuple(rulings)

    def closed(self, prepared: Prepared) -> None:
        """Take note that a Close was answered."""
        if self._statements.get(prepared.name) is prepared:
            del self._statements[prepared.name]

    def forget_statement(self, name: bytes, unanswered: Container[Ruling]) -> None:
        """DEALLOCATE of one name; what was sent under it since, and is `unanswered`, is not meant."""
        name = name[:NAME_BYTES]
        prepared = self._statements.get(name)
        if prepared is not None and prepared.stands:
            del self._statements[name]
        left = tuple(each for each in self._by_sql.pop(name, ()) if each in unanswered)
        if left:
            self._by_sql[name] = left

    def forget_statements(self, unanswered: Container[Ruling]) -> None:
        """DEALLOCATE ALL or DISCARD ALL, likewise."""
        self._statements = {name: prepared for name, prepared in self._statements.items() if not prepared.stands}
        left = {name: tuple(each for each in rulings if each in unanswered) for name, rulings in self._by_sql.items()}
        self._by_sql = {name: rulings for name, rulings in left.items() if rulings}
        if not self._statements and not self._by_sql:
            self._statements_lost = False

    # Portals

    def bind(self, portal: bytes, prepared: tuple[Ruling, ...] | None) -> None:
        """Let a portal stand for what its statement stands for, as `prepared` gives it."""
        portal = portal[:NAME_BYTES]
        if len(self._portals) < NAMES_KEPT or portal in self._portals:
            self._portals[portal] = prepared
        else:
            self._portals_lost = True

    def bound(self, portal: bytes) -> tuple[Ruling, ...] | None:
        """Give what was ruled on the statements that a portal may run.

        Empty: unknown (a cursor made by SQL, say); None: it cannot be told.
        """
        return self._portals.get(portal[:NAME_BYTES], None if self._portals_lost else ())

    def close_portal(self, name: bytes) -> None:
        """Forget a portal."""
        self._portals.pop(name[:NAME_BYTES], None)

    def close_portals(self) -> None:
        """Forget all portals: no transaction is open, which none outlives."""
        if self._portals:
            self._portals.clear()
            self._portals_lost = False
