"""What would have been permitted: finds, for an act that no permit covers, the permit that came nearest.

The advice ends up in an error's HINT, so it speaks of the policy's own words and never of the statement's literals.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxy.policy.account import Account
from proxy.policy.rules import INNOCUOUS, Miss, Rule, Sense
from proxy.sql import Act, Modifier

_LEAVE_OUT = {
    Modifier.LOCKING: "Leave out FOR UPDATE or FOR SHARE: reading without locks is permitted.",
    Modifier.ON_CONFLICT_UPDATE: "Leave out ON CONFLICT DO UPDATE: plain rows may be inserted.",
    Modifier.ANALYZE: "Leave out ANALYZE: EXPLAIN without running the statement is permitted.",
    Modifier.WITH_HOLD: "Leave out WITH HOLD: a cursor that ends with its transaction is permitted.",
    Modifier.UNBOUNDED: "Give the statement a WHERE clause that limits the rows.",
    Modifier.CASCADE: "Leave out CASCADE.",
    Modifier.RESTART_IDENTITY: "Leave out RESTART IDENTITY.",
    Modifier.TEMPORARY: "Leave out TEMPORARY.",
}


def nearest_permit(account: Account, act: Act, rules: Iterable[Rule]) -> str | None:
    """One sentence on how to say it so that a permit covers it; None where no permit comes near. Rules sorted by id."""
    misses = [(rule, rule.miss(account, act)) for rule in rules if rule.sense is Sense.PERMIT]
    for rule, miss in misses:
        if miss is Miss.VALUE:
            values = ", ".join(value.text for value in rule.values or ())
            return f"Write one of the permitted values as a constant: {values}."
    for rule, miss in misses:
        if miss is Miss.MODIFIER:
            extra = sorted(act.modifiers - rule.modifiers - INNOCUOUS)
            return " ".join(_LEAVE_OUT.get(modifier, f"Leave out {modifier.value}.") for modifier in extra)
    target = act.target
    if target is None or not target.name or target.schema is not None:
        return None
    for rule, miss in misses:
        if miss is not Miss.OBJECT:
            continue
        for pattern in rule.on or ():
            if pattern.schema is not None and pattern.may_cover(target):
                schema = pattern.schema.literal
                return f"Write the schema: {schema}.{target.name}." if schema else "Write the schema before the name."
    return None
