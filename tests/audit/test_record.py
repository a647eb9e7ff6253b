from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from audit import (
    DecisionRecord,
    IdMint,
    OutcomeRecord,
    OutcomeState,
    decision_body,
    encode,
    fragment_of,
    outcome_body,
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
    body = outcome_body(ulid(1, 2), timestamp(NOON_S), OutcomeState.FAILED, 17, rows, sqlstate)
    record = TypeAdapter(OutcomeRecord).validate_json(body)
    assert (OutcomeState.FAILED, rows, sqlstate, 17) == (record.state, record.rows, record.sqlstate, record.duration_us)


@given(st.text(st.characters(), max_size=30))
def test_any_client_text_makes_one_valid_line(text: str) -> None:
    """No text of a client, lone surrogates and line ends included, breaks a record or its line."""
    line = encode(replace(SESSION, application_name=text))
    assert b"\n" not in line
    expected = text.encode("utf-8", "backslashreplace").decode()
    assert expected == orjson.loads(line)["application_name"]


def test_timestamp_has_microseconds_and_sorts() -> None:
    """Times are UTC with six digits, so that they sort as text."""
    assert timestamp(NOON_S + 0.25) == b"2026-02-03T12:00:00.250000Z"
    assert timestamp(9.0) == b"1970-01-01T00:00:09.000000Z"


def test_ulid_is_the_specification_s() -> None:
    """The layout is the ULID specification's: its example of the time part, and the greatest value."""
    assert ulid(1469918176385, 0)[:10] == b"01ARYZ6S41"
    assert ulid((1 << 48) - 1, (1 << 80) - 1) == b"7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


@given(st.lists(st.integers(0, 1 << 47), min_size=2, max_size=50))
def test_ids_of_one_mint_grow_when_the_clock_steps_back(times: list[int]) -> None:
    """Ids are unique and sorted in the order of their making, whatever the clock does."""
    mint = IdMint(99)
    made = [mint.next(time) for time in times]
    assert sorted(set(made)) == made
    assert {26} == {len(one) for one in made}
