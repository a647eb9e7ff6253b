"""`interlock audit`: is the evidence whole, and what does it say. Exit codes: 0 ok, 1 finding, 2 usage."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from audit import Question, Verification, journals_of, query, verify
from interlock.failure import Failure

app = typer.Typer(no_args_is_help=True, help="Verify and search the audit journals.", rich_markup_mode="markdown")

_Folder = Annotated[
    Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, readable=True, help="Folder of the journals.")
]
_FORMATS = ("table", "json")
_VERDICTS = ("permit", "forbid", "undecidable")
_KINDS = ("decision", "outcome", "session", "policy", "proxy", "journal")
_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_COLUMNS = ("at", "kind", "who", "verdict", "rule", "id", "what")


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
            _expect_journals(folder)
            found = verify(
                folder, archived=archived, most_findings=limit, read=lambda size: progress.advance(task, size)
            )
    _show_verification(found)
    if not found.sound:
        raise typer.Exit(1)


def _show_verification(found: Verification) -> None:
    out = Console(soft_wrap=True, highlight=False)
    for finding in found.findings:
        out.print(f"FINDING {finding}", markup=False)
    if found.more:
        out.print(f"... and {_counted(found.more, 'more finding')}")
    for note in found.notes:
        out.print(f"note    {note}", markup=False)
    for chain in found.chains:
        end = "closed in order" if chain.closed else "in use, or ended without a close"
        lost = f", {chain.lost} given up while the disk failed" if chain.lost else ""
        held = f"{_counted(chain.records, 'record')} in {_counted(chain.files, 'file')}"
        out.print(f"{chain.journal}: {held}{lost}; {end}", markup=False)
    count = _counted(len(found.findings) + found.more, "finding")
    out.print("sound: every record is there and unchanged" if found.sound else f"NOT SOUND: {count}")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@app.command(name="query")
def query_command(
    folder: _Folder,
    since: Annotated[str | None, typer.Option(help="From this time on: ISO 8601, UTC if no zone is given.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    account: Annotated[str | None, typer.Option(help="Account as the policy names it.")] = None,
    user: Annotated[str | None, typer.Option(help="PostgreSQL login.")] = None,
    verdict: Annotated[str | None, typer.Option(help="permit, forbid or undecidable.")] = None,
    effect: Annotated[str | None, typer.Option(help="As in policies: select, delete, drop ...")] = None,
    target: Annotated[
        str | None, typer.Option("--object", help="Object that an effect may fall on: name, schema.name.")
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="Id of the rule that decided, or that observes and would have refused.")
    ] = None,
    session: Annotated[str | None, typer.Option(help="Id of a session.")] = None,
    kind: Annotated[str | None, typer.Option(help="decision, outcome, session, policy, proxy or journal.")] = None,
    decision: Annotated[str | None, typer.Option("--id", help="Decision id: the decision and its outcome.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The first so many; a table stops after 1000.")] = None,
    tail: Annotated[int | None, typer.Option(min=1, help="The last so many.")] = None,
    form: Annotated[str, typer.Option("--format", help="table or json (the records, one a line).")] = "table",
) -> None:
    """Print the records that fit every given option, by time.

    For example:

    `interlock audit query DIR --verdict forbid --since 2026-02-03T00:00`

    `interlock audit query DIR --verdict forbid --tail 20`

    `interlock audit query DIR --object public.users --effect delete --format json`

    `interlock audit query DIR --id 01JQ8Z0V6C5T9N3M1K7H2F4D8B`
    """
    if form not in _FORMATS:
        raise typer.BadParameter(f"{form!r} is neither table nor json", param_hint="--format")
    if limit is not None and tail is not None:
        raise typer.BadParameter("give --limit or --tail, not both", param_hint="--tail")
    question = Question(
        since=_time(since, "--since"),
        until=_time(until, "--until"),
        kind=_one_of(kind, _KINDS, "--kind"),
        account=account,
        user=user,
        session=_id(session, "--session"),
        verdict=_one_of(verdict, _VERDICTS, "--verdict"),
        rule=rule,
        effect=_effect(effect),
        target=target,
        id=_id(decision, "--id"),
    )
    with _readable(folder):
        _expect_journals(folder)
        records: Iterable[dict[str, Any]] = query(folder, question)
        if tail is not None:
            records = deque(records, maxlen=tail)
        else:
            records = islice(records, limit or (1_000 if form == "table" else None))
        if form == "json":
            for record in records:
                sys.stdout.write(orjson.dumps(record).decode() + "\n")
            return
        rows = [_COLUMNS, *map(_row, records)]
    # No wider than it must be and never cut: the statement, which may be long, comes last.
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for *cells, what in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        sys.stdout.write("  ".join((*padded, what)).rstrip() + "\n")


def _expect_journals(folder: Path) -> None:
    """Raise Failure where there are none: nothing is no answer, and not sound either."""
    if not journals_of(folder):
        raise Failure(f"no journals in {folder}")


def _one_of(value: str | None, known: tuple[str, ...], option: str) -> str | None:
    """Return the value. Raises BadParameter for one that no record can have."""
    if value is None or value in known:
        return value
    near = get_close_matches(value, known, n=1)
    advice = f"; did you mean {near[0]!r}?" if near else ""
    raise typer.BadParameter(
        f"expected {', '.join(known[:-1])} or {known[-1]}, found {value!r}{advice}", param_hint=option
    )


def _effect(value: str | None) -> str | None:
    if value is None:
        return None
    from proxy.sql import Effect

    return _one_of(value, tuple(map(str, Effect)), "--effect")


def _id(value: str | None, option: str) -> str | None:
    if value is None:
        return None
    if _ID.fullmatch(value.upper()) is None:
        sample = "01JQ8Z0V6C5T9N3M1K7H2F4D8B"
        raise typer.BadParameter(f"{value!r} is no id; one has 26 characters, as {sample}", param_hint=option)
    return value.upper()


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
            what, verdict = statement.get("text") or _asked(record, statement), record.get("verdict", "")
        case "outcome":
            rows = "" if record.get("rows") is None else f", {record['rows']} rows"
            what, verdict = f"{record.get('duration_us')} us{rows}", record.get("state", "")
        case _:
            what, verdict = record.get("reason") or "", record.get("event", "")
    who = session.get("account") or session.get("user") or record.get("proxy") or record.get("journal") or ""
    named = record.get("id") or record.get("decision") or session.get("id") or ""
    # A statement is a stranger's text: no control characters into the terminal.
    cells = (record["at"], record["kind"], who, verdict, _rule(record), named, what)
    return tuple(_plain(str(cell)) for cell in cells)


def _asked(record: dict[str, Any], statement: dict[str, Any]) -> str:
    """Say what was asked for without a text: by a startup packet or a function call; or why none could be read."""
    effects = [f"{each.get('effect')} {each.get('target') or ''}".rstrip() for each in record.get("effects") or ()]
    return f"{statement.get('via')}: {', '.join(effects)}" if effects else str(record.get("because") or "")


def _rule(record: dict[str, Any]) -> str:
    observed = ", ".join(map(str, record.get("observed") or ()))
    return f"{record.get('rule') or ''} (observed: {observed})" if observed else str(record.get("rule") or "")


def _plain(text: str) -> str:
    one_line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in one_line)
