"""A record's bytes as the journal takes them, joined from parts that were serialised once. Pure, and the hottest of it.

A decision is recorded for every statement, so what does not change from one to the next is serialised once:
`fragment_of` gives the inner fields of a session or of a cached decision's grounds as bytes, and `decision_body` joins
two such fragments with an id, a time and, where it is known already, the outcome.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import orjson

from audit.record import Fragment, Grounds, OutcomeState, Session, encode, spelled_out

_STATES = {state.value: state.value.encode() for state in OutcomeState}
"""By the member's own text: the hash of an Enum is computed by Python code."""


def fragment_of(part: Session | Grounds) -> Fragment:
    """Write the part's fields for `decision_body`: a session under its key, grounds as a decision record has them."""
    if isinstance(part, Session):
        return b'"session":' + encode(part)
    return encode(part)[1:-1]


def decision_body(
    decision_id: bytes, at: bytes, session: Fragment, grounds: Fragment, outcome: Fragment | None = None
) -> bytes:
    """Write a decision record without `seq` and `chain`.

    `decision_id` from `IdMint`, `at` from `timestamp`, `outcome` from `outcome_fragment`; None: a record of it follows.
    """
    if outcome is None:
        return b'{"v":1,"kind":"decision","id":"%b","at":"%b",%b,%b,"outcome":null}' % (
            decision_id,
            at,
            session,
            grounds,
        )
    return b'{"v":1,"kind":"decision","id":"%b","at":"%b",%b,%b,"outcome":{%b}}' % (
        decision_id,
        at,
        session,
        grounds,
        outcome,
    )


def outcome_body(decision_id: bytes, at: bytes, outcome: Fragment) -> bytes:
    """Write an outcome record without `seq` and `chain`, bound to its decision."""
    return b'{"v":1,"kind":"outcome","decision":"%b","at":"%b",%b}' % (decision_id, at, outcome)


def outcome_fragment(state: OutcomeState, duration_us: int, rows: int | None, sqlstate: str | None) -> Fragment:
    """Write an outcome's fields, for a decision's body or an outcome's."""
    # A format of nothing but %b is compiled to one copy.
    return b'"state":"%b","rows":%b,"sqlstate":%b,"duration_us":%b' % (
        _STATES[state._value_],
        b"null" if rows is None else str(rows).encode(),
        # The server's SQLSTATE is five characters in all honesty, but it is still a stranger's text.
        b"null" if sqlstate is None else orjson.dumps(spelled_out(sqlstate)),
        str(duration_us).encode(),
    )


def timestamp(unix_s: float) -> bytes:
    """Write seconds since 1970 in UTC, zero or more, as RFC 3339 with microseconds: 27 characters that sort by time."""
    microseconds = int(unix_s * 1_000_000)
    return b"%b.%06dZ" % (_second(microseconds // 1_000_000), microseconds % 1_000_000)


@lru_cache(maxsize=4)
def _second(unix_s: int) -> bytes:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
