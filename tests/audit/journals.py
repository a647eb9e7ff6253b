"""What the audit tests write: sessions, grounds, and journals on real folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audit import (
    Fsync,
    Grounds,
    IdMint,
    Journal,
    OutcomeState,
    RecordedEffect,
    Session,
    Statement,
    Via,
    decision_body,
    fragment_of,
    outcome_body,
    outcome_fragment,
    timestamp,
)

NOON_S = 1_770_120_000.0
"""2026-02-03T12:00:00Z."""

SESSION = Session(
    id="01KGHSZQ000000000000000000", proxy="host/0", pid=7, user="model_a", account="models", account_kind="model"
)
GROUNDS = Grounds(
    statement=Statement(fingerprint="ab12", text="DELETE FROM users WHERE id = $1", tag="DELETE", via=Via.QUERY),
    verdict="forbid",
    refused=True,
    rule="no-destructive-autonomy",
    because="Models recommend; people decide.",
    effects=(RecordedEffect(effect="delete", target="public.users", target_kind="relation", modifiers=("unbounded",)),),
    policy="d1",
    sqlstate="42501",
)


def open_journal(folder: Path, name: str = "w0", **options: Any) -> Journal:
    """Open a journal whose clock stands at noon, whose thread sleeps, and that looks at its file in every flush."""
    given = {"clock": lambda: NOON_S, "interval_s": 3600.0, "look_s": 0.0, "fsync": Fsync.NEVER, **options}
    return Journal(folder, name, **given)


def bodies(count: int, at_s: float = NOON_S) -> list[bytes]:
    """Decisions and their outcomes in turn, each with an id of its own."""
    mint = IdMint(count)
    session, grounds = fragment_of(SESSION), fragment_of(GROUNDS)
    made: list[bytes] = []
    while len(made) < count:
        decision, at = mint.next(int(at_s * 1000)), timestamp(at_s)
        made.append(decision_body(decision, at, session, grounds))
        made.append(outcome_body(decision, at, outcome_fragment(OutcomeState.REFUSED, 42, None, "42501")))
    return made[:count]


def fill(folder: Path, count: int, name: str = "w0", **options: Any) -> None:
    """Write a journal of so many records, five a flush, and close it."""
    journal = open_journal(folder, name, **options)
    for nth, body in enumerate(bodies(count)):
        journal.append(body)
        if nth % 5 == 4:
            journal.flush(NOON_S)
    journal.close()
