"""`interlock policy`: is a policy sound, and what would it decide. Exit codes: 0 ok, 1 finding, 2 usage.

Decides nothing by itself: it reads, expands, decides and explains by the same functions as the proxy.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from interlock.failure import Failure
from proxy.policy import (
    Account,
    AccountKind,
    Decision,
    Explanation,
    PolicyMistakes,
    Principal,
    Step,
    act_in_words,
    compile_policy,
    decide,
    explain,
    steps,
)
from proxy.sql import (
    Bounds,
    Effect,
    Facts,
    Knowledge,
    Settings,
    TargetKind,
    Unreadable,
    expand_each,
    read_statements,
)

app = typer.Typer(no_args_is_help=True, help="Check policies, and try what they decide.", rich_markup_mode="markdown")

_SUFFIXES = (".yaml", ".yml")
_COLUMN = 26
"""Least width of a rule's id."""
_TRIAL = "TRIAL"
"""Stands where a decision of the proxy has its id: nothing is recorded here."""


def policy_files(path: Path) -> list[tuple[str, str]]:
    """Read a policy file, or every *.yaml and *.yml file of a folder (not of folders in it, nor hidden ones).

    Bytes that are not UTF-8 come out as lone surrogates, which the compiler reports with line and column.
    Raises OSError if one cannot be read.
    """
    if path.is_dir():
        listed = sorted(
            p for p in path.iterdir() if p.suffix in _SUFFIXES and not p.name.startswith(".") and p.is_file()
        )
    else:
        listed = [path]
    return [(str(each), each.read_bytes().decode("utf-8", "surrogateescape")) for each in listed]


@app.command(name="check")
def check_command(
    path: Annotated[Path, typer.Argument(metavar="PATH", exists=True, help="A policy file, or a folder of *.yaml.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Find every mistake in a policy, each as file:line:column.

    Exit code 0: the policy can be used. 1: it cannot, and each line names a mistake and how to mend it.

    Example: `interlock policy check policies/`
    """
    files = _files(path)
    try:
        policy = compile_policy(files)
    except PolicyMistakes as found:
        if as_json:
            mistakes = [
                {"file": m.file, "line": m.line, "column": m.column, "message": m.message, "fix": m.fix}
                for m in found.mistakes
            ]
            _print_json({"ok": False, "mistakes": mistakes})
        else:
            _print_mistakes(found, Console(soft_wrap=True, highlight=False))
        raise typer.Exit(1) from None
    if as_json:
        _print_json({"ok": True, "mistakes": [], "digest": policy.digest, "rules": len(policy.rules)})
        return
    out = Console(soft_wrap=True, highlight=False)
    out.print(f"ok: {_counted(len(files), 'file')}, {_counted(len(policy.rules), 'rule')}, digest {policy.digest}")
    if policy.limits:
        out.print("note: limits are checked here, and this version of the proxy does not enforce them yet")


@app.command(name="explain")
def explain_command(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="Statements, or - to read them from standard input.")],
    policies: Annotated[
        Path, typer.Option(metavar="PATH", exists=True, envvar="INTERLOCK_POLICIES", help="A policy file or folder.")
    ],
    user: Annotated[str, typer.Option("--as", metavar="USER", help="The login that would send them.")],
    database: Annotated[str, typer.Option(metavar="NAME", help="The database it would be connected to.")] = "postgres",
    search_path: Annotated[
        str | None, typer.Option(metavar="A,B", help="Its search_path; left out: unknown, as before the server says.")
    ] = None,
    client_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where it would come from, for accounts matched by address.")
    ] = None,
    certificate_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name in its TLS certificate, for accounts matched by that.")
    ] = None,
    application_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its application_name, for accounts matched by that.")
    ] = None,
    control_dsn: Annotated[
        str | None,
        typer.Option(
            metavar="DSN",
            envvar="INTERLOCK_CONTROL_DSN",
            help="Login that reads the database's catalog, as the proxy's --control-dsn does; without it, no catalog.",
        ),
    ] = None,
    account_kind: Annotated[
        str | None, typer.Option(metavar="|".join(AccountKind), help="Judge as if the account were of this kind.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Show what would be decided, by which rule, and why every other rule did not decide.

    Nothing is executed. With --control-dsn the catalog of the database named by --database is read, and the decision is
    the proxy's; without it no server is asked. Exit code 0: permitted. 1: refused, or the policy has mistakes.

    Example: `interlock policy explain --policies policies/ --as model_janitor "DELETE FROM users"`
    """
    try:
        policy = compile_policy(_files(policies))
    except PolicyMistakes as found:
        _print_mistakes(found, Console(stderr=True, soft_wrap=True, highlight=False))
        raise typer.Exit(1) from None
    account = policy.account_of(
        Principal(
            user=user,
            database=database,
            client_address=client_address,
            certificate_name=certificate_name,
            application_name=application_name,
        )
    )
    if account_kind is not None:
        account = replace(account, kind=_kind(account_kind))
    path = None if search_path is None else tuple(part.strip() for part in search_path.split(",") if part.strip())
    # As a session that has just begun.
    settings = Settings(search_path=path, temporary=False)
    reading = read_statements(sys.stdin.read() if sql == "-" else sql, Bounds())
    if not isinstance(reading, Unreadable):
        census = None if control_dsn is None else _census(control_dsn, database)
        reading = expand_each(reading, census, settings)
    decision = decide(reading, account, policy)
    explanation = explain(decision, _TRIAL)
    trail = steps(reading, account, policy)
    if as_json:
        _print_json(_as_json(decision, reading, explanation, trail))
    else:
        out = Console(soft_wrap=True, highlight=False)
        _show(out, decision, reading, explanation, trail)
        for note in _notes(reading, path, known=control_dsn is not None):
            out.print(f"\nnote: {note}", markup=False)
    if decision.refused:
        raise typer.Exit(1)


def _kind(text: str) -> AccountKind:
    try:
        return AccountKind(text)
    except ValueError:
        known = ", ".join(AccountKind)
        raise typer.BadParameter(f"{text!r} is none of {known}", param_hint="--account-kind") from None


def _census(dsn: str, database: str) -> Knowledge:
    # Loads a driver, which a trial without a server does not need.
    from proxy.server.catalog import CatalogUnreadable, read_census

    try:
        return asyncio.run(read_census(dsn, database))
    except CatalogUnreadable as error:
        # The DSN may hold a password, so it is not repeated.
        raise Failure(f'--control-dsn: the catalog of database "{database}" cannot be read: {error}') from error


def _notes(reading: Sequence[Facts] | Unreadable, path: tuple[str, ...] | None, *, known: bool) -> Iterator[str]:
    """Say what the trial did not know, and how to tell it."""
    if isinstance(reading, Unreadable):
        return
    targets = [act.target for facts in reading for act in facts.acts if act.target is not None]
    by_name = (TargetKind.RELATION, TargetKind.FUNCTION, TargetKind.TYPE)
    if path is None and any(target.schema is None and target.name and target.kind in by_name for target in targets):
        yield "search_path is not known, so a name without a schema may be in any; give it with --search-path"
    if not known and any(act.effect is Effect.EXECUTE_FUNCTION for facts in reading for act in facts.acts):
        yield "the catalog was not read, so a function may be anybody's; the proxy knows more with --control-dsn"


def _files(path: Path) -> list[tuple[str, str]]:
    try:
        files = policy_files(path)
    except OSError as error:
        raise typer.BadParameter(f"cannot read {path}: {error.strerror or error}") from None
    if not files:
        raise typer.BadParameter(f"there is no *.yaml file in {path}")
    return files


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())


def _print_mistakes(found: PolicyMistakes, out: Console) -> None:
    for mistake in found.mistakes:
        out.print(str(mistake), markup=False)
    out.print(_counted(len(found.mistakes), "mistake"), markup=False)


def _verdict(decision: Decision) -> str:
    """Word the verdict, with what it comes to where the word alone does not say it."""
    word = decision.verdict.value
    if word == "undecidable":
        return f"{word} ({'refused' if decision.refused else 'let through and recorded'})"
    return word


def _account(account: Account) -> str:
    login = "" if account.login == account.name else f", login {account.login}"
    return f"{account.name} ({account.kind.value}{login})"


def _show(
    out: Console,
    decision: Decision,
    reading: Sequence[Facts] | Unreadable,
    explanation: Explanation,
    trail: Sequence[Step],
) -> None:
    colour = "red" if decision.refused else "green"
    out.print(f"[{colour} bold]{_verdict(decision)}[/] by rule [bold]{decision.rule}[/]")
    lines = [("account", _account(decision.account)), ("because", decision.because)]
    if decision.observed:
        lines.append(("observed", f"would also be refused by {', '.join(decision.observed)}, which only observe"))
    for key, text in lines:
        out.print(f"{key:<9} {text}", markup=False)
    if not isinstance(reading, Unreadable):
        for index, facts in enumerate(reading):
            _show_statement(out, index, facts, decision, [step for step in trail if step.statement == index])
    if decision.refused:
        out.print("\nThe client sees:", style="bold")
        out.print(f"ERROR:  42501: {explanation.message}", markup=False)
        out.print(f"DETAIL:  {explanation.detail}", markup=False)
        if explanation.hint:
            out.print(f"HINT:  {explanation.hint}", markup=False)


def _show_statement(out: Console, index: int, facts: Facts, decision: Decision, trail: Sequence[Step]) -> None:
    width = max([_COLUMN, *(len(step.rule.id) for step in trail)])
    out.print(f"\nStatement {index + 1}: {facts.tag}", style="bold", markup=False)
    agreed = f"do not agree: {facts.disagreement}" if facts.disagreement is not None else "agree"
    both = len(facts.witnesses) > 1
    out.print(f"read by   {' and '.join(facts.witnesses)}{f', which {agreed}' if both else ', alone'}", markup=False)
    for act in facts.acts:
        decided = "  <- decided" if act is decision.act and index == decision.statement else ""
        out.print(f"act       {act_in_words(act)}{decided}", markup=False)
        for step in trail:
            if step.act is act:
                line = f"  {step.rule.id:<{width}} {step.words}  ({step.rule.file}:{step.rule.line})"
                out.print(line, style="" if step.miss is None else "dim", markup=False)


def _as_json(
    decision: Decision, reading: Sequence[Facts] | Unreadable, explanation: Explanation, trail: Sequence[Step]
) -> dict[str, Any]:
    listed = () if isinstance(reading, Unreadable) else reading
    return {
        "verdict": decision.verdict.value,
        "refused": decision.refused,
        "rule": decision.rule,
        "because": decision.because,
        "account": {
            "name": decision.account.name,
            "kind": decision.account.kind.value,
            "login": decision.account.login,
        },
        "observed": list(decision.observed),
        "policy_digest": decision.policy_digest,
        "statement": decision.statement,
        "act": None if decision.act is None else act_in_words(decision.act),
        "statements": [
            {
                "tag": facts.tag,
                "witnesses": list(facts.witnesses),
                "disagreement": facts.disagreement,
                "acts": [
                    {
                        "act": act_in_words(act),
                        "rules": [
                            {
                                "id": step.rule.id,
                                "applies": step.miss is None,
                                "miss": None if step.miss is None else step.miss.value,
                                "words": step.words,
                                "file": step.rule.file,
                                "line": step.rule.line,
                            }
                            for step in trail
                            if step.statement == index and step.act is act
                        ],
                    }
                    for act in facts.acts
                ],
            }
            for index, facts in enumerate(listed)
        ],
        "client_sees": {
            "sqlstate": "42501",
            "message": explanation.message,
            "detail": explanation.detail,
            "hint": explanation.hint,
        }
        if decision.refused
        else None,
    }
