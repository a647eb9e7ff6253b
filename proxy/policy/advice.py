"""What would have been permitted: how to say a refused act so that no rule refuses it, where the policy shows a way.

The advice ends up in an error's HINT, so it speaks of the policy's own words and never of the statement's literals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from proxy.policy.account import Account
from proxy.policy.patterns import must_cover_any
from proxy.policy.rules import INNOCUOUS, Miss, Mode, Rule, Sense
from proxy.sql import Act, Modifier, Target

_LEAVE_OUT = {
    Modifier.LOCKING: "Leave out FOR UPDATE or FOR SHARE: reading without locks is permitted.",
    Modifier.ON_CONFLICT_UPDATE: "Leave out ON CONFLICT DO UPDATE: plain rows may be inserted.",
    Modifier.ANALYZE: "Leave out ANALYZE: EXPLAIN without running the statement is permitted.",
    Modifier.WITH_HOLD: "Leave out WITH HOLD: a cursor that ends with its transaction is permitted.",
    Modifier.UNBOUNDED: "Add a WHERE clause that limits the rows.",
    Modifier.CASCADE: "Leave out CASCADE.",
    Modifier.RESTART_IDENTITY: "Leave out RESTART IDENTITY.",
    Modifier.TEMPORARY: "Leave out TEMPORARY.",
}


def milder_form(account: Account, act: Act, forbid: Rule, rules: Sequence[Rule]) -> str | None:
    """Say what to leave out of a forbidden act so that the policy lets it through; None where nothing helps.

    `rules`: those that are for the account.
    """
    resented = act.modifiers & forbid.modifiers
    plain = replace(act, modifiers=act.modifiers - resented)
    senses = {rule.sense for rule in rules if rule.mode is Mode.ENFORCE and rule.miss(account, plain) is None}
    if not resented or Sense.FORBID in senses or (account.enforced and Sense.PERMIT not in senses):
        return None
    return _leave_out(resented)


def nearest_permit(account: Account, act: Act, rules: Iterable[Rule]) -> str | None:
    """One sentence on how to say it so that a permit covers it; None where no permit comes near. Rules sorted by id."""
    misses = [(rule, rule.miss(account, act)) for rule in rules if rule.sense is Sense.PERMIT]
    for rule, miss in misses:
        if miss is Miss.VALUE:
            values = ", ".join(value.text for value in rule.values or ())
            return f"Write one of the permitted values as a constant: {values}."
    for rule, miss in misses:
        if miss is Miss.MODIFIER:
            return _leave_out(act.modifiers - rule.modifiers - INNOCUOUS)
    target = act.target
    if target is None or not target.name or target.schema is not None:
        return None
    for rule, miss in misses:
        if miss is not Miss.OBJECT:
            continue
        for pattern in rule.on or ():
            if pattern.schema is not None and pattern.may_cover(target):
                schema = pattern.schema.literal
                if schema is None:
                    return "Write the schema before the name."
                here = must_cover_any(rule.on or (), replace(target, candidates=_beside_temporary(target)))
                why = " Without it, a temporary table of that name would be meant first." if here else ""
                return f"Write the schema: {schema}.{target.name}.{why}"
    return None


def _beside_temporary(target: Target) -> tuple[str, ...]:
    return tuple(schema for schema in target.candidates if schema != "pg_temp")


def _leave_out(modifiers: Iterable[Modifier]) -> str:
    return " ".join(_LEAVE_OUT.get(modifier, f"Leave out {modifier.value}.") for modifier in sorted(modifiers))
