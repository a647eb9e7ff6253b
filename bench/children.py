"""Processes that the benchmark starts, each stopped when its block ends, whatever ended the block."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from interlock.failure import Failure

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
_POLL_S = 0.02


def unprivileged() -> pwd.struct_passwd | None:
    """Whom to run what refuses to be run by root as. None: as we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise Failure("there is neither a user postgres nor nobody to run the servers as")


def environment() -> dict[str, str]:
    """Give our variables without those that would steer the programs: the benchmark says all on the command line."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "INTERLOCK_"))}
    # Encryption is not what is compared; without this, clients would ask for it first.
    return kept | {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}


def accepts(port: int) -> bool:
    """Tell whether somebody listens on 127.0.0.1:`port`."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    port: int,
    log: Path,
    who: pwd.struct_passwd | None = None,
    stop: signal.Signals = signal.SIGTERM,
    variables: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a server until the block ends; gives its process id once it accepts connections on `port`.

    `stop` is the signal that ends it at once and in order. Raises Failure with the end of its log if it does not start.
    """
    with log.open("wb") as stderr:
        # A session of its own: Ctrl-C is for the benchmark, which then stops it in order.
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            env=environment() | dict(variables or {}),
            cwd=log.parent,
            start_new_session=True,
            user=who.pw_uid if who else None,
            group=who.pw_gid if who else None,
            extra_groups=[] if who else None,
        )
    try:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not accepts(port):
            if process.poll() is not None or time.monotonic() > deadline_s:
                told = log.read_text(errors="replace").strip()[-2_000:]
                raise Failure(f"{Path(command[0]).name} did not start:\n{told}")
            time.sleep(_POLL_S)
        yield process.pid
    finally:
        process.send_signal(stop)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=STOP_TIMEOUT_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it may have left
        process.wait()
