"""The first witness: a text as PostgreSQL 18's own grammar reads it, turned into facts.

Judges nothing and resolves no names; says what is written. Whatever it has no meaning for makes the text unreadable.
Facts that are not `literal_bound` hold for every value of the text's constants.
Source: libpg_query 18, gram.y.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from proxy.sql.facts import Act, Bounds, Effect, Facts, Modifier, Unreadable
from proxy.sql.node_effects import STATEMENT_EFFECTS
from proxy.sql.witness_pg_rows import ROW_READERS
from proxy.sql.witness_pg_session import SESSION_READERS
from proxy.sql.witness_pg_tree import Node, parse
from proxy.sql.witness_pg_utility import UTILITY_READERS
from proxy.sql.witness_pg_walk import EXPRESSION_READERS, NOWHERE, NotUnderstood, Scope, Walk

READERS: Final[Mapping[str, Callable[[Walk, Node, Scope], None]]] = {
    **EXPRESSION_READERS,
    **ROW_READERS,
    **SESSION_READERS,
    **UTILITY_READERS,
}
"""Every kind of node that says something by itself, and who reads it."""


def read_pg(text: str, bounds: Bounds) -> tuple[Facts, ...] | Unreadable:
    """Read each statement of a text; a text of nothing but comments gives none.

    The text has passed `check_bounds`. Unreadable where the grammar refuses it, it is nested deeper than can be walked,
    holds more statements than the bound, or has a form without a known meaning.
    """
    parsed = parse(text)
    if isinstance(parsed, Unreadable):
        return parsed
    if len(parsed) > bounds.statements:
        return Unreadable(because=f"the text has {len(parsed)} statements, more than the bound of {bounds.statements}")
    try:
        return tuple(_read(statement.get("stmt", {})) for statement in parsed)
    except NotUnderstood as unknown:
        return Unreadable(because=f"the statement holds {unknown}, which has no known effect")


def _read(statement: Node) -> Facts:
    walk = Walk(READERS)
    walk.push(statement, NOWHERE)
    walk.run()
    if not walk.tag or not statement.keys() <= STATEMENT_EFFECTS.keys():
        raise NotUnderstood(next(iter(statement), "nothing"))
    acts = walk.acts
    if walk.reads and not any(act.effect is Effect.SELECT for act in acts):
        acts = (*acts, Act(effect=Effect.SELECT))
    planned: tuple[Act, ...] = ()
    if "ExplainStmt" in statement and Modifier.ANALYZE not in acts[0].modifiers:
        # Planned, not run. Planning evaluates stable and immutable functions, so calls stay.
        acts, planned = acts[:1], acts[1:]
    return Facts(
        tag=walk.tag,
        acts=acts,
        planned=planned,
        calls=walk.calls,
        columns=frozenset(walk.columns),
        fields=walk.called,
        forms=frozenset(walk.forms),
        assigned=frozenset(walk.assigned),
        literal_bound=walk.literal_bound,
    )
