"""Streams: COPY out, COPY in and one large SELECT, in bytes per second.

The client reads and writes as fast as it can and looks at nothing, so that the ratio to a direct connection is the
harshest one: a driver that makes objects of rows would hide more of what stands between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bench.client import Client, copy_data
from bench.figures import Slice, turns
from bench.stage import DATABASE, HOST, USER, Peer, Stage

BULK = "bulk"
COPY_OUT, COPY_IN, SELECT = "COPY out", "COPY in", "large SELECT"
CELLS = (COPY_OUT, COPY_IN, SELECT)
ROWS_IN = 100_000
CHUNK_BYTES = 8_192
"""Of one CopyData message from the client; about what psql sends."""


def bulk(
    place: Stage, peers: Sequence[Peer], *, rounds: int, seconds: float, told: Callable[[str], None]
) -> list[Slice]:
    """Measure the three streams; values are bytes per second as they cross the client's socket."""
    place.sql("CREATE UNLOGGED TABLE IF NOT EXISTS arrivals (LIKE pgbench_accounts)")
    lines = "".join(f"{number}\t{number % 10}\t0\t{number:084x}\n" for number in range(ROWS_IN)).encode()
    framed = copy_data(lines, CHUNK_BYTES)
    by_name = {peer.name: peer for peer in peers}
    found = []
    for number in range(rounds):
        for cell in CELLS:
            for name in turns(list(by_name), number):
                with Client(HOST, by_name[name].port, USER, DATABASE) as client:
                    value = _rate(client, cell, place.rows, framed, seconds)
                found.append(Slice(section=BULK, cell=cell, peer=name, round=number, value=value))
                told(f"round {number + 1}: {cell}, {name}")
    return found


def _rate(client: Client, cell: str, rows: int, framed: bytes, seconds: float) -> float:
    moved, took_s = 0, 0.0
    while took_s < seconds:
        if cell == COPY_IN:
            client.ask("TRUNCATE arrivals", "TRUNCATE TABLE")
        began_s = time.perf_counter()
        if cell == COPY_OUT:
            moved += client.ask("COPY pgbench_accounts TO STDOUT", f"COPY {rows}")
        elif cell == COPY_IN:
            client.copy_in("COPY arrivals FROM STDIN", framed, f"COPY {ROWS_IN}")
            moved += len(framed)
        else:
            moved += client.ask("SELECT * FROM pgbench_accounts", f"SELECT {rows}")
        took_s += time.perf_counter() - began_s
    return moved / took_s
