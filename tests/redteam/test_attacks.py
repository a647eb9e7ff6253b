"""Nothing that a model account says changes anything, though its login is a superuser."""

from __future__ import annotations

import psycopg
import pytest

from tests.clusters import Cluster, dsn
from tests.database.proxy_process import ProxyProcess
from tests.redteam.corpus import ATTACKS
from tests.redteam.stage import FINGERPRINT

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
    with psycopg.connect(stage.dsn("demo"), autocommit=True) as witness:
        before = witness.execute(FINGERPRINT).fetchone()
        with psycopg.connect(dsn(front.port, user="model_x", dbname="demo"), autocommit=True) as model:
            states = {text: sqlstate(model, text, extended=STATES[via]) for text in texts(kind)}
        assert {text: state for text, state in states.items() if state != "42501"} == {}
        assert before == witness.execute(FINGERPRINT).fetchone()


HARM = {
    "DELETE FROM public.users": "users",
    "DELETE FROM public.orders": "orders",
    "INSERT INTO interlock.recommendation (model, model_version, batch_id, entity, action)"
    " VALUES ('m', '1', 'b', 'e', 'a')": "recommendations",
    "SELECT pg_catalog.lo_unlink(4242)": "large objects",
    "ALTER ROLE model_x NOLOGIN": "roles",
    "ALTER ROLE model_x SET search_path = nowhere": "role settings",
    "CREATE VIEW public.fresh AS SELECT 1": "relations",
    "ALTER TABLE public.orders ADD COLUMN extra int": "columns",
    "CREATE FUNCTION public.fresh() RETURNS int LANGUAGE sql AS 'SELECT 1'": "functions",
}


@pytest.mark.parametrize(("harm", "part"), HARM.items(), ids=HARM.values())
def test_fingerprint_sees_what_attacks_aim_at(harm: str, part: str, stage: Cluster) -> None:
    """The oracle is not blind: each harm shows in the part that is about it, and is then undone."""
    with psycopg.connect(stage.dsn("demo")) as direct:
        before = direct.execute(FINGERPRINT).fetchone()
        direct.execute(harm.encode())
        after = direct.execute(FINGERPRINT).fetchone()
        direct.rollback()
    assert before is not None
    assert after is not None
    assert before[0][part] != after[0][part]
