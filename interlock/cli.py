"""The command line: names the commands, and turns expected failures into one sentence on standard error.

Exit codes: 0 ok, 1 a finding, 2 the command was called wrongly. Commands of the floors below live in modules of their
own (`*_commands.py`, `*_command.py`) and are imported when they are called, or when help lists them.
"""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from interlock.failure import ExitCode, Failure

ORDER = ("demo", "install", "proxy", "policy", "audit", "status")
"""Commands as help lists them: as a newcomer meets them."""
ELSEWHERE = {
    "proxy": "interlock.proxy_command",
    "policy": "interlock.policy_commands",
    "audit": "interlock.audit_commands",
}
"""Commands whose module is imported only when they are named: each has a Typer application called `app`."""


class FrontDoor(TyperGroup):
    """The group of all commands; finds those that live elsewhere."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is Typer's
        """Names in the order of ORDER."""
        return list(ORDER)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of that name, imported now if it lives elsewhere; None if there is none."""
        if cmd_name in ELSEWHERE and cmd_name not in self.commands:
            module = importlib.import_module(ELSEWHERE[cmd_name])
            floor = typer.Typer(add_completion=False, rich_markup_mode="markdown")
            floor.add_typer(module.app, name=cmd_name if ELSEWHERE[cmd_name].endswith("_commands") else None)
            self.add_command(typer.main.get_group(floor).commands[cmd_name], cmd_name)
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    cls=FrontDoor,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Keeps models from destroying data: a PostgreSQL proxy that judges and audits every statement.",
    epilog="Start with: `interlock demo`",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"interlock {version('interlock')}")
        raise typer.Exit


@app.callback()
def front_door(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options that stand before any command."""


@app.command(epilog="Example: `interlock demo --users 500000 --keep /tmp/incident`")
def demo(
    users: Annotated[int, typer.Option(min=1_000, max=5_000_000, help="Rows in the table that is attacked.")] = 100_000,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Leave the audit log and the proxy's log there.")
    ] = None,
) -> None:
    """Replay the incident on an embedded PostgreSQL, and see it stopped.

    Starts a PostgreSQL and a proxy of its own in a temporary folder, lets a model account try to destroy the data by
    many ways, counts what is left, verifies the audit log, and removes everything again. Takes less than a minute.
    Exit code 1 means that something harmful got through.
    """
    from interlock.demo import play

    raise typer.Exit(play(users=users, keep=keep))


@app.command(epilog="Example: `interlock install --dsn postgresql://postgres@db.example:5432/shop --dry-run`")
def install(
    dsn: Annotated[
        str,
        typer.Option(
            metavar="DSN",
            envvar="INTERLOCK_DSN",
            help="The database, by a URI or as host=... dbname=...; a login that may create roles.",
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the SQL, and change nothing.")] = False,
) -> None:
    """Create the `interlock` schema and its roles in a database, or bring them up to date.

    Run it once for each database that accounts reach, connected directly rather than through the proxy. Running it
    again does nothing; two at once wait for each other.
    """
    import asyncio

    from interlock.install import install as install_into

    asyncio.run(install_into(dsn, dry_run=dry_run, say=typer.echo))


@app.command(epilog="Example: `interlock status --metrics 127.0.0.1:9187 --audit audit-log`")
def status(
    metrics: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", envvar="INTERLOCK_METRICS", help="The proxy's metrics endpoint."),
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(metavar="DIR", envvar="INTERLOCK_AUDIT", help="The folder of the audit log.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Show what is known of a running proxy and of its audit log.

    Exit code 1: the proxy does not answer, or cannot write its audit log, or the log is not whole.
    """
    from interlock.status import report

    raise typer.Exit(report(metrics=metrics, audit=audit, as_json=as_json))


def main() -> None:
    """Run the command line; the entry point `interlock`."""
    try:
        app()
    except Failure as failure:
        for line in str(failure).splitlines():
            typer.echo(f"interlock: {line}", err=True)
        sys.exit(failure.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    main()
