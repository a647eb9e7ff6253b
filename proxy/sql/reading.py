"""From a text to facts: bounds, then both witnesses, then comparison. The one place where a text is read.

libpg_query is PostgreSQL's own grammar and gives the facts; sqlglot testifies to what is written and which relations
are named. Where both speak and do not tell the same, the facts say so, and what is on record of harm is the union of
both. Where sqlglot has no reading the facts stand on libpg_query alone, and `witnesses` says so.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from proxy.sql.bounds import check_bounds
from proxy.sql.facts import Act, Bounds, Effect, Facts, Target, TargetKind, Unreadable
from proxy.sql.witness_glot import GlotReading, Name, read_glot
from proxy.sql.witness_pg import read_pg

_ROW_CHANGES = frozenset({Effect.INSERT, Effect.UPDATE, Effect.DELETE, Effect.MERGE, Effect.TRUNCATE})
_WRITES = _ROW_CHANGES | {Effect.CREATE, Effect.DROP}
_TAGS = frozenset(
    {"SELECT", "SELECT INTO", "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE TABLE", "CREATE TABLE AS",
     "DROP TABLE", "DROP VIEW"}
)  # fmt: skip
"""Statements that sqlglot is heard on: of others it has no reading anyhow, and asking costs time."""


def read_statements(text: str, bounds: Bounds) -> tuple[Facts, ...] | Unreadable:
    """Read every statement of the text, in order; none for an empty text. Unreadable where no reading can be had.

    Depends on the text and the bounds alone, so the result may be kept.
    """
    beyond = check_bounds(text, bounds)
    if beyond is not None:
        return beyond
    facts = read_pg(text, bounds)
    if isinstance(facts, Unreadable) or not any(statement.tag in _TAGS for statement in facts):
        return facts
    heard = read_glot(text)
    if heard is None:
        return facts
    if len(heard) == len(facts):
        return tuple(map(_compare, facts, heard))
    if None in heard:
        # sqlglot may have split what it does not understand, such as a BEGIN ATOMIC body.
        return facts
    apart = f"sqlglot reads {len(heard)} statements where PostgreSQL's grammar reads {len(facts)}"
    return tuple(replace(statement, disagreement=apart) for statement in facts)


def _compare(facts: Facts, heard: GlotReading | None) -> Facts:
    if heard is None or facts.tag not in _TAGS:
        return facts
    effects = {act.effect for act in facts.acts}
    named: set[Name] = set()
    written: set[Name] = set()
    for act in facts.acts:
        if act.target is not None and act.target.kind is TargetKind.RELATION and act.target.name:
            name = (act.target.schema, act.target.name)
            named.add(name)
            if act.effect in _WRITES:
                written.add(name)
    heard_named = heard.written | heard.read
    complaints = [
        *_complain("sqlglot alone sees the effect", heard.effects - effects),
        *_complain("sqlglot does not see the effect", (effects & _ROW_CHANGES) - heard.effects - heard.implied),
        *_complain("sqlglot alone sees written", _dotted(heard.written - written)),
        *_complain("sqlglot does not see written", _dotted(written - heard.written)),
        *_complain("sqlglot alone sees read", _dotted(heard_named - named - heard.written)),
        *_complain("sqlglot does not see read", _dotted(named - heard_named - written)),
    ]
    witnesses = (*facts.witnesses, "sqlglot")
    if not complaints:
        return replace(facts, witnesses=witnesses)
    return replace(
        facts, witnesses=witnesses, disagreement="; ".join(complaints), acts=_union(facts.acts, heard, written, named)
    )


def _union(
    acts: tuple[Act, ...], heard: GlotReading, written: AbstractSet[Name], named: AbstractSet[Name]
) -> tuple[Act, ...]:
    """Put what sqlglot alone sees beside what PostgreSQL's grammar says, so that a rule on either bites."""
    seen = {act.effect for act in acts}
    extra = [
        Act(effect=effect, target=Target(kind=TargetKind.RELATION, schema=schema, name=name))
        for effect in sorted(heard.effects)
        for schema, name in sorted(heard.written, key=str)
        if effect not in seen or (schema, name) not in written
    ]
    extra += [
        Act(effect=Effect.SELECT, target=Target(kind=TargetKind.RELATION, schema=schema, name=name))
        for schema, name in sorted(heard.read - named, key=str)
    ]
    return acts + tuple(extra)


def _dotted(names: AbstractSet[Name]) -> set[str]:
    return {name if schema is None else f"{schema}.{name}" for schema, name in names}


def _complain(sentence: str, what: AbstractSet[str]) -> list[str]:
    return [f"{sentence} {', '.join(sorted(what))}"] if what else []
