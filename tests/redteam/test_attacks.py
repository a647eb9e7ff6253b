"""Nothing that a model account says changes anything, though its login is a superuser."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.database.cluster import Cluster, dsn
from tests.database.proxy_process import ProxyProcess
from tests.redteam.corpus import ATTACKS

FINGERPRINT = (Path(__file__).parent / "fingerprint.sql").read_bytes()
STATES = {"Query": False, "Parse": True}


def texts(kind: str) -> list[str]:
    """Give the statements of one class."""
    return [line.strip() for line in ATTACKS[kind].strip().splitlines()]


def sqlstate(connection: psycopg.Connection, statement: str, *, extended: bool) -> str | None:
    """Send one statement as a Query, or as Parse, Bind and Execute; give its error."""
    parameters: list[bytes | None] = [b"1"] * max((n for n in (1, 2, 3) if f"${n}" in statement), default=0)
    sent = connection.pgconn
    result = sent.exec_params(statement.encode(), parameters) if extended else sent.exec_(statement.encode())
    state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    return None if state is None else state.decode()


@pytest.mark.parametrize("via", STATES)
@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize("which", ["proxy", "blind_proxy"])
def test_attack_is_refused_and_changes_nothing(
    kind: str, via: str, which: str, stage: Cluster, request: pytest.FixtureRequest
) -> None:
    """Each is refused in both protocols, with and without a census, and the database is as it was."""
    front: ProxyProcess = request.getfixturevalue(which)
    with psycopg.connect(stage.dsn("postgres"), autocommit=True) as witness:
        before = witness.execute(FINGERPRINT).fetchone()
        with psycopg.connect(dsn(front.port, user="model_x", dbname="demo"), autocommit=True) as model:
            states = {text: sqlstate(model, text, extended=STATES[via]) for text in texts(kind)}
        assert {text: state for text, state in states.items() if state != "42501"} == {}
        assert before == witness.execute(FINGERPRINT).fetchone()


def test_fingerprint_sees_what_attacks_aim_at(stage: Cluster) -> None:
    """The oracle is not blind: what the attacks would do shows in it."""
    with psycopg.connect(stage.dsn("postgres")) as direct:
        before = direct.execute(FINGERPRINT).fetchone()
        for harm in (
            b"SELECT bump()",
            b"SELECT nextval('s1')",
            b"SELECT lo_unlink(4242)",
            b"ALTER ROLE model_x NOLOGIN",
        ):
            direct.execute(harm)
            after = direct.execute(FINGERPRINT).fetchone()
            assert before != after
            before = after
        direct.rollback()
        direct.execute(b"SELECT setval('s1', 1, false)")
        direct.commit()
