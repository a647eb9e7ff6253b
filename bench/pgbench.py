"""pgbench against each peer in turn: transactions per second over many cells, and the latency of one client.

pgbench writes a new random number into every statement, so no two texts are alike; in `simple` mode that is what the
proxy has to judge. pgbench vacuums nothing (`-n`): the stage is tidied between cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from statistics import median

from bench.figures import Slice, turns
from bench.stage import DATABASE, HOST, USER, Peer, Stage
from interlock.failure import Failure

THROUGHPUT, LATENCY, CPU = "throughput", "latency", "cpu"
SCRIPTS = ("select-only", "tpcb-like")
MODES = ("simple", "extended", "prepared")
CLIENTS = (1, 8, 32)
LATENCY_CELL = "select-only prepared 1"

_TPS = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)
_PROCESSED = re.compile(r"^number of transactions actually processed: ([0-9]+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([0-9]+)", re.MULTILINE)

Progress = Callable[[str], None]


def cells(clients: Sequence[int] = CLIENTS) -> list[str]:
    """Names of the cells: script, mode and number of clients, as `select-only prepared 8`."""
    return [f"{script} {mode} {count}" for script, mode, count in product(SCRIPTS, MODES, clients)]


def prepared(cell: str) -> bool:
    """Tell whether a cell belongs to the prepared part."""
    return cell.split()[1] == "prepared"


def tps_of(output: str) -> float:
    """Read the rate, connecting not counted, from what pgbench prints. Raises Failure if it was not a clean run."""
    rate, failed = _TPS.search(output), _FAILED.search(output)
    if rate is None or failed is None or failed[1] != "0":
        raise Failure(f"pgbench did not run cleanly:\n{output[-2_000:]}")
    return float(rate[1])


def _count_of(output: str) -> int:
    count = _PROCESSED.search(output)
    if count is None or count[1] == "0":
        raise Failure(f"pgbench processed nothing:\n{output[-2_000:]}")
    return int(count[1])


def throughput(
    place: Stage, peers: Sequence[Peer], *, rounds: int, seconds: int, clients: Sequence[int], told: Progress
) -> list[Slice]:
    """Measure every cell; values are transactions per second.

    Beside each, in the section `cpu`: seconds of processor time that a peer of one process spent on a transaction, its
    share of connecting included. Others on the machine disturb it less than they disturb a rate.
    """
    by_name = {peer.name: peer for peer in peers}
    found = []
    for number in range(rounds):
        for cell in cells(clients):
            place.tidy()
            for name in turns(list(by_name), number):
                before_s = by_name[name].cpu_s()
                output = place.run(*_command(cell, by_name[name], seconds))
                after_s = by_name[name].cpu_s()
                found.append(Slice(section=THROUGHPUT, cell=cell, peer=name, round=number, value=tps_of(output)))
                if before_s is not None and after_s is not None:
                    each_s = (after_s - before_s) / _count_of(output)
                    found.append(Slice(section=CPU, cell=cell, peer=name, round=number, value=each_s))
                told(f"round {number + 1}: {cell}, {name}")
    return found


def latency(place: Stage, peers: Sequence[Peer], *, rounds: int, seconds: int, told: Progress) -> list[Slice]:
    """Measure one client with prepared selects; values are the median transaction in seconds, as pgbench logs it."""
    by_name = {peer.name: peer for peer in peers}
    prefix = place.folder / "latency"
    found = []
    for number in range(rounds):
        for name in turns(list(by_name), number):
            place.run(*_command(LATENCY_CELL, by_name[name], seconds), "--log", f"--log-prefix={prefix}")
            value = _median_transaction_s(prefix)
            found.append(Slice(section=LATENCY, cell=LATENCY_CELL, peer=name, round=number, value=value))
            told(f"round {number + 1}: latency, {name}")
    return found


def _command(cell: str, peer: Peer, seconds: int) -> list[str]:
    script, mode, count = cell.split()
    at = ["-h", HOST, "-p", str(peer.port), "-U", USER, DATABASE]
    return ["pgbench", "-n", "-b", script, "-M", mode, "-c", count, "-T", str(seconds), *at]


def _median_transaction_s(prefix: Path) -> float:
    logs = list(prefix.parent.glob(f"{prefix.name}.*"))
    # Fields (documentation: pgbench, Per-Transaction Logging): client, transaction, microseconds, ...
    took_us = [int(line.split()[2]) for log in logs for line in log.read_text().splitlines()]
    for log in logs:
        log.unlink()
    if not took_us:
        raise Failure("pgbench logged no transaction")
    return median(took_us) / 1e6
