"""Refuse as the server itself would: put a message that fails in the server in the place of the refused one.

The server's own state machine then does what it does on any error: answers come in order among pipelined ones,
everything up to Sync is skipped, an open transaction fails. Only the ErrorResponse is rewritten on its way back, and it
is known by a nonce. A cast of an unknown literal to a type of pg_catalog is evaluated in parse analysis, whatever the
search_path and the other settings say; in a failed transaction the server answers 25P02 before that, as it would to any
statement, and the nonce is never seen. Pure; chance comes in as an argument.
"""

from __future__ import annotations

from typing import Final

from proxy.wire.backend_messages import ErrorResponse
from proxy.wire.codes import DiagnosticField
from proxy.wire.frontend_messages import Parse, Query

MARK: Final = b"interlock-refusal-"
"""Comes before each nonce, so that one search tells whether an error is ours."""
NONCE_BYTES: Final = 32
"""Length of a nonce: hexadecimal digits of 128 random bits."""

# What of the server's error survives: how severe it is, in the server's own language.
_KEPT: Final = (DiagnosticField.SEVERITY, DiagnosticField.SEVERITY_NONLOCALIZED)


def poison_text(nonce: bytes) -> bytes:
    """Give a statement that fails in parse analysis, naming the nonce. `nonce`: NONCE_BYTES hexadecimal digits."""
    if len(nonce) != NONCE_BYTES or not nonce.isalnum():
        raise ValueError("a nonce has 32 hexadecimal digits")
    return b"SELECT '%b%b'::pg_catalog.int4" % (MARK, nonce)


def poison_query(nonce: bytes) -> bytes:
    """Give the Query to send in the place of a refused Query or FunctionCall: both are answered up to ReadyForQuery."""
    return Query(statement=poison_text(nonce)).encode()


def poison_parse(nonce: bytes, name: bytes = b"") -> bytes:
    """Give the Parse to send in the place of a refused message of the extended protocol; it names what Parse named."""
    return Parse(name=name, statement=poison_text(nonce)).encode()


def nonce_of(body: bytes) -> bytes | None:
    """Give the nonce that an ErrorResponse's body carries, or None."""
    at = body.find(MARK)
    if at < 0:
        return None
    nonce = body[at + len(MARK) : at + len(MARK) + NONCE_BYTES]
    return nonce if len(nonce) == NONCE_BYTES else None


def rewrite(body: bytes, refusal: ErrorResponse) -> bytes:
    """Give the whole ErrorResponse that the client is sent for the poison's error: `refusal`, as severe as it was."""
    fields = dict(refusal.fields)
    original = ErrorResponse.decode(body).fields
    fields.update({field: original[field] for field in _KEPT if field in original})
    return ErrorResponse(fields=fields).encode()
