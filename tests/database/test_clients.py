"""Real clients through the proxy: what they print, what they hear and what they say is what it is without it.

Each client runs as a process of its own, once against the server and once against the proxy, behind a recording tap. A
client that this machine lacks is skipped with the reason; the continuous integration installs them all.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from interlock.embedded import programs
from tests.clusters import Cluster
from tests.database.masks import differences
from tests.database.proxy_process import ProxyProcess
from tests.database.tap import Tap

CLIENTS = Path(__file__).parent / "clients"
WITHIN_S = 60
JDBC = Path("/usr/share/java/postgresql.jar")
NODE_MODULES = ("/usr/share/nodejs", "/usr/lib/node_modules", "/usr/local/lib/node_modules")

ENVIRONMENT: Mapping[str, str] = {
    "PGHOST": "127.0.0.1",
    "PGUSER": "person_ada",
    "PGPASSWORD": "person_ada",
    "PGDATABASE": "demo",
    "PGSSLMODE": "disable",
    "NODE_PATH": os.pathsep.join(NODE_MODULES),
    "PGAPPNAME": "client",
}


def python(name: str, *arguments: str) -> Callable[[Cluster], list[str]]:
    """Run a program of the clients' folder with this Python."""
    return lambda _: [sys.executable, str(CLIENTS / name), "{port}", *arguments]


def asynchronous_sqlalchemy(cluster: Cluster) -> list[str]:
    """Run SQLAlchemy over asyncpg, which needs greenlet."""
    if importlib.util.find_spec("greenlet") is None:
        pytest.skip("greenlet is not installed, and SQLAlchemy's asyncio extension needs it")
    return python("sqlalchemy_client.py", "asyncpg")(cluster)


def postgres(program: str, *arguments: str) -> Callable[[Cluster], list[str]]:
    """Run a program of the server's own installation."""
    return lambda _: [str(programs() / program), *arguments]


def node(_: Cluster) -> list[str]:
    """Run node-postgres, where Node finds it."""
    found = any((Path(folder) / "pg").exists() for folder in NODE_MODULES)
    if not found or shutil.which("node") is None:
        pytest.skip("node-postgres is not installed (Debian: node-pg; or npm install --global pg)")
    return ["node", str(CLIENTS / "node_postgres.js"), "{port}"]


def java(_: Cluster) -> list[str]:
    """Run the JDBC driver from one source file."""
    if not JDBC.exists() or shutil.which("java") is None:
        pytest.skip("JDBC is not installed (Debian: libpostgresql-jdbc-java and a JDK)")
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", str(JDBC), str(CLIENTS / "Jdbc.java"), "{port}"]


def bench(mode: str) -> Callable[[Cluster], list[str]]:
    """Run pgbench with fixed chance, in one of its three modes."""
    script = str(CLIENTS / "pgbench.sql")
    return postgres("pgbench", "-n", "-c", "2", "-j", "1", "-t", "20", "-M", mode, "--random-seed=7", "-f", script)


COMMANDS: Mapping[str, Callable[[Cluster], list[str]]] = {
    "psql": postgres("psql", "-X", "-a", "-f", str(CLIENTS / "psql.sql")),
    "asyncpg": python("asyncpg_client.py"),
    "psycopg": python("psycopg_client.py"),
    "pg8000": python("pg8000_client.py"),
    "SQLAlchemy psycopg": python("sqlalchemy_client.py", "psycopg"),
    "SQLAlchemy asyncpg": asynchronous_sqlalchemy,
    "node-postgres": node,
    "JDBC": java,
    "pgbench simple": bench("simple"),
    "pgbench extended": bench("extended"),
    "pgbench prepared": bench("prepared"),
    "pg_dump": postgres("pg_dump", "--no-sync"),
    "pg_dump inserts": postgres("pg_dump", "--inserts", "--no-sync"),
}

# What a program prints of itself and the clock, not of the database.
OWN_AFFAIRS = re.compile(rb"process with PID \d+|(latency|tps|initial connection time)[^\n]*|\\(un)?restrict \w+")


def printed(command: Sequence[str], port: int) -> bytes:
    """Run a client to its end: what it printed."""
    filled = [part.replace("{port}", str(port)) for part in command]
    environment = {**os.environ, **ENVIRONMENT, "PGPORT": str(port)}
    ran = subprocess.run(filled, env=environment, capture_output=True, timeout=WITHIN_S)
    assert ran.returncode == 0, ran.stderr.decode()
    return OWN_AFFAIRS.sub(b"", ran.stdout)


def performance(command: Sequence[str], port: int) -> tuple[list[str], list[str]]:
    """Run a client behind a tap: what it printed, and what every connection said."""
    with Tap(port) as tap:
        shown = printed(command, tap.port)
        said = [f"{number}{line}" for number, recording in enumerate(tap.settle()) for line in recording.said()]
        return shown.decode("latin1").splitlines(), said


def compared(client: str, cluster: Cluster, port: int, reset: Callable[[], None]) -> None:
    """Hold a client's run at a port against its run at the server."""
    command = COMMANDS[client](cluster)
    expected_print, expected = performance(command, cluster.port)
    if not client.startswith("pg_dump"):  # it shows the transaction in which a table was emptied, and changes nothing
        reset()
    shown, said = performance(command, port)
    assert differences(expected, said) == []
    assert differences(expected_print, shown) == []


@pytest.mark.parametrize("client", COMMANDS)
def test_client_says_and_hears_the_same_twice(client: str, cluster: Cluster, reset: Callable[[], None]) -> None:
    """Every client repeats itself to the byte against the server alone, so a difference is the proxy's."""
    compared(client, cluster, cluster.port, reset)


@pytest.mark.parametrize("client", COMMANDS)
def test_client_does_not_notice_the_proxy(
    client: str, cluster: Cluster, proxy: ProxyProcess, reset: Callable[[], None]
) -> None:
    """A client's whole run is, message for message and in print, the same through the proxy."""
    compared(client, cluster, proxy.port, reset)


def test_dump_restores_through_the_proxy(
    cluster: Cluster, proxy: ProxyProcess, reset: Callable[[], None], tmp_path: Path
) -> None:
    """A database dumped and restored through the proxy dumps like the original."""
    reset()
    archive = tmp_path / "demo.dump"
    printed(postgres("pg_dump", "-Fc", "--no-sync", "-f", str(archive))(cluster), proxy.port)
    cluster.run("DROP DATABASE IF EXISTS restored", database="postgres")
    cluster.run("CREATE DATABASE restored", database="postgres")
    printed(postgres("pg_restore", "--exit-on-error", "-d", "restored", str(archive))(cluster), proxy.port)
    original = printed(postgres("pg_dump")(cluster), cluster.port)
    assert original == printed(postgres("pg_dump", "restored")(cluster), cluster.port)
