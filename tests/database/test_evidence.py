"""What holds while the proxy runs: no record, no permit; policies change whole or not at all; a census is followed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from audit import verify
from tests.clusters import Cluster, dsn
from tests.database.patience import until
from tests.database.proxy_process import POLICIES, ProxyProcess

INSERT = """
    INSERT INTO interlock.recommendation (model, model_version, batch_id, entity, action)
    VALUES ('janitor', '1', gen_random_uuid(), 'user 1', 'archive')
"""


def model(front: ProxyProcess) -> psycopg.Connection:
    """Connect as the model."""
    return psycopg.connect(dsn(front.port, user="model_janitor", dbname="demo"), autocommit=True)


def refusal_of(connection: psycopg.Connection, statement: str) -> str | None:
    """Give the refusal's words, or None where the statement was let through."""
    try:
        connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege as error:
        return f"{error.diag.message_primary} {error.diag.message_detail} {error.diag.message_hint}"
    return None


def test_without_a_journal_a_model_does_nothing_until_it_is_back(
    new_proxy: Callable[..., ProxyProcess], cluster: Cluster
) -> None:
    """Where decisions cannot be recorded, models are refused, people are not, and it ends by itself."""
    front = new_proxy(cluster.port)
    with model(front) as janitor, psycopg.connect(dsn(front.port, user="person_ada", dbname="demo")) as ada:
        assert refusal_of(janitor, INSERT) is None
        away = front.audit.with_name("away")
        front.audit.rename(away)
        front.audit.touch()
        until(lambda: refusal_of(janitor, INSERT) is not None, "the model is refused")
        assert "audit" in (refusal_of(janitor, "SELECT 1") or "")
        assert ada.execute("SELECT 1").fetchone() == (1,)
        front.audit.unlink()
        away.rename(front.audit)
        until(lambda: refusal_of(janitor, INSERT) is None, "the model is let in again")
    front.stop()
    assert verify(front.audit).sound
    written = b"".join(file.read_bytes() for file in front.audit.glob("*.jsonl"))
    assert b'"event":"recovered"' in written


@pytest.mark.parametrize("told", [True, False], ids=["SIGHUP", "file change"])
def test_policy_is_changed_under_running_sessions(
    told: bool,
    new_proxy: Callable[..., ProxyProcess],
    cluster: Cluster,
    tmp_path: Path,
) -> None:
    """A new policy holds from the next statement on, prepared ones included; a broken one changes nothing."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICIES.read_text())
    front = new_proxy(cluster.port, policies=policy)

    def change(text: str) -> None:
        policy.write_text(text)
        if told:
            os.kill(front.pids()[1], signal.SIGHUP)

    with model(front) as janitor:
        janitor.prepare_threshold = 0
        assert refusal_of(janitor, "SELECT count(*) FROM users") is None
        change(POLICIES.read_text() + "  - {id: broken, for: {kind: model}, forbid: {effect: [select]}}\n")
        until(lambda: "policy_kept" in front.log(), "the broken policy is noticed")
        assert refusal_of(janitor, "SELECT count(*) FROM users") is None
        change(
            POLICIES.read_text()
            + "  - {id: no-reading, for: {kind: model}, forbid: {effects: [select]}, because: Closed today.}\n"
        )
        until(lambda: refusal_of(janitor, "SELECT count(*) FROM users") is not None, "the new policy holds")
        assert "Closed today." in (refusal_of(janitor, "SELECT count(*) FROM users") or "")


def test_census_tells_a_built_in_from_its_shadow(new_proxy: Callable[..., ProxyProcess], cluster: Cluster) -> None:
    """With a census an unqualified built-in may be called, until somebody makes a function of its name."""
    front = new_proxy(cluster.port, control_dsn=cluster.dsn("demo", "owner"))
    shadow = "CREATE FUNCTION public.initcap(varchar) RETURNS text LANGUAGE sql AS 'SELECT 1::text'"
    with model(front) as janitor:
        assert refusal_of(janitor, "SELECT initcap(email::varchar) FROM users") is None
        cluster.run(shadow)
        until(lambda: refusal_of(janitor, "SELECT initcap(email::varchar) FROM users") is not None, "it is noticed")
        cluster.run("DROP FUNCTION public.initcap(varchar)")
        until(lambda: refusal_of(janitor, "SELECT initcap(email::varchar) FROM users") is None, "and its end, too")


def test_without_a_census_only_what_nothing_can_shadow_is_called(proxy: ProxyProcess) -> None:
    """Without a control DSN a built-in is called by its schema, or without arguments."""
    with model(proxy) as janitor:
        assert refusal_of(janitor, "SELECT pg_catalog.lower(email), count(*) FROM users GROUP BY 1") is None
        assert "--control-dsn" in (refusal_of(janitor, "SELECT lower(email) FROM users") or "")


def test_parameter_of_a_domain_is_code(proxy: ProxyProcess, cluster: Cluster, reset: Callable[[], None]) -> None:
    """A Parse may type its parameter by OID; a domain's check is code that no text names, so a model is refused."""
    reset()
    cluster.run(
        "CREATE FUNCTION public.boom(text) RETURNS boolean LANGUAGE plpgsql AS "
        "$$ BEGIN DELETE FROM public.orders; RETURN true; END $$; "
        "CREATE DOMAIN public.dboom AS text CHECK (public.boom(value))"
    )
    try:
        before = cluster.scalar("SELECT count(*) FROM public.orders")
        domain = cluster.scalar("SELECT 'public.dboom'::regtype::oid::int")
        assert isinstance(domain, int)
        with model(proxy) as janitor:
            for oids, status in (([domain], "FATAL_ERROR"), ([25], "COMMAND_OK"), ([0, domain], "FATAL_ERROR")):
                prepared = janitor.pgconn.prepare(b"", b"SELECT $1", oids)
                assert psycopg.pq.ExecStatus(prepared.status).name == status
        assert cluster.scalar("SELECT count(*) FROM public.orders") == before
    finally:
        cluster.run("DROP DOMAIN public.dboom; DROP FUNCTION public.boom(text)")
