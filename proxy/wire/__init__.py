"""PostgreSQL v3 bytes <-> decisions to be made. Pure; knows no SQL and no policy. This module is the room's door."""

from proxy.wire.codes import (
    CANCEL_REQUEST_CODE,
    NEGOTIATE_GSS_CODE,
    NEGOTIATE_SSL_CODE,
    PROTOCOL_MAJOR,
    ProtocolViolation,
    Severity,
    SqlState,
    TransactionStatus,
)
from proxy.wire.frontend_stream import Held, Wait
from proxy.wire.messages import ErrorResponse, ParameterStatus, fatal
from proxy.wire.referee import NotRead, Referee
from proxy.wire.ruling import End, Ruling
from proxy.wire.session import Session
from proxy.wire.startup import (
    HEADER_BYTES,
    CancelRequest,
    SSLRequest,
    StartupMessage,
    check_version,
    packet_code,
    packet_length,
    read_startup,
)

__all__ = [
    "CANCEL_REQUEST_CODE",
    "HEADER_BYTES",
    "NEGOTIATE_GSS_CODE",
    "NEGOTIATE_SSL_CODE",
    "PROTOCOL_MAJOR",
    "CancelRequest",
    "End",
    "ErrorResponse",
    "Held",
    "NotRead",
    "ParameterStatus",
    "ProtocolViolation",
    "Referee",
    "Ruling",
    "SSLRequest",
    "Session",
    "Severity",
    "SqlState",
    "StartupMessage",
    "TransactionStatus",
    "Wait",
    "check_version",
    "fatal",
    "packet_code",
    "packet_length",
    "read_startup",
]
