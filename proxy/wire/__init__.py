"""PostgreSQL v3 bytes <-> decisions to be made. Pure; knows no SQL and no policy. This module is the room's door."""

from proxy.wire.codes import ProtocolViolation, Severity, SqlState, TransactionStatus
from proxy.wire.frontend_stream import Held
from proxy.wire.ledger import End, Ruling
from proxy.wire.messages import ErrorResponse, ParameterStatus, fatal
from proxy.wire.referee import Referee
from proxy.wire.session import Session

__all__ = [
    "End",
    "ErrorResponse",
    "Held",
    "ParameterStatus",
    "ProtocolViolation",
    "Referee",
    "Ruling",
    "Session",
    "Severity",
    "SqlState",
    "TransactionStatus",
    "fatal",
]
