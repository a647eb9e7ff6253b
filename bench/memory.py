"""What an idle connection costs in resident memory of the process that carries it.

Peers are started anew for this, so that nothing freed earlier is used again unseen. A quarter as many connections come
first: they use up what starting left free, and what a process needs once is not any connection's cost. Each connection
has asked one question before it falls idle.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.client import Client
from bench.figures import Slice
from bench.stage import DATABASE, HOST, USER, Peer

MEMORY = "memory"
CELL = "idle connection"
SETTLE_S = 2.5
"""The proxy gathers its counts, and asyncio its garbage, about once a second."""


def memory(peers: Sequence[Peer], *, connections: int, told: Callable[[str], None]) -> list[Slice]:
    """Measure each peer; values are bytes of resident memory for each connection. See `allow_files`."""
    found = []
    for peer in peers:
        with ExitStack() as held:
            _hold(held, peer, connections // 4)
            time.sleep(SETTLE_S)
            before = _resident_bytes(peer.pid)
            _hold(held, peer, connections)
            time.sleep(SETTLE_S)
            grown = _resident_bytes(peer.pid) - before
        found.append(Slice(section=MEMORY, cell=CELL, peer=peer.name, round=0, value=grown / connections))
        told(f"{connections} idle connections, {peer.name}")
    return found


def _hold(held: ExitStack, peer: Peer, count: int) -> None:
    for _ in range(count):
        held.enter_context(Client(HOST, peer.port, USER, DATABASE)).ask("SELECT 1", "SELECT 1")


def _resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def allow_files(count: int) -> None:
    """Raise the limit on open files to `count`, or as far as the machine lets us; children started later inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
