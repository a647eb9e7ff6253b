"""The command of `make bench`: start everything, measure in one interleaved run, show it, stop everything."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import orjson
import typer
from rich.console import Console

from bench.bulk import bulk
from bench.decisions import decisions
from bench.figures import Slice
from bench.memory import allow_files, memory
from bench.pgbench import CLIENTS, latency, throughput
from bench.regression import regression_decisions
from bench.report import findings, show
from bench.stage import DIRECT, INTERLOCK, PEERS, PGBOUNCER, RELAY, Stage, missing, peers, stage
from interlock.failure import ExitCode, Failure

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PIPED_WIDTH = 130


class Section(StrEnum):
    """What can be measured alone."""

    THROUGHPUT = "throughput"
    LATENCY = "latency"
    BULK = "bulk"
    MEMORY = "memory"
    DECISION = "decision"


def main(
    quick: Annotated[
        bool, typer.Option("--quick", help="One short round: to see that it works, not to quote.")
    ] = False,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of everything that is interleaved.")] = None,
    seconds: Annotated[int, typer.Option(min=1, help="Length of one slice, in seconds.")] = 1,
    only: Annotated[list[Section] | None, typer.Option(help="Measure this alone; may be given several times.")] = None,
    clients: Annotated[list[int] | None, typer.Option(help="Numbers of clients, instead of 1, 8 and 32.")] = None,
    output: Annotated[Path, typer.Option(help="Folder of the JSON of each run.")] = RESULTS,
) -> None:
    """Compare the proxy with a direct connection, PgBouncer, Pgpool-II and a bare relay.

    Everything is started here, on free ports of 127.0.0.1, and stopped at the end. About 12 minutes as it stands, two
    with --quick. Ratios of one run are worth quoting; absolute figures are the machine's.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what runs in its background with SIGINT ignored
        signal.signal(number, _interrupt)
    # Into a file or a pipe, as wide as the tables are.
    console, progress = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH), Console(stderr=True)
    wanted = tuple(only or Section)
    counts = tuple(clients or CLIENTS)
    times = rounds or (1 if quick else 5)
    try:
        slices = _measure(wanted, counts, times, seconds, quick, progress)
    except Failure as failure:
        progress.print(f"[red]bench:[/] {failure}")
        raise typer.Exit(failure.exit_code) from failure
    except KeyboardInterrupt:
        progress.print("bench: interrupted; everything it had started is stopped")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    show(console, slices)
    written = _write(output, slices, {"rounds": times, "seconds": seconds, "quick": quick, "clients": counts})
    console.print(f"Written to {written}. Compare ratios of one run only: machines, and hours, differ.")


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # a second one must not cut the stopping short
    raise KeyboardInterrupt


def _measure(
    wanted: Sequence[Section], counts: Sequence[int], times: int, seconds: int, quick: bool, console: Console
) -> list[Slice]:
    absent = missing()
    for reason in absent.values():
        console.print(f"[yellow]skipped:[/] {reason}")
    names = tuple(name for name in PEERS if name not in absent)
    connections = 200 if quick else 1_000
    found: list[Slice] = []
    with _told(console) as told:
        if Section.DECISION in wanted:
            told("decisions")
            found += decisions(repeats=20 if quick else 200)
            found += regression_decisions()
        if set(wanted) == {Section.DECISION}:
            return found
        allow_files(2 * connections + 512)  # before the children start: they inherit it
        told("starting PostgreSQL and filling its tables")
        with stage(scale=2 if quick else 10) as place:
            found += _sections(place, names, wanted, counts, times, seconds, connections, told)
    return found


def _sections(
    place: Stage,
    names: tuple[str, ...],
    wanted: Sequence[Section],
    counts: Sequence[int],
    times: int,
    seconds: int,
    connections: int,
    told: Callable[[str], None],
) -> list[Slice]:
    found: list[Slice] = []
    if Section.MEMORY in wanted:
        # Pgpool-II has a process for each connection and the server another: neither has an answer to this question.
        carriers = tuple(name for name in (RELAY, PGBOUNCER, INTERLOCK) if name in names)
        for name in carriers:
            with peers(place, (name,)) as alone:
                found += memory(alone, connections=connections, told=told)
    if not {Section.THROUGHPUT, Section.LATENCY, Section.BULK} & set(wanted):
        return found
    with peers(place, names) as running:
        if Section.LATENCY in wanted:
            found += latency(place, running, rounds=times, seconds=seconds, told=told)
        if Section.BULK in wanted:
            found += bulk(place, running, rounds=times, seconds=seconds, told=told)
        if Section.THROUGHPUT in wanted:
            found += throughput(place, running, rounds=times, seconds=seconds, clients=counts, told=told)
    return found


@contextmanager
def _told(console: Console) -> Iterator[Callable[[str], None]]:
    """Show what is being measured, on one line of a terminal and nowhere else."""
    with console.status("starting") as status:
        yield status.update


def _write(folder: Path, slices: Sequence[Slice], options: dict[str, object]) -> Path:
    now = datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y%m%dT%H%M%SZ}.json"
    document = {
        "at": now,
        "commit": _commit(),
        "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "load": os.getloadavg(),
        "options": options,
        "baseline": DIRECT,
        "findings": [asdict(each) for each in findings(slices)],
        "slices": [asdict(each) for each in slices],
    }
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return path


def _commit() -> str | None:
    """Give the commit that is measured, with a plus if the tree has changes; None outside a checkout."""
    try:
        told = [
            subprocess.run(["git", *arguments], check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()
            for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return told[0] + ("+" if told[1] else "")


if __name__ == "__main__":
    typer.run(main)
