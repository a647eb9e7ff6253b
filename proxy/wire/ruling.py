"""What was ruled on a message, and how its answer ended. Pure."""

from __future__ import annotations

from enum import Enum


class Ruling:
    """What was ruled on one message that asks for something. A referee makes them; the session only reads these."""

    __slots__ = ("enforced", "held", "nonce", "text")

    def __init__(self, *, nonce: bytes | None = None, held: bool = False, enforced: bool = False) -> None:
        """`nonce` not None: refused, and the nonce under which the server is made to fail.

        `held`: must not leave before its record is written; `enforced`: if that cannot be, must not leave at all.
        """
        self.nonce, self.held, self.enforced = nonce, held, enforced
        self.text: bytes | None = None
        """Of what prepares a statement, to be ruled on again when what runs that meets other circumstances."""


class End(Enum):
    """How the answer to a ruled message ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    SUSPENDED = "suspended"
    SKIPPED = "skipped"
