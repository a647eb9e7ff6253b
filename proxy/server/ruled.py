"""A decision as the cache holds it: with the parts of its records that are the same each time, made once. No I/O."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from audit import Fragment, Grounds, RecordedEffect, Statement, Via, fragment_of
from proxy.policy import Decision, Verdict
from proxy.sql import Act, Effect, Modifier, Moves, Target, TargetKind, may_make_temporary, moves
from proxy.wire import SqlState

_READS: Final = frozenset(
    (
        Effect.SELECT,
        Effect.SHOW,
        Effect.EXPLAIN,
        Effect.TRANSACTION,
        Effect.CURSOR,
        Effect.SET,
        Effect.LISTEN,
        Effect.COPY_OUT,
        Effect.DISCARD,
    )
)
"""Effects whose records may follow within a second; a statement with any other waits until its record is written."""


_NO_EXECUTE: Final = frozenset(("CLOSE CURSOR", "DEALLOCATE", "DECLARE CURSOR", "FETCH", "MOVE", "PREPARE"))
"""Tags of the statements that name a prepared statement or cursor and run no prepared one."""


class Ruled:
    """A decision with what goes into its records, made once."""

    __slots__ = (
        "_fragments",
        "_statement",
        "by_name",
        "deallocated",
        "decision",
        "effect",
        "enforced",
        "executed",
        "fetched",
        "form",
        "may_make_temporary",
        "moves",
        "prepared",
        "reads_only",
        "seen",
        "stored_moves",
    )

    def __init__(self, decision: Decision, text: str, mark: str) -> None:
        self.decision = decision
        self.enforced = decision.account.enforced
        self._statement = (mark, text, " ".join(dict.fromkeys(facts.tag for facts in decision.facts)))
        self._fragments: dict[str, Fragment] = {}
        acts = [act for facts in decision.facts for act in facts.acts]
        self.effect = "none" if decision.act is None else str(decision.act.effect)
        """The effect that decided."""
        self.reads_only = decision.verdict is Verdict.PERMIT and all(
            act.effect in _READS and Modifier.LOCKING not in act.modifiers for act in acts
        )
        self.deallocated = _names(decision, {"DEALLOCATE"})
        self.prepared = _names(decision, {"PREPARE"})
        self.executed = _names(decision, {facts.tag for facts in decision.facts} - _NO_EXECUTE)
        """Statements of SQL's PREPARE that it runs, also within EXPLAIN or CREATE TABLE AS."""
        self.fetched = _names(decision, {"FETCH", "MOVE"})
        """Cursors that it runs, which may be portals of the extended protocol."""
        self.by_name = bool(self.prepared or self.executed or self.fetched)
        # What was not read may change anything.
        unread = Moves.LEXICAL if decision.verdict is Verdict.UNDECIDABLE and not decision.facts else Moves.NOTHING
        self.moves = max((moves(facts) for facts in decision.facts), key=lambda each: each.value, default=unread)
        stored = (moves(facts) for facts in decision.facts if facts.tag in ("PREPARE", "DECLARE CURSOR"))
        self.stored_moves = max(stored, key=lambda each: each.value, default=Moves.NOTHING)
        """What may be changed of the settings when something else runs what it prepares or declares."""
        makes = bool(self.executed) or any(map(may_make_temporary, decision.facts))
        self.may_make_temporary = makes and not decision.refused
        """A temporary object may stand in the session once it has run. A Parse counts: SQL's EXECUTE may run it."""
        self.form: bytes | None = None
        """Normalized text that this was decided on; None where a constant decided."""
        self.seen = 0
        """Times it was given as a ruling; read and reset by the metrics."""

    def grounds(self, via: Via, census: int | None) -> Fragment:
        """Give the part of a decision record that does not change from one time to the next."""
        # By the member's own text: the hash of an Enum is computed by Python code.
        fragment = self._fragments.get(via._value_)
        if fragment is None:
            fragment = self._fragments[via._value_] = self.restrained(self.decision, via, census)
        return fragment

    def restrained(self, decision: Decision, via: Via, census: int | None) -> Fragment:
        """Give the same for a decision that time has changed."""
        return fragment_of(grounds_of(decision, self._statement, self._effects(), via, census))

    def _effects(self) -> tuple[RecordedEffect, ...]:
        return tuple(_recorded(act) for facts in self.decision.facts for act in facts.acts)


def _names(decision: Decision, tags: AbstractSet[str]) -> tuple[bytes, ...]:
    """Give the names of prepared statements or cursors in statements with these tags."""
    return tuple(
        act.target.name.encode("utf-8", "surrogateescape")
        for facts in decision.facts
        if facts.tag in tags
        for act in facts.acts
        if act.target is not None and act.target.kind in (TargetKind.PREPARED, TargetKind.CURSOR) and act.target.name
    )


def _recorded(act: Act) -> RecordedEffect:
    target = act.target
    candidates = () if target is None or target.schema is not None else target.candidates
    return RecordedEffect(
        effect=str(act.effect),
        target=None if target is None else shown(target),
        target_kind=None if target is None else str(target.kind),
        candidates=candidates if len(candidates) > 1 else (),
        modifiers=tuple(sorted(map(str, act.modifiers))),
    )


def sqlstate_of(decision: Decision) -> str:
    """Give the SQLSTATE of a refusal: that of a relation that does not exist where none is known, as clients expect."""
    unknown = decision.rule == "census" and decision.facts[decision.statement].unknown is not None
    return str(SqlState.UNDEFINED_TABLE if unknown else SqlState.INSUFFICIENT_PRIVILEGE)


def shown(target: Target) -> str:
    """Give the target's name as the record has it: `schema.name` where only one schema is possible, else `name`."""
    schema = target.candidates[0] if target.schema is None and len(target.candidates) == 1 else target.schema
    return target.name if schema is None else f"{schema}.{target.name}"


def grounds_of(
    decision: Decision,
    statement: tuple[str, str, str],
    effects: tuple[RecordedEffect, ...],
    via: Via,
    census: int | None,
) -> Grounds:
    """Make the lasting part of a decision record; `statement`: fingerprint, masked text, tag."""
    mark, text, tag = statement
    disagreements = [facts.disagreement for facts in decision.facts if facts.disagreement is not None]
    return Grounds(
        statement=Statement(fingerprint=mark, text=text, tag=tag, via=via),
        verdict=decision.verdict.value,
        refused=decision.refused,
        rule=decision.rule,
        because=decision.because,
        effects=effects,
        disagreement="; ".join(disagreements) or None,
        policy=decision.policy_digest,
        census=census,
        observed=decision.observed,
        sqlstate=sqlstate_of(decision) if decision.refused else None,
    )
