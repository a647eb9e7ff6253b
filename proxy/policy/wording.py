"""Decisions in words: MESSAGE, DETAIL and HINT as PostgreSQL writes them, and the long form of `policy explain`. Pure.

For people who were refused and must know what to do next. Names of objects are shown, literals of the statement never:
what is refused may be a secret, and errors end up in logs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.policy.account import Account
from proxy.policy.rules import Miss, Mode, Policy, Rule, Sense
from proxy.policy.verdict import Decision, Verdict
from proxy.sql import Act, Effect, Facts, Modifier, Target, TargetKind, Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The three texts of an ErrorResponse. Without NUL and other control characters."""

    message: str
    """One clause, without a full stop."""
    detail: str
    """Rule, reason, decision id."""
    hint: str
    """What to do instead, in sentences."""


_LITERAL_NAMES: Final = frozenset({TargetKind.FILE, TargetKind.PROGRAM})
"""Kinds whose name is a literal of the statement."""

_RECOMMEND: Final = "Insert a row into interlock.recommendation; a person can approve it."

_HINTS: Final[dict[Effect, str]] = {
    **dict.fromkeys((Effect.UPDATE, Effect.DELETE, Effect.MERGE, Effect.TRUNCATE, Effect.DROP), _RECOMMEND),
    Effect.INSERT: "Insert into interlock.recommendation instead, with the schema written; a person can approve it.",
    Effect.COPY_IN: "Copy into interlock.recommendation instead, with the schema written; a person can approve it.",
    Effect.COPY_OUT: "Read with SELECT, or ask a policy author to permit copy_out.",
    Effect.SELECT: "Ask a policy author to permit select on it.",
    Effect.COPY_FILE: "Use COPY FROM STDIN or COPY TO STDOUT, which keep to the client's own files.",
    Effect.COPY_PROGRAM: "Use COPY FROM STDIN or COPY TO STDOUT, and run the program on the client.",
    Effect.LARGE_OBJECT: "Keep the data in a bytea column, or ask a person to change the large object.",
    Effect.CREATE: "Ask a person to create it; what a model computes goes into interlock.recommendation.",
    Effect.ALTER: "Ask a person to alter it; describe the change in interlock.recommendation.",
    Effect.COMMENT: "Ask a person to write the comment.",
    Effect.SECURITY_LABEL: "Ask a person to set the label.",
    Effect.GRANT: "Ask a person to change privileges.",
    Effect.IMPORT: "Ask a person to import the foreign schema.",
    Effect.CALL: "Ask a policy author to permit call on this procedure, or a person to run it.",
    Effect.DO: "Write the statements of the block one by one, so that each can be judged.",
    Effect.LOAD: "Ask a person to configure the library on the server.",
    Effect.ROLE_CHANGE: "Connect as the role itself: a connection keeps the account it was opened with.",
    Effect.SYSTEM_SETTING: "Ask a person to change the server's configuration.",
    Effect.DISCARD: "Close the connection and open a new one.",
    Effect.SHOW: "Ask a policy author to permit show on it.",
    Effect.TRANSACTION: "Ask a policy author to permit the effect transaction.",
    Effect.TWO_PHASE: "End the transaction with COMMIT or ROLLBACK.",
    Effect.CURSOR: "Read the rows with SELECT and LIMIT.",
    Effect.PREPARE: "Send the statement without PREPARE.",
    Effect.LOCK: "Read without locking; every SELECT sees a consistent snapshot.",
    Effect.LISTEN: "Ask a policy author to permit the effect listen.",
    Effect.NOTIFY: "Insert a row into interlock.recommendation; those who wait for it read it there.",
    Effect.EXPLAIN: "Ask a policy author to permit the effect explain.",
    Effect.MAINTAIN: "Leave it to autovacuum, or ask a person to run it.",
    Effect.CHECKPOINT: "Leave it to the server: it makes checkpoints by itself.",
    Effect.REPLICATE: "Ask a person to set up replication.",
}
"""What to do instead, where neither a rule nor the nearest permit says it. `set` and functions are worded by name."""


def explain(decision: Decision, decision_id: str) -> Explanation:
    """Word a decision for the client. The decision id (a ULID, say) lets its record be found in the audit log."""
    account = _clean(decision.account.name)
    outcome = "refused" if decision.refused else "permitted"
    return Explanation(
        message=f'{_what(decision)} {outcome} for account "{account}"',
        detail=f"Rule {decision.rule}: {_clean(decision.because, 600)} Decision {_clean(decision_id)}.",
        hint=_clean(decision.instead, 600) if decision.instead else _hint(decision),
    )


def _what(decision: Decision) -> str:
    act = decision.act
    if act is None:
        if decision.statement < len(decision.facts):
            return _clean(decision.facts[decision.statement].tag) or "statement"
        return "statement"
    tag = decision.facts[decision.statement].tag if decision.statement < len(decision.facts) else ""
    return _name_of_act(act, _clean(tag))


def _name_of_act(act: Act, tag: str) -> str:
    shown = _name(act.target)
    match act.effect:
        case Effect.EXECUTE_FUNCTION:
            kind = act.target.kind.value if act.target is not None else "function"
            return f"{kind} {shown}".strip()
        case Effect.SET:
            return f"SET {shown}".strip()
        case Effect.ROLE_CHANGE:
            return tag or "SET ROLE"
        case Effect.COPY_FILE:
            return "COPY with a file of the server"
        case Effect.COPY_PROGRAM:
            return "COPY with a program"
        case Effect.COPY_IN:
            return "COPY FROM STDIN"
        case Effect.COPY_OUT:
            return "COPY TO STDOUT"
        case Effect.SELECT if Modifier.LOCKING in act.modifiers:
            return "SELECT with row locks"
        case Effect.INSERT if Modifier.ON_CONFLICT_UPDATE in act.modifiers:
            return "INSERT with ON CONFLICT DO UPDATE"
        case Effect.EXPLAIN if Modifier.ANALYZE in act.modifiers:
            return "EXPLAIN ANALYZE"
    word = act.effect.value.replace("_", " ").upper()
    if tag.split(" ", maxsplit=1)[0] == word or act.effect in _TAGGED:
        return tag or word
    # The tag is the outer statement's: a DELETE inside WITH, EXPLAIN ANALYZE or PREPARE.
    return f"{word} inside {tag}" if tag else word


_TAGGED: Final = frozenset(
    {Effect.GRANT, Effect.MAINTAIN, Effect.TRANSACTION, Effect.TWO_PHASE, Effect.CURSOR, Effect.REPLICATE}
    | {Effect.LISTEN, Effect.SYSTEM_SETTING, Effect.IMPORT, Effect.LARGE_OBJECT, Effect.PREPARE, Effect.LOCK}
)
"""Effects that stand for several commands, whose tag is the better name."""


def _hint(decision: Decision) -> str:
    act = decision.act
    if decision.verdict is Verdict.UNDECIDABLE or act is None:
        if decision.verdict is Verdict.PERMIT:
            return "Nothing needs to be done."
        if decision.rule == "census":
            return "Try again in a moment; if it lasts, ask whoever runs the proxy to look at its control connection."
        if not decision.facts:
            return (
                "Correct the statement if it is wrong; if it is right, write it in a simpler or shorter form, or send "
                "its statements one by one."
            )
        return "Write the statement in a simpler form, one statement at a time, with every schema written."
    if not decision.refused:
        return "Nothing needs to be done."
    match act.effect:
        case Effect.EXECUTE_FUNCTION:
            return _hint_for_code(act.target, act.note)
        case Effect.SET:
            name = _name(act.target) or "it"
            return f"Leave {name} as the session has it, or ask a policy author to permit set on {name}."
    return _HINTS.get(act.effect, f"Ask a policy author to permit {act.effect.value}.")


def _hint_for_code(target: Target | None, why: str | None) -> str:
    if target is None or not target.name:
        return "Name the function in the statement, so that it can be judged."
    shown = _name(target)
    if target.kind is TargetKind.FUNCTION and target.schema is None:
        reason = "" if why is None else f"{why[0].upper()}{why[1:]}. "
        return (
            f"{reason}If PostgreSQL's own is meant, write pg_catalog.{_clean(target.name)}: those known to be harmless "
            "may be called so. Otherwise ask a policy author to permit execute_function on it, with its schema."
        )
    return f"Do without it, or ask a policy author to permit execute_function on {shown}."


def _name(target: Target | None) -> str:
    if target is None or not target.name or target.kind in _LITERAL_NAMES:
        return ""
    name = _clean(target.name)
    return name if target.schema is None else f"{_clean(target.schema)}.{name}"


def _clean(text: str, most: int = 128) -> str:
    """Without characters that could end a message early, forge a log line or fail to encode; and not endless."""
    kept = "".join("?" if unicodedata.category(c) in {"Cc", "Cs", "Cf", "Zl", "Zp"} else c for c in text)
    return kept if len(kept) <= most else f"{kept[: most - 3]}..."


# The long form


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one rule relates to one act."""

    statement: int
    act: Act
    rule: Rule
    miss: Miss | None
    """None: it applies."""

    @property
    def words(self) -> str:
        """One clause."""
        if self.miss is None:
            verb = {Sense.PERMIT: "permits it", Sense.FORBID: "forbids it"}[self.rule.sense]
            return "would forbid it, but only observes" if self.rule.mode is Mode.OBSERVE else verb
        return _MISSED[self.rule.sense, self.miss](self.rule, self.act)


_SHOWN: Final = 6
"""Patterns that the long form lists; the rule's line says the rest."""


def _modifiers_permitted(rule: Rule, act: Act) -> str:
    extra = ", ".join(sorted(act.modifiers - rule.modifiers))
    return f"permits this only without: {extra}"


_MISSED: Final[dict[tuple[Sense, Miss], Callable[[Rule, Act], str]]] = {
    (Sense.PERMIT, Miss.ACCOUNT): lambda _rule, _act: "is not for this account",
    (Sense.FORBID, Miss.ACCOUNT): lambda _rule, _act: "is not for this account",
    (Sense.PERMIT, Miss.EFFECT): lambda _rule, act: f"says nothing of {act.effect.value}",
    (Sense.FORBID, Miss.EFFECT): lambda _rule, act: f"says nothing of {act.effect.value}",
    (Sense.PERMIT, Miss.OBJECT): lambda rule, act: f"permits it on {_on(rule)}, and this is {_object(act)}",
    (Sense.FORBID, Miss.OBJECT): lambda rule, act: f"forbids it on {_on(rule)}, and this is {_object(act)}",
    (Sense.PERMIT, Miss.MODIFIER): _modifiers_permitted,
    (Sense.FORBID, Miss.MODIFIER): lambda rule, _act: f"forbids it only with: {', '.join(sorted(rule.modifiers))}",
    (Sense.PERMIT, Miss.VALUE): lambda rule, _act: (
        f"permits only the values {', '.join(v.text for v in rule.values or ())}, written as a constant"
    ),
}


def _on(rule: Rule) -> str:
    listed = [pattern.text for pattern in rule.on or ()]
    more = [f"{len(listed) - _SHOWN} more"] if len(listed) > _SHOWN else []
    return ", ".join(listed[:_SHOWN] + more)


def _object(act: Act) -> str:
    target = act.target
    if target is None or not target.name:
        return "on no named object"
    if target.schema is None and target.candidates:
        return f"{_name(target) or target.kind.value}, in one of {', '.join(map(_clean, target.candidates))}"
    return _name(target) or f"a {target.kind.value}"


def steps(reading: Sequence[Facts] | Unreadable, account: Account, policy: Policy) -> tuple[Step, ...]:
    """How every rule relates to every act of a message, in the order of the text and then of rule ids."""
    if isinstance(reading, Unreadable):
        return ()
    return tuple(
        Step(statement=index, act=act, rule=rule, miss=rule.miss(account, act))
        for index, facts in enumerate(reading)
        for act in facts.acts
        for rule in policy.rules
    )


def act_in_words(act: Act) -> str:
    """One act as `policy explain` lists it: effect, object, modifiers. A setting's value is not shown."""
    parts = [act.effect.value]
    if act.target is not None:
        parts.append(_object(act) if act.target.name else "(no named object)")
    if act.modifiers:
        parts.append(f"[{', '.join(sorted(act.modifiers))}]")
    return " ".join(parts)
