"""What the demo plays on: a database with rows worth keeping, a proxy before it, and a way to count them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psycopg

from interlock.demo_script import CENSUS_TAKER, CLERK, CONSTRAINTS, DATABASE, JANITOR, SCHEMA, orders, users
from interlock.embedded import EmbeddedPostgres, free_port
from interlock.failure import ExitCode, Failure

PROXY_START_TIMEOUT_S = 30.0
PROXY_STOP_TIMEOUT_S = 10.0
LOGINS = {JANITOR: "SUPERUSER", CLERK: "", CENSUS_TAKER: ""}
"""Who plays, with what the server is told of each: it would let the janitor do anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A table as it stands: how many rows, and a sum over a hash of each, which no change of any row leaves alone."""

    rows: int
    fingerprint: int


def contents(connection: psycopg.Connection, table: str) -> Contents:
    """Count and fingerprint a table over a direct connection."""
    query = f"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {table} AS t"  # noqa: S608
    row = connection.execute(query.encode()).fetchone()
    if row is None:
        raise Failure(f"{table} could not be counted", ExitCode.FINDING)
    return Contents(rows=int(row[0]), fingerprint=int(row[1]))


async def create_database(server: EmbeddedPostgres) -> None:
    """Create the database, in a server with the logins LOGINS."""
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


async def load(server: EmbeddedPostgres, user_count: int) -> None:
    """Fill the tables by COPY."""
    connection = await asyncpg.connect(server.dsn(DATABASE))
    try:
        await connection.execute(SCHEMA)
        await connection.copy_records_to_table("users", schema_name="public", records=users(user_count))
        await connection.copy_records_to_table("orders", schema_name="public", records=orders(user_count))
        await connection.execute(CONSTRAINTS)
        await connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {CLERK}")
    finally:
        await connection.close()


def shipped_policies() -> Path:
    """Folder of the policies that come with interlock: beside the packages, in a checkout as in an installation."""
    folder = Path(__file__).resolve().parent.parent / "policies"
    if not (folder / "default.yaml").is_file():
        raise Failure(f"this installation is damaged: {folder / 'default.yaml'} is missing")
    return folder


def _is_ready(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def running_proxy(server: EmbeddedPostgres, audit: Path, log: Path) -> Iterator[int]:
    """Run the proxy as a process of its own, before `server`; gives its port. Stopped when the block ends."""
    port = free_port()
    # Variables of the caller are for another proxy. A DSN with a password is one: command lines are for all to see.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    environment["INTERLOCK_CONTROL_DSN"] = server.dsn(DATABASE, CENSUS_TAKER)
    command = [
        *(sys.executable, "-m", "interlock.cli", "proxy"),
        *("--listen", f"127.0.0.1:{port}", "--upstream", f"{server.host}:{server.port}"),
        *("--policies", str(shipped_policies() / "default.yaml"), "--audit", str(audit)),
        *("--drain-timeout-s", "2"),
    ]
    with log.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            env=environment,
            cwd=log.parent,
            start_new_session=True,
        )
    try:
        deadline_s = time.monotonic() + PROXY_START_TIMEOUT_S
        while not _is_ready(f"postgresql://{CLERK}:{server.password}@127.0.0.1:{port}/{DATABASE}"):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise Failure(f"the proxy did not start:\n{log.read_text(errors='replace').strip()[-2_000:]}")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=PROXY_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its workers see within a second that it has gone, and end
            process.wait()
