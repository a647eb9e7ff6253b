"""Where everything is measured: one PostgreSQL of our own with pgbench's tables, and the peers in front of it.

The login `bench` is trusted on the loopback, so that no peer needs to know a password: authentication is not what is
compared, and each of them would do it its own way.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.children import environment, running, unprivileged
from bench.client import Client
from interlock.embedded import PASSWORDS, EmbeddedPostgres, free_port, programs
from interlock.failure import Failure

HOST = "127.0.0.1"
USER = "bench"
DATABASE = "bench"
CONNECTIONS = 1_300
"""That the server takes; PgBouncer and Pgpool-II are told the same or what they need."""
POLICIES = Path(__file__).resolve().parent.parent / "policies" / "default.yaml"
SETTINGS = {
    "max_connections": str(CONNECTIONS),
    "shared_buffers": "512MB",
    # A vacuum or a checkpoint in one peer's slice would be its bad luck: both are done between slices.
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "16GB",
}
HBA = (f"host {DATABASE} {USER} 127.0.0.1/32 trust", *PASSWORDS)

DIRECT, PGBOUNCER, PGPOOL, RELAY, INTERLOCK = "direct", "pgbouncer", "pgpool", "relay", "interlock"
PEERS = (DIRECT, PGBOUNCER, PGPOOL, RELAY, INTERLOCK)

_PGBOUNCER_INI = """\
[databases]
{database} = host=127.0.0.1 port={upstream} dbname={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = session
max_client_conn = {connections}
default_pool_size = {connections}
ignore_startup_parameters = extra_float_digits
"""

_PGPOOL_CONF = """\
backend_clustering_mode = 'raw'
listen_addresses = '127.0.0.1'
port = {port}
pcp_listen_addresses = '127.0.0.1'
pcp_port = {pcp_port}
socket_dir = '{folder}'
pcp_socket_dir = '{folder}'
wd_ipc_socket_dir = '{folder}'
pid_file_name = '{folder}/pgpool.pid'
logdir = '{folder}'
work_dir = '{folder}'
backend_hostname0 = '127.0.0.1'
backend_port0 = {upstream}
backend_weight0 = 1
backend_data_directory0 = '{folder}'
num_init_children = 40
max_pool = 1
child_life_time = 0
load_balance_mode = off
memory_cache_enabled = off
enable_pool_hba = off
sr_check_period = 0
health_check_period = 0
use_watchdog = off
log_destination = 'stderr'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Something that clients of PostgreSQL can connect to on 127.0.0.1."""

    name: str
    port: int
    pid: int
    """Of the process that carries the connections; for the proxy its one worker."""

    def cpu_s(self) -> float | None:
        """Processor time that the process has used; None for what has a process for each connection."""
        if self.name in (DIRECT, PGPOOL):
            return None
        # Fields 14 and 15 of proc_pid_stat(5); the second, the program's name in brackets, may hold anything.
        fields = (Path("/proc") / str(self.pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Stage:
    """The server with pgbench's tables."""

    def __init__(self, server: EmbeddedPostgres, folder: Path, scale: int) -> None:
        self.port = server.port
        self.folder = folder
        self.scale = scale
        self.programs = programs()
        self._server = server
        self._prepare()

    @property
    def rows(self) -> int:
        """Rows of pgbench_accounts."""
        return self.scale * 100_000

    def run(self, *command: str | Path) -> str:
        """Run one of PostgreSQL's programs as the login `bench`; gives its output. Raises Failure if it fails."""
        return self._run([*command], environment())

    def sql(self, text: str, *, as_superuser: bool = False) -> str:
        """Run SQL over a direct connection; gives what psql prints, unaligned and without headings."""
        variables = environment()
        if as_superuser:
            variables["PGPASSWORD"] = self._server.password
        user, database = ("postgres", "postgres") if as_superuser else (USER, DATABASE)
        at = ["-h", HOST, "-p", str(self.port), "-U", user, "-d", database]
        return self._run(["psql", *at, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text], variables)

    def tidy(self) -> None:
        """Undo what earlier slices left: dead rows, history, and what is not yet on the disk."""
        tables = "pgbench_branches, pgbench_tellers, pgbench_accounts"
        self.sql("TRUNCATE pgbench_history")
        self.sql(f"VACUUM {tables}")
        self.sql("CHECKPOINT", as_superuser=True)

    def _run(self, command: list[str | Path], variables: dict[str, str]) -> str:
        program = self.programs / command[0]
        done = subprocess.run(
            [program, *command[1:]], check=False, stdin=subprocess.DEVNULL, capture_output=True, env=variables
        )
        if done.returncode:
            raise Failure(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()[-2_000:]}")
        return done.stdout.decode()

    def _prepare(self) -> None:
        self.sql(f"CREATE DATABASE {DATABASE} OWNER {USER}", as_superuser=True)
        at = ["-h", HOST, "-p", str(self.port), "-U", USER, DATABASE]
        self.run("pgbench", "-i", "-q", "-s", str(self.scale), *at)


@contextmanager
def stage(scale: int) -> Iterator[Stage]:
    """Start the server and fill pgbench's tables; all of it is gone when the block ends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="interlock-bench-")))
        folder.chmod(0o711)
        server = stack.enter_context(EmbeddedPostgres(SETTINGS, hba=HBA, roles={USER: ""}))
        yield Stage(server, folder, scale)


def missing() -> dict[str, str]:
    """Peers that cannot be started on this machine, with the reason."""
    reasons = {}
    for peer, package in ((PGBOUNCER, "pgbouncer"), (PGPOOL, "pgpool2")):
        if _program(peer) is None:
            reasons[peer] = f"{peer} is not installed (Debian: apt-get install {package})"
    return reasons


@contextmanager
def peers(place: Stage, names: tuple[str, ...]) -> Iterator[list[Peer]]:
    """Start the peers named, in that order; all are stopped when the block ends."""
    with ExitStack() as stack:
        yield [stack.enter_context(_peer(place, name)) for name in names]


def _program(name: str) -> str | None:
    # Debian keeps servers out of the path of ordinary logins.
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))


@contextmanager
def _peer(place: Stage, name: str) -> Iterator[Peer]:
    if name == DIRECT:
        yield Peer(name=name, port=place.port, pid=os.getpid())
        return
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place.folder))
    # What runs as another user writes its log through our handle, and its sockets and process id into this folder.
    who = unprivileged() if name in (PGBOUNCER, PGPOOL) else None
    if who is not None:
        os.chown(folder, who.pw_uid, who.pw_gid)
    command, stop = _command(place, name, folder, port)
    with running(command, port=port, log=folder / "log", who=who, stop=stop, variables=_variables(name)) as pid:
        with Client(HOST, port, USER, DATABASE) as client:  # the listener may be there before what carries sessions
            client.ask("SELECT 1", "SELECT 1")
        yield Peer(name=name, port=port, pid=_worker(pid) if name == INTERLOCK else pid)


def _variables(name: str) -> dict[str, str]:
    return {"PYTHONPATH": str(POLICIES.parent.parent)} if name == RELAY else {}


def _command(place: Stage, name: str, folder: Path, port: int) -> tuple[list[str | Path], signal.Signals]:
    names = {"folder": folder, "port": port, "upstream": place.port, "database": DATABASE, "connections": CONNECTIONS}
    if name == PGBOUNCER:
        (folder / "users.txt").write_text(f'"{USER}" ""\n')
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(_PGBOUNCER_INI.format(**names))
        return [_program(name) or name, "-q", configuration], signal.SIGTERM
    if name == PGPOOL:
        configuration = folder / "pgpool.conf"
        configuration.write_text(_PGPOOL_CONF.format(**names, pcp_port=free_port()))
        (folder / "empty").touch()
        others: list[str | Path] = ["-F", folder / "empty", "-a", folder / "empty"]
        # Its SIGTERM waits for clients to go; SIGINT does not.
        return [_program(name) or name, "-n", "-D", "-f", configuration, *others], signal.SIGINT
    if name == RELAY:
        return [sys.executable, "-m", "bench.relay", str(port), str(place.port)], signal.SIGTERM
    if name == INTERLOCK:
        return [
            *(sys.executable, "-m", "interlock.cli", "proxy"),
            *("--listen", f"{HOST}:{port}", "--upstream", f"{HOST}:{place.port}"),
            *("--policies", POLICIES, "--audit", folder / "audit"),
            *("--workers", "1", "--max-connections", str(CONNECTIONS)),
            *("--metrics", f"{HOST}:{free_port()}", "--drain-timeout-s", "1"),
        ], signal.SIGTERM
    raise Failure(f"there is no peer {name}")


def _worker(pid: int) -> int:
    """Find the one worker of a proxy. Raises Failure if there is none, or several."""
    found = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _parent(path) == pid]
    if len(found) != 1:
        raise Failure(f"the proxy has {len(found)} processes beside its first, not one worker")
    return found[0]


def _parent(process: Path) -> int | None:
    try:
        # The second field, the program's name, stands in brackets and may hold anything.
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None
