"""Installation into a database: the `interlock` schema, by versioned migrations that are applied once each.

A migration is a file `migrations/NNNN_name.sql`. What was applied is kept in `interlock.migration` with a checksum, and
a file that changed after it was applied is refused: the database would no longer be what the files say. One session
installs at a time in a database (an advisory lock), and each migration is a transaction of its own. Identifiers in the
SQL are qualified and search_path holds pg_catalog alone, so nothing that users created can take a built-in's place.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

import asyncpg

from interlock.failure import Failure
from proxy.server.dsn import EXPECTED, uri_of

OLDEST_SERVER = 140_000
"""`server_version_num` of the oldest PostgreSQL that is supported."""

# The advisory lock's key: "interloc" as a big-endian integer, so that pg_locks shows the same number everywhere.
LOCK_KEY = int.from_bytes(b"interloc", "big")

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

BOOTSTRAP = """\
CREATE SCHEMA IF NOT EXISTS interlock;
COMMENT ON SCHEMA interlock IS 'Interlock: recommendations of models, and the state of their interlocks.';
CREATE TABLE IF NOT EXISTS interlock.migration (
    version    integer     NOT NULL PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE interlock.migration IS 'Migrations that were applied, each with the SHA-256 of its file.';
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema, as shipped."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL, hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped_migrations() -> tuple[Migration, ...]:
    """All migrations of this version, in order, numbered from 1 without gaps."""
    found: list[Migration] = []
    for file in (resources.files("interlock") / "migrations").iterdir():
        named = _FILE_NAME.fullmatch(file.name)
        if named:
            sql = file.read_text(encoding="utf-8")
            found.append(Migration(version=int(named[1]), name=named[2], sql=sql))
    found.sort(key=lambda migration: migration.version)
    versions = [migration.version for migration in found]
    if not found or versions != list(range(1, len(found) + 1)):
        raise Failure(f"this installation is damaged: its migrations are numbered {versions}")
    return tuple(found)


def pending_migrations(shipped: tuple[Migration, ...], applied: dict[int, tuple[str, str]]) -> tuple[Migration, ...]:
    """Tell what is still to be applied. `applied` gives name and checksum by version.

    Raises Failure where the database holds a migration that is unknown here, or one whose text has changed since.
    """
    known = {migration.version: migration for migration in shipped}
    for version, (name, checksum) in sorted(applied.items()):
        if version not in known:
            raise Failure(
                f"migration {version} ({name}) was applied by a newer version of interlock;"
                f" this one knows migrations up to {len(shipped)}"
            )
        if known[version].checksum != checksum:
            raise Failure(
                f"migration {version} ({name}) was applied with other contents than this version ships"
                f" (recorded {checksum[:12]}, shipped {known[version].checksum[:12]});"
                " nothing was changed: install the version that applied it, or ask its maintainers"
            )
    return tuple(migration for migration in shipped if migration.version not in applied)


async def _applied(connection: asyncpg.Connection) -> dict[int, tuple[str, str]]:
    if await connection.fetchval("SELECT pg_catalog.to_regclass('interlock.migration')") is None:
        return {}
    rows = await connection.fetch("SELECT version, name, checksum FROM interlock.migration ORDER BY version")
    return {row["version"]: (row["name"], row["checksum"]) for row in rows}


async def _refuse_strangers_schema(connection: asyncpg.Connection) -> None:
    """Refuse to build on a schema of that name that someone else owns: its owner could replace anything in it."""
    owner = await connection.fetchval(
        "SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 'interlock'"
        " AND NOT pg_catalog.pg_has_role(current_user, nspowner, 'USAGE')"
    )
    if owner is not None:
        raise Failure(f'a schema "interlock" exists and belongs to "{owner}"; connect as that role or as a superuser')


async def _connect(dsn: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(uri_of(dsn), timeout=15, server_settings={"application_name": "interlock install"})
    except ValueError as error:
        # The DSN may hold a password, so it is not repeated, nor what was made of it.
        raise Failure(f"--dsn: not a DSN; {EXPECTED}") from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Failure(f"cannot connect to the database of --dsn: {str(error) or type(error).__name__}") from error


async def install(dsn: str, *, dry_run: bool, say: Callable[[str], None]) -> None:
    """Bring the database of `dsn` up to this version's schema; `say` is told each step.

    With `dry_run`, tells the SQL that would run and changes nothing. Raises Failure if the server cannot be reached, is
    too old, denies a privilege, or holds migrations that contradict this version's.
    """
    shipped = shipped_migrations()
    connection = await _connect(dsn)
    try:
        if await _server_version(connection) < OLDEST_SERVER:
            raise Failure(f"PostgreSQL {OLDEST_SERVER // 10_000} or newer is needed")
        await connection.execute("SET search_path = pg_catalog, pg_temp")
        await _refuse_strangers_schema(connection)
        if dry_run:
            await _tell_sql(connection, shipped, say)
        else:
            await _apply(connection, shipped, say)
    except asyncpg.PostgresError as error:
        raise Failure(f"PostgreSQL refused ({error.sqlstate}): {error}") from error
    finally:
        await connection.close(timeout=5)


async def _server_version(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT pg_catalog.current_setting('server_version_num')"))


async def _tell_sql(connection: asyncpg.Connection, shipped: tuple[Migration, ...], say: Callable[[str], None]) -> None:
    applied = await _applied(connection)
    pending = pending_migrations(shipped, applied)
    if not applied:
        say(BOOTSTRAP)
    for migration in pending:
        say(f"-- migration {migration.version}: {migration.name}\nBEGIN;\n{migration.sql.rstrip()}\nCOMMIT;\n")
    say(f"-- {len(pending)} of {len(shipped)} migrations would be applied; nothing was changed")


async def _apply(connection: asyncpg.Connection, shipped: tuple[Migration, ...], say: Callable[[str], None]) -> None:
    database = await connection.fetchval("SELECT pg_catalog.current_database()")
    if not await connection.fetchval("SELECT pg_catalog.pg_try_advisory_lock($1)", LOCK_KEY):
        say("waiting for another installation into this database to finish")
        await connection.execute(f"SELECT pg_catalog.pg_advisory_lock({LOCK_KEY})")
    # Looked at again under the lock: the schema may be another session's by now.
    await _refuse_strangers_schema(connection)
    await connection.execute("SET client_min_messages = warning")  # "already exists, skipping" is what is wanted
    # What a migration could not do with this login's privileges, it says by a warning.
    connection.add_log_listener(lambda _, message: say(f"{message.severity.lower()}: {message.message}"))
    pending = pending_migrations(shipped, await _applied(connection))
    if pending:
        async with connection.transaction():
            await connection.execute(BOOTSTRAP)
    for place, migration in enumerate(pending, start=1):
        started_s = time.monotonic()
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO interlock.migration (version, name, checksum) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.checksum,
            )
        took_ms = (time.monotonic() - started_s) * 1_000
        say(f"[{place}/{len(pending)}] migration {migration.version} {migration.name}: applied in {took_ms:.0f} ms")
    newest = shipped[-1].version
    say(f'database "{database}": schema interlock is at version {newest}' + ("" if pending else ", nothing to do"))
