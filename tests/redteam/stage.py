"""The server that the attacks aim at: a model's login is a superuser, so only the proxy stands in the way."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.clusters import Cluster
from tests.database.proxy_process import INTERLOCK

HERE: Final = Path(__file__).parent
FINGERPRINT: Final = (HERE / "fingerprint.sql").read_bytes()
"""A query whose one answer tells whether anything changed in a database of the stage."""

_SETTINGS: Final = {"wal_level": "logical", "autovacuum": "off", "max_prepared_transactions": "5"}
_SCRIPTS: Final = {"demo": ("stage.sql",), "traps": ("stage.sql", "traps.sql")}


@contextmanager
def staged(*databases: str, bindir: Path | None = None) -> Iterator[Cluster]:
    """Run a server with databases of the stage: `demo`, and `traps` with the code that generated attacks call.

    `bindir`: whose programs to run, instead of the embedded 18's.
    """
    with Cluster(_SETTINGS, roles={"model_x": "SUPERUSER"}, bindir=bindir) as server:
        for database in databases:
            server.run(f"CREATE DATABASE {database}", database="postgres")
            command: list[str | Path] = [INTERLOCK, "install", "--dsn", server.dsn(database)]
            subprocess.run(command, capture_output=True, check=True)
            for script in _SCRIPTS[database]:
                server.run((HERE / script).read_text(), database=database)
        server.run("COPY (SELECT 1) TO PROGRAM 'mkdir -p stolen'", database="postgres")
        server.run("SELECT pg_create_physical_replication_slot('standby')", database="postgres")
        yield server
