"""Logs for operators: one JSON object a line, whoever speaks, and never what a client has said."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from proxy.server.logs import LogLevel

SECRET = "hunter2"  # what must not be seen
PREAMBLE = f"""
import logging, warnings
import structlog
from proxy.server.logs import LogLevel, configure_logging
log = structlog.get_logger()
def fail(password):
    raise ValueError("the message")
configure_logging(LogLevel({{level!r}}))
password = {SECRET!r}
"""


def written(program: str, level: LogLevel = LogLevel.DEBUG) -> list[dict[str, Any]]:
    """Run a program that logs, in a process of its own; give its lines, each of them a JSON object."""
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE.format(level=level.value) + program], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")
    return [json.loads(line) for line in done.stderr.splitlines()]


SPEAKERS = {
    "our own": "log.warning('an_event', worker=3)",
    "a library, by logging": "logging.getLogger('asyncio').warning('an event of %d parts', 2)",
    "a warning of Python's": "warnings.warn('an_event')",
}


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_every_line_is_an_object_with_time_level_and_event(speaker: str) -> None:
    """Whoever speaks, a program that reads the log finds the same three fields."""
    (line,) = written(SPEAKERS[speaker])
    assert line["level"] == "warning"
    assert line["timestamp"].endswith("Z")
    assert "event" in line["event"]


def test_an_event_s_values_are_kept() -> None:
    """Numbers stay numbers; what JSON does not know is written as text rather than lost."""
    (line,) = written("log.info('an_event', worker=3, pid=None, what={1, 1}, where=b'bytes')")
    assert {name: line[name] for name in ("worker", "pid", "what", "where")} == {
        "worker": 3,
        "pid": None,
        "what": "{1}",
        "where": "b'bytes'",
    }


def test_a_line_cannot_be_forged() -> None:
    """Line breaks in a value do not end the line."""
    (line,) = written("log.info('an_event', user='eve\\n{\"event\": \"worker_ready\"}')")
    assert line["user"] == 'eve\n{"event": "worker_ready"}'


@pytest.mark.parametrize("level", LogLevel)
def test_only_events_of_the_level_and_above_are_written(level: LogLevel) -> None:
    """It holds for our own events and for libraries' alike."""
    names = [each.value for each in LogLevel]
    ours = "".join(f"log.{name}('ours')\n" for name in names)
    theirs = "".join(f"logging.getLogger('x').{name}('theirs')\n" for name in names)
    lines = written(ours + theirs, level)
    expected = names[names.index(level.value) :]
    assert [line["level"] for line in lines if line["event"] == "ours"] == expected
    assert [line["level"] for line in lines if line["event"] == "theirs"] == expected


FAILURES = {
    "our own": "try: fail(password)\nexcept ValueError: log.exception('it_failed')",
    "a library's": "try: fail(password)\nexcept ValueError: logging.getLogger('asyncio').exception('it_failed')",
}


@pytest.mark.parametrize("speaker", FAILURES)
def test_an_exception_is_logged_without_the_values_of_variables(speaker: str) -> None:
    """Type, message and the way there are told; a password that stood in a local variable is not."""
    (line,) = written(FAILURES[speaker])
    told = json.dumps(line)
    assert "ValueError" in told
    assert "the message" in told
    assert '"fail"' in told or "in fail" in told
    assert SECRET not in told
