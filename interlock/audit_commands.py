"""`interlock audit`: is the evidence whole, and what does it say. Exit codes: 0 ok, 1 finding, 2 usage."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from audit import Question, Verification, query, verify
from interlock.failure import Failure

app = typer.Typer(no_args_is_help=True, help="Verify and search the audit journals.", rich_markup_mode="markdown")

_Folder = Annotated[
    Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, readable=True, help="Folder of the journals.")
]
_FORMATS = ("table", "json")


@app.command(name="verify")
def verify_command(
    folder: _Folder,
    archived: Annotated[
        bool, typer.Option("--archived", help="The oldest files were moved elsewhere; begin where the rest begins.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Findings to print at most.")] = 100,
) -> None:
    """Find any edited, dropped, reordered, inserted or truncated record.

    Exit code 0: every record is there and unchanged. 1: something is wrong; each finding names file and line.

    Example: `interlock audit verify /var/lib/interlock/audit`
    """
    errors = Console(stderr=True)
    total = sum(path.stat().st_size for path in folder.glob("*.jsonl"))
    columns = (TextColumn("verifying"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("verifying", total=total)
        with _readable(folder):
            found = verify(
                folder, archived=archived, most_findings=limit, read=lambda size: progress.advance(task, size)
            )
    _show_verification(found, folder)
    if not found.sound:
        raise typer.Exit(1)


def _show_verification(found: Verification, folder: Path) -> None:
    out = Console(soft_wrap=True, highlight=False)
    for finding in found.findings:
        out.print(f"FINDING {finding}", markup=False)
    if found.more:
        out.print(f"... and {found.more} more findings")
    for note in found.notes:
        out.print(f"note    {note}", markup=False)
    for chain in found.chains:
        end = "closed in order" if chain.closed else "in use, or ended without a close"
        lost = f", {chain.lost} given up while the disk failed" if chain.lost else ""
        out.print(f"{chain.journal}: {chain.records} records in {chain.files} files{lost}; {end}", markup=False)
    if not found.chains:
        out.print(f"no journals in {folder}", markup=False)
    count = len(found.findings) + found.more
    out.print("sound: every record is there and unchanged" if found.sound else f"NOT SOUND: {count} findings")


@app.command(name="query")
def query_command(
    folder: _Folder,
    since: Annotated[str | None, typer.Option(help="From this time on: ISO 8601, UTC if no zone is given.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    account: Annotated[str | None, typer.Option(help="Account as the policy names it.")] = None,
    user: Annotated[str | None, typer.Option(help="PostgreSQL login.")] = None,
    verdict: Annotated[str | None, typer.Option(help="permit, forbid or undecidable.")] = None,
    effect: Annotated[str | None, typer.Option(help="As in policies: select, delete, drop ...")] = None,
    target: Annotated[str | None, typer.Option("--object", help="Object that an effect falls on.")] = None,
    rule: Annotated[str | None, typer.Option(help="Id of the rule that decided.")] = None,
    session: Annotated[str | None, typer.Option(help="Id of a session.")] = None,
    kind: Annotated[str | None, typer.Option(help="decision, outcome, session, policy, proxy or journal.")] = None,
    decision: Annotated[str | None, typer.Option("--id", help="Decision id: the decision and its outcome.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many records; a table after 1000.")] = None,
    form: Annotated[str, typer.Option("--format", help="table or json (the records, one a line).")] = "table",
) -> None:
    """Print the records that fit every given option, by time.

    For example:

    `interlock audit query DIR --verdict forbid --since 2026-02-03T00:00`

    `interlock audit query DIR --object public.users --effect delete --format json`

    `interlock audit query DIR --id 01JQ8Z0V6C5T9N3M1K7H2F4D8B`
    """
    if form not in _FORMATS:
        raise typer.BadParameter(f"{form!r} is neither table nor json", param_hint="--format")
    question = Question(
        since=_time(since, "--since"),
        until=_time(until, "--until"),
        kind=kind,
        account=account,
        user=user,
        session=session,
        verdict=verdict,
        rule=rule,
        effect=effect,
        target=target,
        id=decision,
    )
    records = islice(query(folder, question), limit or (1_000 if form == "table" else None))
    with _readable(folder):
        if form == "json":
            for record in records:
                sys.stdout.write(orjson.dumps(record).decode() + "\n")
            return
        table = Table("at", "kind", "who", "what", "verdict", "rule", "id")
        for record in records:
            table.add_row(*_row(record))
    Console().print(table)


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Say in a sentence which file cannot be read, as its owner is the caller's to settle."""
    try:
        yield
    except BrokenPipeError:
        # Whoever read the output has seen enough; Typer ends the command.
        raise
    except OSError as error:
        raise Failure(f"cannot read {error.filename or folder}: {error.strerror}") from error


def _time(text: str | None, option: str) -> str | None:
    """Return the time as records write it."""
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time such as 2026-02-03T04:05:06", param_hint=option) from None
    utc = given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    session = record.get("session") or {}
    statement = record.get("statement") or {}
    match record["kind"]:
        case "decision":
            what, verdict = statement.get("text", ""), record.get("verdict", "")
        case "outcome":
            rows = "" if record.get("rows") is None else f", {record['rows']} rows"
            what, verdict = f"{record.get('duration_us')} us{rows}", record.get("state", "")
        case _:
            what, verdict = record.get("reason") or "", record.get("event", "")
    who = session.get("account") or session.get("user") or record.get("proxy") or record.get("journal") or ""
    named = record.get("id") or record.get("decision") or session.get("id") or ""
    # A statement is a stranger's text: no markup, and no control characters into the terminal.
    cells = (record["at"], record["kind"], who, what, verdict, record.get("rule") or "", named)
    return tuple(_plain(str(cell)) for cell in cells)


def _plain(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return shown.replace("[", r"\[")
