"""The one way in which a command ends badly without being broken: a sentence for people, and an exit code.

Expected failures (a wrong flag, a server that does not answer) are raised as Failure anywhere in the front door and
printed by `main` in one place. Whatever else escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to a script."""

    OK = 0
    FINDING = 1
    """The command ran, and what it was asked to look at is not as it should be."""
    USAGE = 2
    """The command could not run as it was called: a flag, a file, an address or a credential is wrong."""
    INTERRUPTED = 130
    """Stopped from the keyboard, as shells count it."""


class Failure(Exception):  # noqa: N818 - "error" would say that the program is at fault
    """A command cannot go on. The message is a sentence for people; several findings stand on lines of their own."""

    def __init__(self, sentence: str, exit_code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
