"""Structured logs: one JSON object a line on standard error, for the proxy and for what it is built of.

The log tells operators how the process is doing. It is not the record of decisions: that is the audit's, in files of
its own, and nothing here may be needed to reconstruct one.
"""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from typing import Any

import orjson
import structlog


class LogLevel(StrEnum):
    """The least severe events that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _json_line(event: Any, **_: Any) -> str:
    # `default=str`: an event with an unforeseen value in it must still be seen.
    return orjson.dumps(event, default=str).decode()


def configure_logging(level: LogLevel) -> None:
    """Send structlog's and the standard library's events to standard error, one JSON object a line. Process-wide."""
    severity = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Without local variables: those of a failing connection hold what its client sent, passwords included.
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_json_line)],
        wrapper_class=structlog.make_filtering_bound_logger(severity),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_json_line),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=severity, force=True)
    # It tells of every file that is touched; our own events say what came of it.
    logging.getLogger("watchfiles").setLevel(max(severity, logging.WARNING))
    logging.captureWarnings(capture=True)
