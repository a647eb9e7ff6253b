"""The docket of one session: each ruling is numbered, recorded, handed to the wire, and closed with its outcome.

The wire's referee. It puts texts to the judge under the session's present profile (account, database, and the settings
that the server reports), applies what depends on time, writes the decision to the journal and remembers what the
refused are to be told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from audit import (
    Fragment,
    IdMint,
    Journal,
    OutcomeState,
    Session,
    Via,
    decision_body,
    fragment_of,
    outcome_body,
    outcome_fragment,
)
from proxy.policy import Account, Standing, explain, restrain
from proxy.server.case import Case
from proxy.server.judge import Judge, Profile, ProfileKey, setting_facts
from proxy.server.moment import Moment
from proxy.server.reading_settings import ReadingSettings
from proxy.server.ruled import Ruled, sqlstate_of
from proxy.sql import LARGE_TEXT_BYTES, Act, Effect, Facts, Moves, Study, Target, TargetKind
from proxy.wire import End, ErrorResponse, NotRead, Ruling, Severity, SqlState
from proxy.wire import Session as WireSession

_NO_TYPES: Final = 2
"""Bytes that follow a Parse's text where it types no parameter: the count."""
_NOTHING: Final = Moves.NOTHING
_COMPLETED: Final = End.COMPLETED
_DONE: Final = OutcomeState.COMPLETED
_STATES: Final = {
    "completed": OutcomeState.COMPLETED,
    "failed": OutcomeState.FAILED,
    "suspended": OutcomeState.SUSPENDED,
    "skipped": OutcomeState.SKIPPED,
}


class Docket:
    """One session's rulings. Implements the wire's Referee."""

    __slots__ = (
        "_database",
        "_generation",
        "_journal",
        "_judge",
        "_mint",
        "_moment",
        "_nonce",
        "_profile",
        "_session",
        "_settings",
        "_studies",
        "_wanted",
        "_wire",
        "account",
        "record",
        "unstudied",
    )

    def __init__(
        self,
        *,
        judge: Judge,
        journal: Journal,
        mint: IdMint,
        moment: Moment,
        nonce: Callable[[], bytes],
        account: Account,
        session: Session,
    ) -> None:
        """`nonce` gives 32 hexadecimal digits nobody can guess; `session` is what the records say of it."""
        self._judge = judge
        self._journal = journal
        self._mint = mint
        self._moment = moment
        self._nonce = nonce
        self.account = account
        self._database = session.database or ""
        self.record = session
        self._session: Fragment = fragment_of(session)
        self._settings = ReadingSettings(session.user or "", temporary=not account.enforced)
        self._profile: Profile | None = None
        self._generation = -1
        self._wire: WireSession | None = None
        self._studies: dict[bytes, Study] = {}
        """What is known of large texts, until the ruling for which it was wanted."""
        self._wanted = b""
        self.unstudied = ""
        """The text that is to be studied elsewhere, after NotRead was raised."""

    def attend(self, wire: WireSession) -> None:
        """Rule on what this session asks for."""
        self._wire = wire

    def learn(self, found: Study) -> None:
        """Take what was found out about `unstudied`; the wire may ask again."""
        self._studies[self._wanted] = found

    # Referee

    def query(self, text: bytes | None, size: int) -> Ruling:
        """Rule on a simple Query."""
        return self._ruled(text, size, Via.QUERY)

    def parse(self, text: bytes | None, size: int, types: bytes) -> Ruling:
        """Rule on a Parse: on its text, and on the types that it gives its parameters."""
        types = types if self.account.enforced and len(types) > _NO_TYPES else b""
        case = self._ruled(text, size, Via.PARSE, types)
        case.text, case.types = text, types
        return case

    def binding(self, prepared: tuple[Ruling, ...] | None) -> Ruling | None:
        """Rule on a Bind, where its statement must be judged anew; None: it may pass."""
        profile = self._current()
        if prepared is not None and len(prepared) == 1:
            only = prepared[0]
            if isinstance(only, Case) and only.profile is profile:
                return None
        ruled = self._strictest(prepared, profile)
        return None if ruled is None or not ruled.decision.refused else self._case(ruled, Via.EXECUTE, profile)

    def execution(self, prepared: tuple[Ruling, ...] | None) -> Ruling:
        """Rule on an Execute: as its Parse was ruled, by what holds now."""
        profile = self._current()
        if prepared is not None and len(prepared) == 1:
            only = prepared[0]
            if isinstance(only, Case) and only.profile is profile and not only.ruled.by_name:
                return self._case(only.ruled, Via.EXECUTE, profile)
        ruled = self._strictest(prepared, profile)
        if ruled is None:
            ruled = self._judge.unknown_portal(profile)
        elif ruled.by_name:
            ruled = self._with_named(ruled, profile)
        case = self._case(ruled, Via.EXECUTE, profile)
        if not prepared and self._settings.follow_stored(Via.EXECUTE, self._wire):
            self._profile = None
        if ruled.prepared:
            self._prepare(case, next(each.text for each in prepared or () if isinstance(each, Case)))
        return case

    def function_call(self, oid: int | None) -> Ruling:
        """Rule on a FunctionCall: by number, so no list of names can vouch for it."""
        profile = self._current()
        name = "unknown" if oid is None else str(oid)
        target = Target(kind=TargetKind.FUNCTION, name=f"oid {name}")
        facts = Facts(tag="FUNCTION CALL", acts=(Act(effect=Effect.EXECUTE_FUNCTION, target=target),))
        return self._case(self._judge.rule_facts([facts], profile), Via.FUNCTION_CALL, profile)

    def startup(self, settings: list[tuple[str, str]], *, replication: bool) -> ErrorResponse | None:
        """Rule on what a startup packet asks for; the error to end the connection with, or None."""
        asked = [setting_facts(name, value) for name, value in settings]
        if replication:
            asked.append(Facts(tag="START_REPLICATION", acts=(Act(effect=Effect.REPLICATE),)))
        if not asked:
            return None
        profile = self._current()
        case = self._case(self._judge.rule_facts(asked, profile), Via.STARTUP, profile)
        return None if case.nonce is None else self._error(case, Severity.FATAL)

    def refusal_of(self, ruling: Ruling) -> ErrorResponse:
        """Give the error for a refused ruling."""
        if not isinstance(ruling, Case):
            raise TypeError("this ruling is not of this docket")
        return self._error(ruling, Severity.ERROR)

    def ended(self, ruling: Ruling, end: End, rows: int | None, sqlstate: str | None) -> None:
        """Record an outcome: with its decision where that is not written yet."""
        if not isinstance(ruling, Case):
            return
        if end is _COMPLETED:
            state = _DONE
            if ruling.ruled.deallocated and self._wire is not None:
                for name in ruling.ruled.deallocated:
                    if name not in ruling.ruled.prepared:
                        self._wire.forget_statement(name)
        elif ruling.nonce is None:
            state = OutcomeState.CANCELLED if sqlstate == SqlState.QUERY_CANCELED else _STATES[end._value_]
        elif sqlstate is not None and end is End.FAILED:
            state = OutcomeState.UNRECORDED if ruling.unrecorded else OutcomeState.REFUSED
            poisoned = sqlstate == SqlState.INVALID_TEXT_REPRESENTATION
            sqlstate = sqlstate_of(ruling.decision) if poisoned else sqlstate
        else:
            state = _STATES[end._value_]
        moment = self._moment
        outcome = outcome_fragment(state, int((moment.monotonic_s - ruling.began_s) * 1e6), rows, sqlstate)
        if ruling.number is None:
            self._write(ruling, outcome)
        else:
            self._journal.append(outcome_body(ruling.number, moment.stamp, outcome))

    def unread(self, because: str) -> None:
        """Put on record that `unstudied` was asked for, where it will not be ruled on."""
        case = self._case(self._judge.unread(because, self._current()), Via.QUERY, self._current())
        self.ended(case, End.SKIPPED, None, None)

    def overdue(self, ruling: Ruling, before_s: float) -> None:
        """Write the decision of a read that has not ended, if it was made before then (monotonic seconds)."""
        if isinstance(ruling, Case) and ruling.number is None and ruling.began_s < before_s:
            self._write(ruling, None)

    def reported(self, name: bytes, value: bytes) -> None:
        """Take note of a ParameterStatus; what the server reports decides how the next statement is read."""
        if self._settings.reported(name, value):
            self._profile = None

    def backend_started(self, process_id: int) -> None:
        """Take note of the server process, for the records from now on."""
        self.record = replace(self.record, pid=process_id)
        self._session = fragment_of(self.record)

    def refuse_unrecorded(self, ruling: Ruling) -> None:
        """Refuse a held ruling whose record could not be written."""
        if isinstance(ruling, Case) and ruling.nonce is None:
            ruling.decision = restrain(ruling.decision, Standing(audit_writable=False), self._moment.monotonic_s)
            ruling.nonce = self._nonce()
            ruling.unrecorded = True

    # Inside

    def _ruled(self, text: bytes | None, size: int, via: Via, types: bytes = b"") -> Case:
        profile = self._current()
        if text is None:
            ruled = self._judge.unread(f"it has {size} bytes, or is not one terminated string", profile)
        else:
            ruled = self._read(text, profile)
            if types and not ruled.decision.refused:
                ruled = self._judge.rule_types(ruled, types, profile)
            if ruled.by_name:
                ruled = self._with_named(ruled, profile)
        case = self._case(ruled, via, profile)
        if ruled.prepared and via is Via.QUERY:
            self._prepare(case, text)
        return case

    def _strictest(self, rulings: tuple[Ruling, ...] | None, profile: Profile) -> Ruled | None:
        """Judge by what holds now what was ruled on before; None: nothing was."""
        if rulings is None:
            return self._judge.unread("more statements and portals are open than the proxy remembers", profile)
        strictest: Ruled | None = None
        for ruling in rulings:
            if isinstance(ruling, Case):
                ruled = ruling.ruled
                if ruling.profile is not profile:
                    ruled = self._again(ruling, profile)
                if strictest is None or (ruled.decision.refused, not ruled.reads_only) > (
                    strictest.decision.refused,
                    not strictest.reads_only,
                ):
                    strictest = ruled
        return strictest

    def _with_named(self, ruled: Ruled, profile: Profile) -> Ruled:
        """Judge SQL's EXECUTE, FETCH and MOVE by what their names stand for, too."""
        if self._wire is None or ruled.decision.refused:
            return ruled
        for name in ruled.executed:
            prepared = self._strictest(self._wire.prepared(name), profile)
            if prepared is not None and prepared.decision.refused:
                return prepared
        for name in ruled.fetched:
            bound = self._strictest(self._wire.bound(name), profile)
            if bound is not None and (bound.decision.refused or not bound.reads_only):
                return bound
        return ruled

    def _prepare(self, case: Case, text: bytes | None) -> None:
        """Remember what SQL's PREPARE may put under its name."""
        case.text = text
        if self._wire is not None and case.nonce is None:
            for name in case.ruled.prepared:
                self._wire.prepared_by_sql(name, case)

    def _again(self, case: Case, profile: Profile) -> Ruled:
        if case.ruled_later is not None and case.ruled_later[0] is profile:
            return case.ruled_later[1]
        if case.text is None:
            return self._judge.unread("its text was too long to be held", profile)
        ruled = self._read(case.text, profile)
        if case.types and not ruled.decision.refused:
            ruled = self._judge.rule_types(ruled, case.types, profile)
        case.ruled_later = (profile, ruled)
        return ruled

    def _read(self, text: bytes, profile: Profile) -> Ruled:
        if len(text) <= LARGE_TEXT_BYTES:
            return self._judge.rule(text, profile)
        found = self._studies.get(text)
        if found is not None and profile.unreadable is None:
            return self._judge.rule_studied(found, profile)
        unstudied = self._judge.unstudied(text, profile)
        if unstudied is None:
            return self._judge.rule(text, profile)
        self._wanted, self.unstudied = text, unstudied
        raise NotRead

    def _case(self, ruled: Ruled, via: Via, profile: Profile) -> Case:
        if not ruled.seen:
            self._judge.given.append(ruled)
        ruled.seen += 1
        case = Case(ruled, via, profile, self._moment.monotonic_s)
        if self._studies:
            self._studies.clear()
        settings = self._settings
        # What is refused does not run.
        if (
            (ruled.moves is not _NOTHING or not settings.quiet)
            and not ruled.decision.refused
            and settings.follow(ruled, via, self._wire)
        ):
            self._profile = None
        if ruled.may_make_temporary and not settings.temporary:
            settings.temporary, self._profile = True, None
        if ruled.reads_only and self._journal.writable:
            # Its record may follow: it is written with the outcome, or by `overdue`.
            return case
        if not self._journal.writable:
            case.decision = restrain(ruled.decision, Standing(audit_writable=False), case.began_s)
        if case.decision.refused:
            case.nonce = self._nonce()
        case.held = case.nonce is not None or not ruled.reads_only
        self._write(case, None)
        return case

    def _write(self, case: Case, outcome: Fragment | None) -> None:
        """Put a decision on record."""
        number = case.number = self._mint.next(self._moment.unix_ms)
        ruled = case.ruled
        census = None if case.profile.census is None else case.profile.census.epoch
        if case.decision is ruled.decision:
            grounds = ruled.grounds(case.via, census)
        else:
            grounds = ruled.restrained(case.decision, case.via, census)
        self._journal.append(
            decision_body(number, self._moment.stamp_of(case.began_s), self._session, grounds, outcome)
        )

    def _error(self, case: Case, severity: Severity) -> ErrorResponse:
        words = explain(case.decision, (case.number or b"").decode())
        return ErrorResponse.build(
            severity, sqlstate_of(case.decision), words.message, detail=words.detail, hint=words.hint or None
        )

    def _current(self) -> Profile:
        settings = self._settings
        if not settings.quiet and settings.settle(self._wire):
            self._profile = None
        profile = self._profile
        if profile is None or self._generation != self._judge.generation:
            profile = self._profile = self._judge.profile(
                ProfileKey(account=self.account, database=self._database, settings=settings.now())
            )
            self._generation = self._judge.generation
            # Without a census nobody knows what a statement sets off.
            settings.temporary |= profile.census is None
        return profile
