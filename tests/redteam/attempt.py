"""Products tried out: by the server itself, where they must do harm to count, and through the proxy, where none may.

What is tried directly is rolled back, or tidied where a rollback does not reach, so that each finds the same database.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from tests.redteam.generator import Product
from tests.redteam.kernels import CANCELLED, NOTIFIED

REFUSED: Final = "42501"
RESTORE: Final = (Path(__file__).parent / "restore.sql").read_text()
_ROW: Final = b"m\t1\tb\te\ta\n"
"""Of interlock.recommendation, as the positions name its columns."""


class Direct:
    """A superuser's own connection to the server."""

    def __init__(self, connection: psycopg.Connection) -> None:
        """Take a connection in autocommit mode, used for nothing else."""
        self._pgconn = connection.pgconn
        _send(self._pgconn, "LISTEN g")

    def harms(self, product: Product) -> bool:
        """Tell whether the product changes what its kernel's probe sees, or ends as the kernel says."""
        pgconn, kernel = self._pgconn, product.kernel
        _send(pgconn, "BEGIN")
        before = None if kernel.probe in (CANCELLED, NOTIFIED) else _send(pgconn, kernel.probe)[1]
        states = [_send(pgconn, step)[0] for step in product.steps]
        if kernel.probe is CANCELLED:
            harmed = CANCELLED in states
        elif kernel.probe is NOTIFIED:
            _send(pgconn, "COMMIT")
            harmed = pgconn.notifies() is not None
            while pgconn.notifies() is not None:
                pass
        else:
            if any(states):
                # What a rollback does not take back is harm although the statement failed.
                _send(pgconn, "ROLLBACK")
            harmed = before != _send(pgconn, kernel.probe)[1]
        _send(pgconn, "ROLLBACK")
        if kernel.tidy:
            _send(pgconn, kernel.tidy)
        if any(step.startswith("PREPARE") for step in product.steps):
            _send(pgconn, "DEALLOCATE ALL")
        if kernel.probe is NOTIFIED or "COMMIT" in product.steps:
            _send(pgconn, "CLOSE ALL")
            _send(pgconn, RESTORE)
        return harmed


def passed(connection: psycopg.Connection, steps: Iterable[str], *, extended: bool) -> list[str | None] | None:
    """Send statements through the proxy; None where one of them is refused, else the SQLSTATE of each."""
    pgconn = connection.pgconn
    states: list[str | None] = []
    steps = tuple(steps)
    for step in steps:
        state = _send(pgconn, step, extended=extended)[0]
        states.append(state)
        if state == REFUSED:
            break
    if len(steps) > 1:
        _send(pgconn, "ROLLBACK")
        _send(pgconn, "CLOSE ALL")
        _send(pgconn, "DEALLOCATE ALL")
    return None if REFUSED in states else states


def _send(pgconn: PGconn, text: str, *, extended: bool = False) -> tuple[str | None, bytes | None]:
    """Send a statement; give its SQLSTATE and its first row, as bytes."""
    result = pgconn.exec_params(text.encode(), None) if extended else pgconn.exec_(text.encode())
    if result.status == ExecStatus.COPY_IN:
        pgconn.put_copy_data(_ROW)
        pgconn.put_copy_end()
        result = _last(pgconn)
    elif result.status == ExecStatus.COPY_OUT:
        while pgconn.get_copy_data(0)[0] > 0:
            pass
        result = _last(pgconn)
    state = result.error_field(DiagnosticField.SQLSTATE)
    row = (
        None if state or not result.ntuples else b"|".join(result.get_value(0, n) or b"" for n in range(result.nfields))
    )
    return (state.decode() if state else None), row


def _last(pgconn: PGconn) -> PGresult:
    found = pgconn.get_result()
    while (following := pgconn.get_result()) is not None:
        found = following
    assert found is not None
    return found
