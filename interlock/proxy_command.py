"""`interlock proxy`: settings in, a serving proxy out. Its flags are made from the table of settings, one each."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Annotated

import structlog
import typer

from interlock.failure import ExitCode, Failure
from interlock.settings import SETTINGS, Setting, read_settings, unknown_variables
from proxy.server.config import ServerConfig
from proxy.server.logs import configure_logging

HELP = """Serve: stand between clients and PostgreSQL, judge and record every statement.

Every flag may also be an INTERLOCK_* variable (INTERLOCK_MAX_CONNECTIONS) or a line of the file given by --config
(max_connections: 200). Flags win over variables, variables over the file. SIGTERM drains and stops; SIGHUP reads the
policies and certificates anew.
"""
EPILOG = """For example:

`interlock proxy --listen 127.0.0.1:6432 --upstream 127.0.0.1:5432 --policies policies --audit audit-log`

`interlock proxy --config /etc/interlock/proxy.yaml --log-level warning`
"""


def _parameter(setting: Setting) -> inspect.Parameter:
    default = ServerConfig.model_fields[setting.name].default
    annotation: object
    if isinstance(default, bool):
        flag = f"{setting.flag}/--no-{setting.flag[2:]}"
        option = typer.Option(flag, help=setting.about, show_default=False, rich_help_panel=setting.group)
        annotation = Annotated[bool | None, option]
    else:
        about = setting.about if default is None else f"{setting.about} Default: {default}"
        option = typer.Option(
            setting.flag, metavar=setting.metavar, help=about, show_default=False, rich_help_panel=setting.group
        )
        # Every value is read as text and judged in one place, so that a flag's mistake reads like a file's.
        annotation = Annotated[str | None, option]
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def proxy(
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="YAML file of settings.", envvar="INTERLOCK_CONFIG")
    ] = None,
    **flags: str | bool | None,
) -> None:
    """Serve until a signal says otherwise; the process's exit code is the server's."""
    settings = read_settings(flags, os.environ, config)
    configure_logging(settings.log_level)
    for sentence in unknown_variables(os.environ):
        structlog.get_logger().warning("unknown_variable", because=sentence)

    # The server's floor loads parsers and an event loop: not before the settings are known to be right.
    from proxy.server import ConfigurationError, serve

    try:
        code = serve(settings)
    except ConfigurationError as error:
        raise Failure(str(error)) from error
    raise typer.Exit(code or ExitCode.OK)


_own = [
    parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    for parameter in inspect.signature(proxy, eval_str=True).parameters.values()
    if parameter.kind is not inspect.Parameter.VAR_KEYWORD
]
proxy.__signature__ = inspect.Signature([*map(_parameter, SETTINGS), *_own])  # type: ignore[attr-defined]

app = typer.Typer(add_completion=False)
app.command("proxy", help=HELP, epilog=EPILOG)(proxy)
