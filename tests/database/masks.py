"""What must differ between two sessions that say the same, and nothing else.

Every mask has its name and its reason. A mask blanks bytes and keeps their number, so a changed length still shows.
"""

from __future__ import annotations

import difflib
import hashlib
import struct
from collections.abc import Sequence

from tests.database.wire import CANCEL_REQUEST, UNTYPED, Message

SHOWN_BYTES = 300
DIFFERENCES_SHOWN = 40

MASKS = {
    "cancel_key": "BackendKeyData carries the session's process and a random key; CancelRequest repeats them.",
    "notifier": "NotificationResponse begins with the process that notified.",
    "md5_salt": "AuthenticationMD5Password carries four random bytes.",
    "scram": "AuthenticationSASLContinue and -Final carry nonces, and signatures over them.",
    "password": "PasswordMessage and SASLResponse answer a random challenge.",
}

_AUTHENTICATION = {5: "md5_salt", 11: "scram", 12: "scram"}


def mask_backend(message: Message) -> Message:
    """Blank in a server's message what is random or a process number."""
    match message.code:
        case "K":  # cancel_key
            return _blank(message, 0)
        case "A":  # notifier
            return _blank(message, 0, 4)
        case "R" if struct.unpack("!i", message.body[:4])[0] in _AUTHENTICATION:  # md5_salt, scram
            return _blank(message, 4)
        case _:
            return message


def mask_frontend(message: Message) -> Message:
    """Blank in a client's message what answers a random challenge."""
    if message.code == "p":  # password
        return _blank(message, 0)
    if message.code == UNTYPED and message.body[:4] == struct.pack("!i", CANCEL_REQUEST):  # cancel_key
        return _blank(message, 4)
    return message


def _blank(message: Message, start: int, end: int | None = None) -> Message:
    stop = len(message.body) if end is None else end
    return Message(message.code, message.body[:start] + b"\xff" * (stop - start) + message.body[stop:])


def lines(messages: Sequence[Message]) -> list[str]:
    """One line a message, whole where short and by digest where long: what a failing comparison shows."""
    return [f"{m.code} {_shown(m.body)}" for m in messages]


def differences(expected: Sequence[str], heard: Sequence[str]) -> list[str]:
    """Name the first places where two conversations part, `-` expected and `+` heard; empty where they are equal."""
    if list(expected) == list(heard):
        return []
    return list(difflib.unified_diff(expected, heard, "direct", "through", n=2, lineterm=""))[:DIFFERENCES_SHOWN]


def _shown(body: bytes) -> str:
    if len(body) <= SHOWN_BYTES:
        return repr(body)[1:]
    return f"{body[:60]!r}... {len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()[:16]}"
