from __future__ import annotations

import orjson
import pytest
from pydantic import TypeAdapter

from audit import (
    DecisionRecord,
    IdMint,
    Outcome,
    OutcomeRecord,
    OutcomeState,
    decision_body,
    encode,
    fragment_of,
    outcome_body,
    outcome_fragment,
    timestamp,
    ulid,
)
from tests.audit.journals import GROUNDS, NOON_S, SESSION


def test_decision_body_is_a_decision_record() -> None:
    """Joined fragments give every field of the schema and no other."""
    body = decision_body(IdMint(1).next(5), timestamp(NOON_S), fragment_of(SESSION), fragment_of(GROUNDS))
    record = TypeAdapter(DecisionRecord).validate_json(body)
    assert (record.session, record.rule) == (SESSION, "no-destructive-autonomy")
    assert orjson.loads(encode(record)) == orjson.loads(body)


@pytest.mark.parametrize(("rows", "sqlstate"), [(None, "42501"), (0, None), (10**12, None), (None, '"},{')])
def test_outcome_body_is_an_outcome_record(rows: int | None, sqlstate: str | None) -> None:
    """An outcome is well formed also where the server's SQLSTATE is not."""
    outcome = outcome_fragment(OutcomeState.FAILED, 17, rows, sqlstate)
    record = TypeAdapter(OutcomeRecord).validate_json(outcome_body(ulid(1, 2), timestamp(NOON_S), outcome))
    assert (OutcomeState.FAILED, rows, sqlstate, 17) == (record.state, record.rows, record.sqlstate, record.duration_us)
    decision = decision_body(ulid(1, 2), timestamp(NOON_S), fragment_of(SESSION), fragment_of(GROUNDS), outcome)
    expected = Outcome(state=OutcomeState.FAILED, rows=rows, sqlstate=sqlstate, duration_us=17)
    assert expected == TypeAdapter(DecisionRecord).validate_json(decision).outcome


def test_timestamp_has_microseconds_and_sorts() -> None:
    """Times are UTC with six digits, so that they sort as text."""
    assert timestamp(NOON_S + 0.25) == b"2026-02-03T12:00:00.250000Z"
    assert timestamp(9.0) == b"1970-01-01T00:00:09.000000Z"
