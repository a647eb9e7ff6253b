"""Decisions in words: MESSAGE, DETAIL and HINT as PostgreSQL writes them, and the long form of `policy explain`. Pure.

For people who were refused and must know what to do next. Names of objects are shown, literals of the statement never:
what is refused may be a secret, and errors end up in logs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.policy.account import Account
from proxy.policy.names import clean, shown_name
from proxy.policy.rules import Miss, Mode, Policy, Rule, Sense
from proxy.policy.verdict import Decision, Verdict
from proxy.sql import Act, Effect, Facts, Modifier, TargetKind, Unreadable, is_harmless_built_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The three texts of an ErrorResponse. Without NUL and other control characters."""

    message: str
    """One clause, without a full stop."""
    detail: str
    """Rule, reason, decision id."""
    hint: str
    """What to do instead, in sentences; empty where nobody knows."""


_RECOMMEND: Final = "Insert a row into interlock.recommendation; a person can approve it."

_HINTS: Final[dict[Effect, str]] = {
    **dict.fromkeys((Effect.UPDATE, Effect.DELETE, Effect.MERGE, Effect.TRUNCATE, Effect.DROP), _RECOMMEND),
    Effect.INSERT: "Insert into interlock.recommendation instead, with the schema written; a person can approve it.",
    Effect.COPY_IN: "Copy into interlock.recommendation instead, with the schema written; a person can approve it.",
    Effect.COPY_OUT: "Read with SELECT.",
    Effect.COPY_FILE: "Use COPY FROM STDIN or COPY TO STDOUT, which keep to the client's own files.",
    Effect.COPY_PROGRAM: "Use COPY FROM STDIN or COPY TO STDOUT, and run the program on the client.",
    Effect.LARGE_OBJECT: "Keep the data in a bytea column, or ask a person to change the large object.",
    Effect.CREATE: "Ask a person to create it; what a model computes goes into interlock.recommendation.",
    Effect.ALTER: "Ask a person to alter it; describe the change in interlock.recommendation.",
    Effect.COMMENT: "Ask a person to write the comment.",
    Effect.SECURITY_LABEL: "Ask a person to set the label.",
    Effect.GRANT: "Ask a person to change privileges.",
    Effect.IMPORT: "Ask a person to import the foreign schema.",
    Effect.CALL: "Ask a person to run the procedure.",
    Effect.DO: "Write the statements of the block one by one, so that each can be judged.",
    Effect.LOAD: "Ask a person to configure the library on the server.",
    Effect.ROLE_CHANGE: "Connect as the role itself: a connection keeps the account it was opened with.",
    Effect.SYSTEM_SETTING: "Ask a person to change the server's configuration.",
    Effect.DISCARD: "Close the connection and open a new one.",
    Effect.TWO_PHASE: "End the transaction with COMMIT or ROLLBACK.",
    Effect.CURSOR: "Read the rows with SELECT and LIMIT.",
    Effect.PREPARE: "Send the statement without PREPARE.",
    Effect.LOCK: "Read without locking; every SELECT sees a consistent snapshot.",
    Effect.NOTIFY: "Insert a row into interlock.recommendation; those who wait for it read it there.",
    Effect.MAINTAIN: "Leave it to autovacuum, or ask a person to run it.",
    Effect.CHECKPOINT: "Leave it to the server: it makes checkpoints by itself.",
    Effect.REPLICATE: "Ask a person to set up replication.",
}
"""What a model is to do instead, where neither a rule nor the nearest permit says it. Of other effects it needs only be
said who can permit them; `set` and functions are worded by name."""

_KEEP_TEMPORARY: Final = "Keep the rows within one statement: write them as a WITH query or a subquery."


def explain(decision: Decision, decision_id: str) -> Explanation:
    """Word a decision for the client. The decision id (a ULID, say) lets its record be found in the audit log."""
    account = clean(decision.account.name)
    outcome = "refused" if decision.refused else "permitted"
    return Explanation(
        message=f'{_what(decision)} {outcome} for account "{account}"',
        detail=f"Rule {decision.rule}: {clean(decision.because, 600)} Decision {clean(decision_id)}.",
        hint=clean(decision.instead, 600) if decision.instead else _hint(decision),
    )


def _what(decision: Decision) -> str:
    act = decision.act
    if act is None:
        if decision.statement < len(decision.facts):
            return clean(decision.facts[decision.statement].tag) or "statement"
        return "statement"
    tag = decision.facts[decision.statement].tag if decision.statement < len(decision.facts) else ""
    return _name_of_act(act, clean(tag))


def _name_of_act(act: Act, tag: str) -> str:
    shown = shown_name(act.target)
    match act.effect:
        case Effect.EXECUTE_FUNCTION:
            kind = act.target.kind.value if act.target is not None else "function"
            return f"{kind} {shown}".strip()
        case Effect.SET:
            return f"SET {shown}".strip()
        case Effect.ROLE_CHANGE:
            return f"{'RESET' if tag == 'RESET' else 'SET'} of the role"
        case Effect.COPY_FILE:
            return "COPY with a file of the server"
        case Effect.COPY_PROGRAM:
            return "COPY with a program"
        case Effect.COPY_IN:
            return f"COPY FROM STDIN{_on_relation(act)}"
        case Effect.COPY_OUT:
            return f"COPY TO STDOUT{_on_relation(act)}"
        case Effect.SELECT if Modifier.LOCKING in act.modifiers:
            return f"SELECT with row locks{_on_relation(act)}"
        case Effect.INSERT if Modifier.ON_CONFLICT_UPDATE in act.modifiers:
            return f"INSERT with ON CONFLICT DO UPDATE{_on_relation(act)}"
        case Effect.EXPLAIN if Modifier.ANALYZE in act.modifiers:
            return "EXPLAIN ANALYZE"
    word = act.effect.value.replace("_", " ").upper()
    if tag.split(" ", maxsplit=1)[0] == word or act.effect in _TAGGED:
        named = tag.removesuffix(" AS") or word
        if act.target is not None and named.endswith(_NOUNS.get(act.target.kind, act.target.kind.value.upper())):
            return f"{named} {shown}".strip()
        return f"{named}{_on_relation(act)}"
    # The tag is the outer statement's: a DELETE inside WITH, EXPLAIN ANALYZE or PREPARE.
    return f"{word}{_on_relation(act)} inside {tag}" if tag else f"{word}{_on_relation(act)}"


def _on_relation(act: Act) -> str:
    """Name the relation as GRANT does; other objects say too little to stand in a message."""
    shown = shown_name(act.target)
    return f" on {shown}" if shown and act.target is not None and act.target.kind is TargetKind.RELATION else ""


_TAGGED: Final = frozenset(
    {Effect.GRANT, Effect.MAINTAIN, Effect.TRANSACTION, Effect.TWO_PHASE, Effect.CURSOR, Effect.REPLICATE}
    | {Effect.LISTEN, Effect.SYSTEM_SETTING, Effect.IMPORT, Effect.LARGE_OBJECT, Effect.PREPARE, Effect.LOCK}
)
"""Effects that stand for several commands, whose tag is the better name."""

_NOUNS: Final = {TargetKind.RELATION: ("TABLE", "VIEW", "SEQUENCE", "INDEX")}
"""What the tags of commands end in whose object's name may follow; other kinds of object have one noun, their own."""


def _hint(decision: Decision) -> str:
    if not decision.refused:
        return "Nothing needs to be done."
    act = decision.act
    if decision.verdict is Verdict.UNDECIDABLE or act is None:
        if decision.rule == "census" and decision.facts[decision.statement].unknown is not None:
            return "Check its name and the search_path. If it was made a moment ago, try again in a moment."
        if decision.rule == "census":
            return "Try again in a moment; if it lasts, ask whoever runs the proxy to look at its control connection."
        if not decision.facts:
            return (
                "Correct the statement if it is wrong; if it is right, write it in a simpler or shorter form, or send "
                "its statements one by one."
            )
        return "Write the statement in a simpler form, one statement at a time, with every schema written."
    if not decision.account.enforced:
        # Whoever wrote the rule knows what these should do, and did not say it.
        return ""
    match act.effect:
        case Effect.EXECUTE_FUNCTION:
            return _hint_for_code(act, decision.rule)
        case Effect.SET:
            name = shown_name(act.target) or "it"
            return f"Leave {name} as the session has it, or {_way_to_permission(act, decision.rule)}"
        case Effect.CREATE if Modifier.TEMPORARY in act.modifiers:
            return _KEEP_TEMPORARY
    return _HINTS.get(act.effect) or _sentence(_way_to_permission(act, decision.rule))


def _way_to_permission(act: Act, rule: str) -> str:
    """Say whom to ask: one clause with its full stop."""
    shown = shown_name(act.target)
    wanted = f"{act.effect.value} on {shown}" if shown else f"the effect {act.effect.value}"
    # Beside a forbid no permit counts.
    return f"ask a policy author to {f'permit {wanted}' if rule == 'default' else f'change rule {rule}'}."


def _hint_for_code(act: Act, rule: str) -> str:
    target = act.target
    if target is None or not target.name:
        return "Name the function in the statement, so that it can be judged."
    ask = _way_to_permission(act, rule)
    if target.schema is None and rule == "default":
        ask = f"{ask.removesuffix('.')}, with its schema."
    if target.kind is not TargetKind.FUNCTION or target.schema is not None:
        return f"Do without it, or {ask}"
    reason = f"{_sentence(act.note)}. " if act.note else ""
    if is_harmless_built_in(target.name, None):
        return f"{reason}If PostgreSQL's own is meant, write pg_catalog.{clean(target.name)}. Otherwise {ask}"
    return f"{reason}Do without it, or {ask}"


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}"


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
        return f"{shown_name(target) or target.kind.value}, in one of {', '.join(map(clean, target.candidates))}"
    return shown_name(target) or f"a {target.kind.value}"


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
