"""What the server sends, from its answer to the startup packet on (documentation: Message Flow). Pure, sans-IO.

Everything is passed on as it came, but for two messages: the error that a refused message's replacement brought about,
and the offer of SCRAM-SHA-256-PLUS, which holds through a proxy only if it shows the server's own certificate. Rows and
copied data are stepped over by their length. A server that breaks the protocol raises ProtocolViolation.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from proxy.wire.backend_messages import AuthenticationRequest, BackendKeyData, ErrorResponse, ParameterStatus
from proxy.wire.codes import BackendCode, ProtocolViolation
from proxy.wire.ledger import Ledger
from proxy.wire.pqformat import end_of_run, int32_at, marks
from proxy.wire.referee import Referee
from proxy.wire.refusal import nonce_of, rewrite

HEADER_BYTES: Final = 5
LOOKED_AT_BYTES: Final = 64 << 20
"""A message that is looked at is held until it is whole; none that is honest comes near this."""

_COMMAND_COMPLETE: Final = int(BackendCode.COMMAND_COMPLETE)
_ROWS: Final = marks(BackendCode.DATA_ROW, BackendCode.COPY_DATA)
_READY: Final = int(BackendCode.READY_FOR_QUERY)
TAG_BYTES: Final = 64
"""COMPLETION_TAG_BUFSIZE of cmdtag.h: what holds the longest tag."""
_FORGETTING: Final = (b"DEALLOCATE ALL", b"DISCARD ALL")
"""Tags of what leaves no prepared statement behind."""
_LOOKED_AT: Final = marks(
    BackendCode.COMMAND_COMPLETE,
    BackendCode.READY_FOR_QUERY,
    BackendCode.PARSE_COMPLETE,
    BackendCode.CLOSE_COMPLETE,
    BackendCode.ERROR_RESPONSE,
    BackendCode.EMPTY_QUERY_RESPONSE,
    BackendCode.PORTAL_SUSPENDED,
    BackendCode.COPY_IN_RESPONSE,
    BackendCode.PARAMETER_STATUS,
    BackendCode.BACKEND_KEY_DATA,
    BackendCode.AUTHENTICATION_REQUEST,
)


class BackendStream:
    """The server's stream. Feed it what arrives; send what it gives."""

    __slots__ = ("_ledger", "_need", "_referee", "_skip", "_waiting", "channel_binding", "ready", "status")

    def __init__(self, ledger: Ledger, referee: Referee) -> None:
        """Begin with the answer to the startup packet."""
        self._ledger = ledger
        self._referee = referee
        self._waiting: list[bytes] = []
        self._need = 0
        self._skip = 0
        self.channel_binding = False
        """True where an offer of SCRAM-SHA-256-PLUS may pass: both legs use TLS with the same certificate."""
        self.ready = False
        """True from the first ReadyForQuery on."""
        self.status = b"I"
        """Transaction status of the last ReadyForQuery: `I`, `T` or `E`."""

    def feed(self, data: bytes) -> list[bytes]:  # noqa: C901 - one loop over all messages, and a hot one
        """Take bytes of the server, give what to send to the client, in order. Raises ProtocolViolation."""
        if self._waiting:
            # Joined once: a client's text can make the server word an error of many megabytes.
            self._waiting.append(data)
            self._need -= len(data)
            if self._need > 0:
                return []
            data = b"".join(self._waiting)
            self._waiting.clear()
        size = len(data)
        position = start = 0
        if self._skip:
            position = min(self._skip, size)
            self._skip -= position
        out: list[bytes] = []
        ledger = self._ledger
        while position < size:
            if size - position < HEADER_BYTES:
                self._waiting.append(data[position:])
                self._need = HEADER_BYTES - (size - position)
                size = position
                break
            code = data[position]
            if _ROWS[code]:
                passed = end_of_run(data, position, _ROWS)
                if passed == position:
                    raise ProtocolViolation(f"server sent message {code} of a forged length")
                position = passed
                if position > size:
                    self._skip = position - size
                    break
                continue
            body = position + HEADER_BYTES
            end = position + 1 + int32_at(data, position + 1)
            if _LOOKED_AT[code]:
                if end - position > LOOKED_AT_BYTES or end < body:
                    raise ProtocolViolation(f"server sent message {code} of {end - position - 1} bytes")
                if end > size:
                    self._waiting.append(data[position:])
                    self._need = end - size
                    size = position
                    break
                if code == _COMMAND_COMPLETE:
                    # Compiled, a slice that ends before it begins is an error.
                    tag = data[body : end - 1] if body < end else b""
                    ledger.completed(_rows_of(tag) if len(tag) < TAG_BYTES else None)
                    if tag in _FORGETTING:
                        ledger.forget_statements()
                elif code == _READY:
                    self.status = data[body:end]
                    self.ready = True
                    ledger.ready(idle=self.status == b"I")
                else:
                    other = self._look(code, data[body:end])
                    if other is not None:
                        out.append(data[start:position])
                        out.append(other)
                        start = end
            elif end > size:
                self._skip = end - size
                break
            elif end < body:
                raise ProtocolViolation(f"server sent message {code} of {end - position - 1} bytes")
            position = end
        if start < size:
            out.append(data if start == 0 and size == len(data) else data[start:size])
        return out

    def _look(self, code: int, body: bytes) -> bytes | None:
        """Follow one message of the server; gives what the client is sent in its place, None for the message itself."""
        ledger = self._ledger
        match code:
            case BackendCode.PARSE_COMPLETE:
                ledger.parsed()
            case BackendCode.CLOSE_COMPLETE:
                ledger.closed()
            case BackendCode.EMPTY_QUERY_RESPONSE:
                ledger.completed(None)
            case BackendCode.PORTAL_SUSPENDED:
                ledger.suspended()
            case BackendCode.COPY_IN_RESPONSE:
                ledger.copy_began()
            case BackendCode.PARAMETER_STATUS:
                status = ParameterStatus.decode(body)
                self._referee.reported(status.name, status.value)
            case BackendCode.BACKEND_KEY_DATA:
                self._referee.backend_started(BackendKeyData.decode(body).process_id)
            case BackendCode.AUTHENTICATION_REQUEST:
                return None if self.channel_binding else _authentication(body)
            case BackendCode.ERROR_RESPONSE:
                sqlstate = ErrorResponse.decode(body).sqlstate
                refused = ledger.failed(sqlstate, nonce_of(body))
                if refused is not None:
                    return rewrite(body, self._referee.refusal_of(refused))
        return None


@lru_cache(maxsize=1_000)
def _rows_of(tag: bytes) -> int | None:
    count = tag[tag.rfind(b" ") + 1 :]
    return int(count) if count.isdigit() and len(count) <= 20 else None


def _authentication(body: bytes) -> bytes | None:
    request = AuthenticationRequest.decode(body)
    offered = request.without_channel_binding()
    return None if offered is request else offered.encode()
