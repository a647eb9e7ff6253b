"""Real PostgreSQL clusters for tests: the embedded 18, or one of the system's that is built with TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from interlock.embedded import EmbeddedPostgres

TRUST = ("local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust")


class Cluster(EmbeddedPostgres):
    """A server that trusts everybody, unless its pg_hba lines say otherwise."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        hba: Sequence[str] = TRUST,
        files: Sequence[Path] = (),
        roles: Mapping[str, str] | None = None,
        bindir: Path | None = None,
    ) -> None:
        super().__init__(settings, hba=hba, files=files, roles=roles, bindir=bindir)

    def run(self, script: str, database: str = "demo") -> None:
        """Run SQL as the superuser, in a database that the test has made, each statement by itself committed."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            connection.execute(script.encode())

    def scalar(self, statement: str, database: str = "demo") -> object:
        """Fetch the first column of the first row, as the superuser."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return None if row is None else row[0]


def programs_with_tls() -> Path | None:
    """Give the folder of the newest PostgreSQL programs of the system that are built with OpenSSL, or None."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            built = subprocess.run([folder / "postgres", "-C", "ssl_library"], capture_output=True, text=True)
            linked = subprocess.run(["ldd", folder / "postgres"], capture_output=True, text=True).stdout
            if "openssl" in built.stdout.lower() or "libssl" in linked:
                return folder
    return None


def dsn(port: int, **options: str) -> str:
    """Give a libpq DSN of 127.0.0.1:port; the password of every login is its own name."""
    return psycopg.conninfo.make_conninfo(
        "", **{"host": "127.0.0.1", "port": str(port), "password": options.get("user", ""), **options}
    )
